import type { Socket } from 'node:net'
import type { UpstreamTls } from '../../../contract/snapshot.ts'
import { formatHostPort } from '../../../runtime/address.ts'
import { nowMs } from '../../../runtime/clock.ts'
import type { ConnectTo } from '../../../runtime/connect-to.ts'
import { GatewayError } from '../../fault.ts'
import { createConnector } from '../connector.ts'
import type { Upstream, UpstreamCall, UpstreamHandler, UpstreamRequest } from '../transport.ts'
import { Http1Call } from './upstream-call.ts'
import { UpstreamConnection } from './upstream-connection.ts'

export interface UpstreamLimits {
  /** Connections to one endpoint, and so requests in flight; HTTP/1.1 without pipelining. */
  readonly connections: number
  /** Requests that wait for a connection to one endpoint; one more is answered `overloaded`. */
  readonly queuedRequests: number
  readonly connectTimeoutMs: number
  /** The longest silence inside an answer's body; 0: no limit, as for event streams that rest. */
  readonly bodyIdleTimeoutMs: number
  /** An idle connection is closed after this, or when the upstream's Keep-Alive says so. */
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

export interface Http1UpstreamOptions {
  readonly host: string
  readonly port: number
  readonly tls: UpstreamTls | undefined
  readonly connectTo: readonly ConnectTo[]
  readonly limits: UpstreamLimits
}

const REAP_MS = 500

/**
 * The connections to one endpoint, one request at a time on each, and the queue in front of them. A request is sent
 * once; sending it again is the business of whoever records attempts.
 */
export class Http1Upstream implements Upstream {
  readonly address: string
  readonly host: string
  readonly port: number
  readonly limits: UpstreamLimits
  readonly #connect: ReturnType<typeof createConnector>
  /** The one that was used last is used next, so that those which are not needed grow old. */
  readonly #idle: UpstreamConnection[] = []
  /** In order of arrival. The oldest has the next connection, whichever that is. */
  readonly #waiting = new Set<Http1Call>()
  #busy = 0
  #connecting = 0
  #retired = false
  #reaper: NodeJS.Timeout | undefined

  constructor(options: Http1UpstreamOptions) {
    const { host, port, tls, connectTo, limits } = options
    this.host = host
    this.port = port
    this.address = formatHostPort(host, port)
    this.limits = limits
    this.#connect = createConnector({ host, port, tls, connectTo, timeoutMs: limits.connectTimeoutMs })
  }

  /** Connections that are in use, or being opened. */
  get active(): number {
    return this.#busy + this.#connecting
  }

  /** Requests for which no connection is being opened. */
  get queued(): number {
    return Math.max(0, this.#waiting.size - this.#connecting)
  }

  send(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall {
    const call = new Http1Call(this, request, handler)
    if (call.failing) return call
    const idle = this.#takeIdle()
    if (idle !== undefined) {
      this.#busy += 1
      idle.start(call)
    } else if (this.queued < this.limits.queuedRequests || this.#roomForConnections > 0) {
      this.#waiting.add(call)
      this.#openConnections()
    } else {
      call.failSoon(overloaded(this.address))
    }
    return call
  }

  /**
   * No plan names this upstream any more: its connections are closed once nothing runs. A request that was routed
   * before may still be sent; nothing is cut.
   */
  retire(): void {
    this.#retired = true
    if (this.#waiting.size === 0) this.#closeIdle()
  }

  /** Called by a call that no longer waits for its turn. @returns whether it did wait */
  unqueue(call: Http1Call): boolean {
    return this.#waiting.delete(call)
  }

  /** Called once by each connection when its request is over; `reusable` says whether another may follow. */
  released(connection: UpstreamConnection, reusable: boolean): void {
    this.#busy -= 1
    if (reusable) this.#take(connection)
    else this.#openConnections()
  }

  /** An idle connection was closed by the other side. */
  lost(connection: UpstreamConnection): void {
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
  }

  get #roomForConnections(): number {
    return this.limits.connections - this.#busy - this.#connecting - this.#idle.length
  }

  #openConnections(): void {
    while (this.#connecting < this.#waiting.size && this.#roomForConnections > 0) {
      this.#connecting += 1
      this.#connect((error, socket) => {
        this.#connecting -= 1
        if (error === null) this.#take(new UpstreamConnection(socket as Socket, this))
        else this.#failOldest(error)
      })
    }
  }

  /** An attempt to connect was made for one request: that one fails, and the others go on waiting for theirs. */
  #failOldest(error: GatewayError): void {
    const [oldest] = this.#waiting
    if (oldest !== undefined && this.#waiting.size > this.#connecting) {
      this.#waiting.delete(oldest)
      oldest.fail(error)
    }
    this.#openConnections()
  }

  /** A connection that has nothing to do. */
  #take(connection: UpstreamConnection): void {
    const [next] = this.#waiting
    if (next !== undefined) {
      this.#waiting.delete(next)
      this.#busy += 1
      connection.start(next)
    } else if (this.#retired) {
      connection.close()
    } else {
      this.#idle.push(connection)
      this.#reaper ??= setInterval(() => this.#reap(), REAP_MS).unref()
    }
  }

  #takeIdle(): UpstreamConnection | undefined {
    for (let last = this.#idle.pop(); last !== undefined; last = this.#idle.pop()) {
      if (last.usable && last.idleUntilMs > nowMs()) return last
      last.close()
    }
    return undefined
  }

  #reap(): void {
    const now = nowMs()
    for (const connection of this.#idle.filter((one) => one.idleUntilMs <= now)) {
      this.lost(connection)
      connection.close()
    }
    if (this.#idle.length === 0) this.#stopReaping()
  }

  #closeIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.close()
    this.#stopReaping()
  }

  #stopReaping(): void {
    clearInterval(this.#reaper)
    this.#reaper = undefined
  }
}

function overloaded(address: string): GatewayError {
  return new GatewayError('overloaded', `too many requests wait for ${address}, try again`, {
    headers: ['retry-after', '1'],
  })
}
