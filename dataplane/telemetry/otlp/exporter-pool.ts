import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { digestOf } from '../../../contract/digest.ts'
import { resolveEndpoint } from '../../../contract/otlp-endpoint.ts'
import type { ExporterConfig, TracingConfig } from '../../../contract/telemetry-config.ts'
import type { ConnectTo } from '../../../runtime/connect-to.ts'
import type { Log } from '../../../runtime/log.ts'
import { withEnvironment } from './environment.ts'
import { addCounts, type CountsInProgress, type ExportCounts, noCounts } from './export-counts.ts'
import { type Held, SpanExporter } from './exporter.ts'
import { headerError } from './exporter-headers.ts'
import { type Identity, resourceAttributes } from './resource.ts'
import { DEFAULT_TIMEOUTS, type SendTimeouts } from './sender.ts'
import { SenderThread } from './sender-thread.ts'
import type { ResourceAttribute } from './trace-batch.ts'

/** What of an exporter's configuration says where and how bytes travel; the rest shapes the spans. */
export type ExporterTransport = Pick<
  ExporterConfig,
  'name' | 'otlpEndpoint' | 'otlpProtocol' | 'path' | 'headers' | 'limits' | 'queue'
>

export interface ExporterPoolOptions {
  readonly log: Log
  /** weir's version, for the user agent. */
  readonly version: string
  readonly connectTo: readonly ConnectTo[]
  readonly timeouts?: SendTimeouts
}

/** An exporter that can run, and what of the configuration shapes its spans. */
export interface AcquiredExporter {
  readonly config: ExporterConfig
  readonly exporter: SpanExporter
}

interface Live {
  readonly exporter: SpanExporter
  readonly key: string
  readonly drainMs: number
  users: number
}

/**
 * The exporters of a process. Exporters with equal transport and resource are one over generations of the configuration,
 * so that a change elsewhere keeps queue and connections; a change of the transport makes a new one, while the old one
 * delivers what it has.
 */
export class ExporterPool {
  readonly #options: ExporterPoolOptions
  readonly #thread: SenderThread
  readonly #live = new Map<string, Live>()
  readonly #draining = new Set<SpanExporter>()
  /** By name: what exporters that are gone have counted. */
  readonly #past = new Map<string, CountsInProgress>()
  /** By Gateway and name: what exporters that are there hold. */
  readonly #held = new Map<string, Held>()
  readonly #process = { hostName: hostname(), instanceId: randomUUID() }

  constructor(options: ExporterPoolOptions) {
    this.#options = options
    this.#thread = new SenderThread(options.log)
  }

  /**
   * The exporters of one generation of the configuration, with what the environment says; give each back with
   * {@link release} when the last exchange of the generation is over. What cannot run is left out, and the log says why.
   */
  acquire(tracing: TracingConfig | undefined, identity: Identity): AcquiredExporter[] {
    if (tracing === undefined) return []
    const configured = withEnvironment(tracing, identity.env)
    for (const problem of configured.problems) this.#options.log.warn(problem)
    const resource = resourceAttributes(tracing.resource, identity, this.#process)
    return configured.tracing.exporters.flatMap((config) => {
      const exporter = this.acquireOne(config, resource, `${identity.namespace}/${identity.name}`)
      if (exporter instanceof SpanExporter) return [{ config, exporter }]
      this.#options.log.error(exporter.error)
      return []
    })
  }

  /**
   * The exporter for this configuration, for one generation to use.
   * @param gateway `namespace/name`: exporters of one name share their bounds within a Gateway, not with other Gateways
   * @returns what is wrong instead, when nothing could be sent this way
   */
  acquireOne(
    config: ExporterTransport,
    resource: readonly ResourceAttribute[],
    gateway = '',
  ): SpanExporter | { readonly error: string } {
    const { name, otlpEndpoint, otlpProtocol, path, headers, limits, queue } = config
    const key = digestOf({ gateway, name, otlpEndpoint, otlpProtocol, path, headers, limits, queue, resource })
    const known = this.#live.get(key)
    if (known !== undefined) {
      known.users++
      return known.exporter
    }
    const endpoint = resolveEndpoint(config)
    if ('error' in endpoint) return { error: `exporter '${name}': otlpEndpoint ${endpoint.error}` }
    const wrongHeader = headerError(config)
    if (wrongHeader !== undefined) return { error: `exporter '${name}': ${wrongHeader}` }
    const { log, version, connectTo, timeouts = DEFAULT_TIMEOUTS } = this.#options
    const sender = { endpoint, headers, connectTo, userAgent: `weir/${version}`, timeouts }
    const held = this.#heldBy(`${gateway} ${name}`)
    const exporter = new SpanExporter({ config, resource, sender, thread: this.#thread, held, log })
    // Long enough for a batch that is tried for the first time when the exporter is released.
    const drainMs = queue.maxRetryTime * 1000 + timeouts.connectMs + timeouts.sendMs
    this.#live.set(key, { exporter, key, drainMs, users: 1 })
    return exporter
  }

  /** The generation is done with it. The last one to go closes it, once what it holds is delivered or too old. */
  release(exporter: SpanExporter): void {
    for (const live of this.#live.values()) {
      if (live.exporter !== exporter) continue
      live.users--
      if (live.users === 0) {
        this.#live.delete(live.key)
        void this.#retire(exporter, live.drainMs)
      }
      return
    }
  }

  /** By exporter name; those of one name, gone ones included, are added up, so that the counts only grow. */
  counts(): ReadonlyMap<string, ExportCounts> {
    const totals = new Map<string, CountsInProgress>()
    const add = (name: string, counts: ExportCounts): void => {
      const total = totals.get(name) ?? noCounts()
      addCounts(total, counts)
      totals.set(name, total)
    }
    for (const [name, counts] of this.#past) add(name, counts)
    for (const exporter of this.#all()) add(exporter.name, exporter.counts())
    return totals
  }

  /** Resolves when all that was recorded before is settled. */
  async flush(): Promise<void> {
    await Promise.all(this.#all().map((exporter) => exporter.flush()))
  }

  /** Delivers what is there, drops what is not delivered within `deadlineMs`, and ends the sending thread. */
  async close(deadlineMs: number): Promise<void> {
    const all = this.#all()
    this.#live.clear()
    await Promise.all(all.map((exporter) => this.#retire(exporter, deadlineMs)))
    await this.#thread.terminate()
  }

  #all(): SpanExporter[] {
    return [...[...this.#live.values()].map(({ exporter }) => exporter), ...this.#draining]
  }

  async #retire(exporter: SpanExporter, deadlineMs: number): Promise<void> {
    this.#draining.add(exporter)
    await exporter.close(deadlineMs)
    if (!this.#draining.delete(exporter)) return
    const past = this.#past.get(exporter.name) ?? noCounts()
    addCounts(past, exporter.counts())
    this.#past.set(exporter.name, past)
  }

  #heldBy(owner: string): Held {
    const held = this.#held.get(owner) ?? { exchanges: 0, bytes: 0 }
    this.#held.set(owner, held)
    return held
  }
}
