import type { CounterColumn, LabelTable, MetricRegistry } from '../../runtime/metrics.ts'
import type { FailureCounter } from './fields.ts'
import { addCounts, droppedOf, type ExportCounts, noCounts } from './otlp/export-counts.ts'

/** Where the numbers are that others keep. */
export interface TelemetrySources {
  /** Lines of the access log that were lost. */
  readonly accessLogDropped: () => number
  /** Every exporter that still has something to say; those of one name are added up. */
  readonly exporters: () => Iterable<{ readonly name: string; readonly counts: ExportCounts }>
}

/** Attributes in the table of failures at most: their names come from configurations, which change. */
const ATTRIBUTE_LIMIT = 2000

/** Metrics of telemetry itself: what it lost, and why. One for the process. */
export class TelemetryMetrics implements FailureCounter {
  readonly #failureTable: LabelTable
  readonly #failures: CounterColumn
  readonly #bugTable: LabelTable
  readonly #bugs: CounterColumn

  constructor(registry: MetricRegistry, sources: TelemetrySources) {
    this.#failureTable = registry.table('attribute_failures', ['attribute', 'reason'], ATTRIBUTE_LIMIT)
    this.#failures = registry
      .counter(
        'weir_attribute_failures_total',
        'Configured attributes that are missing because their expression failed.',
      )
      .by(this.#failureTable)
    this.#bugTable = registry.table('telemetry_errors', ['part'], ATTRIBUTE_LIMIT)
    this.#bugs = registry
      .counter('weir_telemetry_errors_total', 'Exchanges of which a part of the telemetry is missing because of a bug.')
      .by(this.#bugTable)
    registry.observed({
      name: 'weir_access_log_dropped_total',
      help: 'Lines of the access log that were lost, because nobody read it or it could not be written.',
      type: 'counter',
      labels: [],
      read: () => [{ labels: [], value: sources.accessLogDropped() }],
    })
    registry.observed({
      name: 'weir_otlp_exchanges',
      help: 'Exchanges that an exporter should get, by what became of them; ended is the sum of the other states.',
      type: 'gauge',
      labels: ['exporter', 'state'],
      read: () => [...exporterCounts(sources)].flatMap(([name, counts]) => states(name, counts)),
    })
    registry.observed({
      name: 'weir_otlp_dropped_total',
      help: 'Exchanges that an exporter dropped.',
      type: 'counter',
      labels: ['exporter', 'reason'],
      read: () =>
        [...exporterCounts(sources)].flatMap(([name, { dropped }]) =>
          Object.entries(dropped).map(([reason, value]) => ({ labels: [name, reason], value })),
        ),
    })
  }

  /** An expression yielded nothing. */
  count(attribute: string, failure: string): void {
    this.#failures.add(this.#failureTable.row([attribute, failure]))
  }

  /** A part of telemetry threw. */
  countBug(part: string): void {
    this.#bugs.add(this.#bugTable.row([part]))
  }
}

type Sample = { readonly labels: readonly string[]; readonly value: number }

function states(name: string, counts: ExportCounts): Sample[] {
  const of = (state: string, value: number): Sample => ({ labels: [name, state], value })
  return [
    of('ended', counts.ended),
    of('queued', counts.queued),
    of('in_flight', counts.inFlight),
    of('spooled', counts.spooled),
    of('sent', counts.sent),
    of('refused', counts.refused),
    of('dropped', droppedOf(counts)),
  ]
}

/** The counts by the exporters' names: while a generation drains there are two of one name. */
function exporterCounts(sources: TelemetrySources): Map<string, ExportCounts> {
  const byName = new Map<string, ReturnType<typeof noCounts>>()
  for (const { name, counts } of sources.exporters()) {
    const total = byName.get(name) ?? noCounts()
    addCounts(total, counts)
    byName.set(name, total)
  }
  return byName
}
