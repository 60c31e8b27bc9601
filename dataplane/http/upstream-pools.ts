import { digestOf } from '../../contract/digest.ts'
import type { Endpoint, UpstreamTls } from '../../contract/snapshot.ts'
import type { ConnectTo } from '../../runtime/connect-to.ts'
import { DEFAULT_UPSTREAM_LIMITS, Http1Upstream, type UpstreamLimits } from './http1/upstream.ts'
import type { Upstream } from './transport.ts'

export interface UpstreamPoolsOptions {
  readonly connectTo?: readonly ConnectTo[]
  readonly limits?: Partial<UpstreamLimits>
}

interface Shared {
  readonly upstream: Http1Upstream
  readonly key: string
  uses: number
}

/**
 * The upstreams of this process, shared by all plans: the same host, port and TLS settings are the same connections.
 * A part of a plan acquires what it names when it is built and releases it when it is superseded; a request that
 * still runs may go on using an upstream that was released.
 */
export class UpstreamPools {
  readonly #connectTo: readonly ConnectTo[]
  readonly #limits: UpstreamLimits
  readonly #byKey = new Map<string, Shared>()
  readonly #byUpstream = new Map<Upstream, Shared>()

  constructor(options: UpstreamPoolsOptions = {}) {
    this.#connectTo = options.connectTo ?? []
    this.#limits = { ...DEFAULT_UPSTREAM_LIMITS, ...options.limits }
  }

  /** How many upstreams some plan names. */
  get size(): number {
    return this.#byKey.size
  }

  /** The upstream for an endpoint, spoken to over TLS if `tls` is given. Each call needs its {@link release}. */
  acquire(endpoint: Endpoint, tls?: UpstreamTls): Upstream {
    const { host, port } = endpoint
    const key = `${host}:${port} ${tls === undefined ? '' : digestOf(tls)}`
    const known = this.#byKey.get(key)
    if (known !== undefined) {
      known.uses += 1
      return known.upstream
    }
    const upstream = new Http1Upstream({ host, port, tls, connectTo: this.#connectTo, limits: this.#limits })
    const shared = { upstream, key, uses: 1 }
    this.#byKey.set(key, shared)
    this.#byUpstream.set(upstream, shared)
    return upstream
  }

  /** Gives one use back; after the last one the connections are closed as soon as nothing runs on them. */
  release(upstream: Upstream): void {
    const shared = this.#byUpstream.get(upstream)
    if (shared === undefined) return
    shared.uses -= 1
    if (shared.uses > 0) return
    this.#byKey.delete(shared.key)
    this.#byUpstream.delete(upstream)
    shared.upstream.retire()
  }

  /** The process ends: every upstream is closed as soon as nothing runs on it. */
  close(): void {
    for (const { upstream } of this.#byKey.values()) upstream.retire()
    this.#byKey.clear()
    this.#byUpstream.clear()
  }
}
