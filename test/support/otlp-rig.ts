import { pino } from 'pino'
import { type ExporterConfig, telemetryConfig } from '../../contract/telemetry-config.ts'
import { droppedOf, type ExportCounts } from '../../dataplane/telemetry/otlp/export-counts.ts'
import { SpanExporter } from '../../dataplane/telemetry/otlp/exporter.ts'
import { ExporterPool, type ExporterPoolOptions } from '../../dataplane/telemetry/otlp/exporter-pool.ts'
import type { Log } from '../../runtime/log.ts'
import type { OtlpSink } from './otlp-sink.ts'

/** What the exporter's tests share: configurations with their defaults, a log that is kept, and a pool round them. */

export interface LogLine {
  readonly level: number
  readonly msg: string
  readonly [key: string]: unknown
}

/** A log whose lines can be read, and waited for. */
export interface KeptLog {
  readonly log: Log
  readonly lines: readonly LogLine[]
  /** Resolves with the first line, past or future, with that message. */
  line(message: string): Promise<LogLine>
  /** Begins with an empty log again. */
  forget(): void
}

export function keptLog(): KeptLog {
  const lines: LogLine[] = []
  const waiting: { message: string; resolve: (line: LogLine) => void }[] = []
  const write = (text: string): void => {
    const line = JSON.parse(text) as LogLine
    lines.push(line)
    for (const one of waiting) if (one.message === line.msg) one.resolve(line)
  }
  return {
    log: pino({ level: 'trace', base: null }, { write }),
    lines,
    line: (message) => {
      const past = lines.find(({ msg }) => msg === message)
      return past ? Promise.resolve(past) : new Promise((resolve) => waiting.push({ message, resolve }))
    },
    forget: () => {
      lines.length = 0
      waiting.length = 0
    },
  }
}

/** Keys of an exporter as a user writes them. */
export interface ExporterKeys {
  readonly name?: string
  readonly otlpEndpoint: string
  readonly otlpProtocol?: ExporterConfig['otlpProtocol']
  readonly path?: string
  readonly headers?: ExporterConfig['headers']
  readonly limits?: Partial<ExporterConfig['limits']>
  readonly queue?: Partial<ExporterConfig['queue']>
}

/** With all defaults filled in. */
export function exporterConfig(keys: ExporterKeys): ExporterConfig {
  const { tracing } = telemetryConfig.parse({ tracing: { exporters: [{ name: 'default', ...keys }] } })
  return tracing?.exporters[0] as ExporterConfig
}

export const PROTOCOLS = ['grpc', 'http', 'http/json'] as const

export function endpointOf(sink: OtlpSink, protocol: ExporterConfig['otlpProtocol']): string {
  return `http://127.0.0.1:${protocol === 'grpc' ? sink.grpcPort : sink.httpPort}`
}

export interface ExporterRig extends KeptLog {
  readonly pool: ExporterPool
  exporter(keys: ExporterKeys): SpanExporter
  /** Drops what the exporters made here still hold. */
  abandonAll(): Promise<void>
}

export function startExporterRig(options: Partial<ExporterPoolOptions> = {}): ExporterRig {
  const kept = keptLog()
  const made: SpanExporter[] = []
  const pool = new ExporterPool({ log: kept.log, version: '1.2.3', connectTo: [], ...options })
  return {
    ...kept,
    pool,
    exporter: (keys) => {
      const exporter = pool.acquireOne(exporterConfig(keys), [{ name: 'service.name', value: 'weir' }])
      if (!(exporter instanceof SpanExporter)) throw new Error(exporter.error)
      made.push(exporter)
      return exporter
    },
    abandonAll: async () => {
      await Promise.all(made.splice(0).map((exporter) => exporter.close(0)))
    },
  }
}

/** The promise of ExportCounts, in exchanges and in spans (where what is held cannot be seen). */
export function isBalanced(counts: ExportCounts): boolean {
  const { ended, queued, inFlight, spooled, sent, refused, spans } = counts
  const settledSpans = spans.sent + spans.refused + spans.dropped
  return (
    ended === queued + inFlight + spooled + sent + refused + droppedOf(counts) &&
    (queued + inFlight === 0 ? settledSpans === spans.ended : settledSpans < spans.ended) &&
    (queued + inFlight === 0) === (counts.heldBytes === 0)
  )
}
