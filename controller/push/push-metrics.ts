import type { CounterColumn, LabelTable, MetricRegistry } from '../../runtime/metrics.ts'

/** Gateways that are told apart; the others are counted together. */
const GATEWAY_LIMIT = 2000
const OUTCOME_LIMIT = 16

/** Why a stream was not taken, or ended by this side. */
export type StreamRefusal =
  | 'unauthenticated'
  | 'forbidden'
  | 'not_leading'
  | 'redirected'
  | 'bad_frame'
  | 'too_many'
  | 'too_slow'
  | 'superseded'
  | 'aged'
  | 'closed'

/** What the push server counts, by Gateway. */
export class PushMetrics {
  readonly #gateways: LabelTable
  readonly #reasons: LabelTable
  readonly #pushes: CounterColumn
  readonly #bytes: CounterColumn
  readonly #acks: CounterColumn
  readonly #refusals: CounterColumn
  readonly #ended: CounterColumn

  /** @param streams the number of streams of each Gateway that has one, read at each scrape */
  constructor(registry: MetricRegistry, streams: () => ReadonlyMap<string, number>) {
    this.#gateways = registry.table('push', ['gateway'], GATEWAY_LIMIT)
    this.#reasons = registry.table('push_streams', ['reason'], OUTCOME_LIMIT)
    registry.observed({
      name: 'weir_push_streams',
      help: 'Pods that have a stream to this replica.',
      type: 'gauge',
      labels: ['gateway'],
      read: () => [...streams()].map(([gateway, value]) => ({ labels: [gateway], value })),
    })
    const column = (name: string, help: string, table: LabelTable): CounterColumn =>
      registry.counter(name, help).by(table)
    this.#pushes = column('weir_push_pushes_total', 'Snapshots, or changes of them, that were sent.', this.#gateways)
    this.#bytes = column('weir_push_bytes_total', 'Bytes of frames that were sent to pods.', this.#gateways)
    this.#acks = column('weir_push_acks_total', 'Versions that pods took up and acked.', this.#gateways)
    this.#refusals = column('weir_push_refusals_total', 'Resources that pods refused, in all acks.', this.#gateways)
    this.#ended = column(
      'weir_push_streams_ended_total',
      'Streams that this replica did not take or ended, by reason.',
      this.#reasons,
    )
  }

  pushed(gateway: string): void {
    this.#pushes.add(this.#gateways.row([gateway]))
  }

  sent(gateway: string, bytes: number): void {
    this.#bytes.add(this.#gateways.row([gateway]), bytes)
  }

  acked(gateway: string, refused: number): void {
    const row = this.#gateways.row([gateway])
    this.#acks.add(row)
    this.#refusals.add(row, refused)
  }

  ended(reason: StreamRefusal): void {
    this.#ended.add(this.#reasons.row([reason]))
  }
}
