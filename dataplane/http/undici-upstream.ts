import { Pool } from 'undici'
import type { UpstreamTls } from '../../contract/snapshot.ts'
import { formatHostPort } from '../../runtime/address.ts'
import type { ConnectTo } from '../../runtime/connect-to.ts'
import { GatewayError } from '../fault.ts'
import { createConnector } from './connector.ts'
import type { Upstream, UpstreamCall, UpstreamHandler, UpstreamRequest } from './transport.ts'
import { UndiciCall } from './undici-call.ts'

export interface UpstreamLimits {
  /** Connections to one endpoint, and so requests in flight; HTTP/1.1 without pipelining. */
  readonly connections: number
  /** Requests that wait for a connection to one endpoint; one more is answered `overloaded`. */
  readonly queuedRequests: number
  readonly connectTimeoutMs: number
  /** The longest silence inside an answer's body; 0: no limit, as for event streams that rest. */
  readonly bodyIdleTimeoutMs: number
  /** An idle connection is closed after this, or earlier when the upstream's Keep-Alive says so. */
  readonly idleConnectionMs: number
  readonly headerBytes: number
}

export const DEFAULT_UPSTREAM_LIMITS: UpstreamLimits = {
  connections: 1024,
  queuedRequests: 4096,
  connectTimeoutMs: 10_000,
  bodyIdleTimeoutMs: 0,
  // Below the 5 s of Node's and uvicorn's servers, so that we close first: a request sent into a connection that is
  // being closed is lost, and nothing but an idempotent one could be sent again.
  idleConnectionMs: 4_000,
  headerBytes: 64 * 1024,
}

export interface UndiciUpstreamOptions {
  readonly host: string
  readonly port: number
  readonly tls: UpstreamTls | undefined
  readonly connectTo: readonly ConnectTo[]
  readonly limits: UpstreamLimits
}

/**
 * An upstream over undici's Pool. The queue in front of it is our own: undici cannot take a queued request back, and
 * aborting one would cost a connection. A request is sent once; sending it again is the business of whoever records
 * attempts.
 */
export class UndiciUpstream implements Upstream {
  readonly address: string
  readonly host: string
  readonly port: number
  readonly #options: UndiciUpstreamOptions
  readonly #queue = new Set<UndiciCall>()
  #pool: Pool | undefined
  #active = 0
  #retired = false

  constructor(options: UndiciUpstreamOptions) {
    this.#options = options
    this.host = options.host
    this.port = options.port
    this.address = formatHostPort(options.host, options.port)
  }

  /** Requests that have a connection, or are getting one. */
  get active(): number {
    return this.#active
  }

  get queued(): number {
    return this.#queue.size
  }

  send(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall {
    const call = new UndiciCall(this, request, handler)
    if (this.#active < this.#options.limits.connections) this.#start(call)
    else if (this.#queue.size < this.#options.limits.queuedRequests) this.#queue.add(call)
    else call.failSoon(overloaded(this.address))
    return call
  }

  /**
   * No plan names this upstream any more: its connections are closed once nothing runs. A request that was routed
   * before may still be sent; nothing is cut.
   */
  retire(): void {
    this.#retired = true
    this.#closeWhenIdle()
  }

  /** Called by a call that no longer waits in the queue for its turn. */
  unqueue(call: UndiciCall): boolean {
    return this.#queue.delete(call)
  }

  /** Called once by each started call, when undici is done with it. */
  finished(): void {
    this.#active -= 1
    const [next] = this.#queue
    if (next === undefined) return this.#closeWhenIdle()
    this.#queue.delete(next)
    this.#start(next)
  }

  #start(call: UndiciCall): void {
    this.#active += 1
    this.#pool ??= this.#openPool()
    this.#pool.dispatch(call.dispatchOptions(this.#options.tls?.hostname), call)
  }

  #openPool(): Pool {
    const { host, port, tls, connectTo, limits } = this.#options
    const connector = createConnector({ host, port, tls, connectTo, timeoutMs: limits.connectTimeoutMs })
    return new Pool(`${tls === undefined ? 'http' : 'https'}://${this.address}`, {
      connect: (_options, connected) => connector(connected),
      connections: limits.connections,
      allowH2: false,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: limits.bodyIdleTimeoutMs,
      keepAliveTimeout: limits.idleConnectionMs,
      keepAliveMaxTimeout: 60_000,
      maxHeaderSize: limits.headerBytes,
    })
  }

  #closeWhenIdle(): void {
    if (!this.#retired || this.#active > 0 || this.#queue.size > 0) return
    const pool = this.#pool
    this.#pool = undefined
    pool?.close(() => undefined)
  }
}

function overloaded(address: string): GatewayError {
  return new GatewayError('overloaded', `too many requests wait for ${address}, try again`, {
    headers: ['retry-after', '1'],
  })
}
