import type { Log } from '../runtime/log.ts'
import { MetricRegistry } from '../runtime/metrics.ts'
import { CollectBudget } from './http/collect-budget.ts'
import { UpstreamPools } from './http/upstream-pools.ts'
import type { DataPlaneSettings } from './settings.ts'
import { descriptorSink } from './telemetry/log/descriptor-sink.ts'
import { LineWriter } from './telemetry/log/line-writer.ts'
import { ExporterPool } from './telemetry/otlp/exporter-pool.ts'
import { TelemetryMetrics } from './telemetry/telemetry-metrics.ts'
import { TrafficMetrics } from './telemetry/traffic-metrics.ts'

/** What all Gateways of one process share: connections, budgets, exporters, the access log's writer, metrics. */
export interface SharedParts {
  readonly settings: DataPlaneSettings
  readonly log: Log
  readonly registry: MetricRegistry
  readonly upstreams: UpstreamPools
  readonly budget: CollectBudget
  readonly exporters: ExporterPool
  readonly accessLog: LineWriter
  readonly traffic: TrafficMetrics
  readonly telemetry: TelemetryMetrics
  /** Counts and logs what was thrown and is no GatewayError. */
  readonly onBug: (thrown: unknown) => void
  /** Counts an encoded answer that passed, but whose facts could not be read. */
  readonly onUnread: (reason: string) => void
  /** Sends what is queued, within the deadline, and ends what runs. */
  close(deadlineMs: number): Promise<void>
}

const STDOUT = 1

export function createSharedParts(settings: DataPlaneSettings, log: Log): SharedParts {
  const registry = new MetricRegistry()
  const accessLog = new LineWriter(descriptorSink(STDOUT))
  const exporters = new ExporterPool({ log, version: settings.version, connectTo: settings.connectTo })
  const upstreams = new UpstreamPools({ connectTo: settings.connectTo })
  let bugs = 0
  registry.observed({
    name: 'weir_bugs_total',
    help: "Requests that failed because of an error of weir's own.",
    type: 'counter',
    labels: [],
    read: () => [{ labels: [], value: bugs }],
  })
  const unreadTable = registry.table('unread_answers', ['reason'], 16)
  const unread = registry
    .counter('weir_unread_answers_total', 'Encoded answers that passed, but whose facts could not be read.')
    .by(unreadTable)
  return {
    settings,
    log,
    registry,
    upstreams,
    budget: new CollectBudget(settings.collectBytes),
    exporters,
    accessLog,
    traffic: new TrafficMetrics(registry, settings.version),
    telemetry: new TelemetryMetrics(registry, {
      accessLogDropped: () => accessLog.dropped,
      exporters: () => [...exporters.counts()].map(([name, counts]) => ({ name, counts })),
    }),
    onBug: (thrown) => {
      bugs++
      log.error({ err: thrown }, 'a request failed because of a bug')
    },
    onUnread: (reason) => unread.add(unreadTable.row([reason])),
    close: async (deadlineMs) => {
      await Promise.all([exporters.close(deadlineMs), accessLog.close(deadlineMs)])
      upstreams.close()
    },
  }
}
