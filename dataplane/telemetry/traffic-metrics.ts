import { CelFlattened, type CelValue } from '../../contract/cel/program.ts'
import type { RouteResource } from '../../contract/snapshot.ts'
import type { CounterColumn, HistogramColumn, Instrument, LabelTable, MetricRegistry } from '../../runtime/metrics.ts'
import type { Exchange, LlmFacts } from '../exchange.ts'
import { bindName, durationMs, routeName, timePerOutputTokenMs, timeToFirstTokenMs } from './exchange-facts.ts'
import { decimalText } from './log/log-line.ts'
import { compactJson } from './view/compact-json.ts'
import { requestedModel } from './view/gen-ai.ts'

/** Combinations of label values of one table at most. */
const SERIES_LIMIT = 2000
/** Tables of configurations with labels of their own that are kept: the newest. */
const TABLE_LIMIT = 4

const REQUEST_LABELS = ['bind', 'gateway', 'listener', 'route', 'route_rule', 'backend', 'method', 'status'] as const
const MODEL_LABELS = [
  'gen_ai_operation_name',
  'gen_ai_system',
  'gen_ai_request_model',
  'gen_ai_response_model',
] as const

const DURATION_BUCKETS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
const TOKEN_BUCKETS = [
  1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
]
const PER_TOKEN_BUCKETS = [0.001, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5]
const FIRST_TOKEN_BUCKETS = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
const BYTE_BUCKETS = [256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864]

/** The traffic's metrics, under the names that agentgateway's documents and dashboards use. One for the process. */
export class TrafficMetrics {
  readonly #registry: MetricRegistry
  readonly #requests: Instrument<CounterColumn>
  readonly #retries: Instrument<CounterColumn>
  readonly #durations: Instrument<HistogramColumn>
  readonly #responseBytes: Instrument<HistogramColumn>
  readonly #models: ModelMetrics
  readonly #connectionTable: LabelTable
  readonly #connections: CounterColumn
  /** By the names of their labels; the one used last is last. */
  readonly #tables = new Map<string, LabelTable>()

  /** @param version weir's own, for `agentgateway_build_info` */
  constructor(registry: MetricRegistry, version: string) {
    this.#registry = registry
    this.#requests = registry.counter('agentgateway_requests_total', 'Requests that were answered or given up.')
    this.#durations = registry.histogram(
      'agentgateway_request_duration_seconds',
      'Time from the head of a request to the last byte of its answer.',
      DURATION_BUCKETS,
    )
    this.#responseBytes = registry.histogram(
      'agentgateway_response_bytes',
      'Bytes of the bodies of answers.',
      BYTE_BUCKETS,
    )
    this.#retries = registry.counter('agentgateway_retries_total', 'Tries at an upstream after the first.')
    this.#models = new ModelMetrics(registry)
    this.#connectionTable = registry.table('connections', ['bind', 'gateway', 'protocol'], SERIES_LIMIT)
    this.#connections = registry
      .counter('agentgateway_downstream_connections_total', 'Connections that clients opened.')
      .by(this.#connectionTable)
    registry.observed({
      name: 'agentgateway_build_info',
      help: 'Which version of weir this is.',
      type: 'gauge',
      labels: ['tag'],
      combine: 'max',
      read: () => [{ labels: [version], value: 1 }],
    })
  }

  /**
   * A client opened a connection.
   * @param gateway `namespace/name`
   */
  connectionOpened(port: number, gateway: string, protocol: 'HTTP' | 'HTTPS'): void {
    const row = this.#connectionTable.row([`${port}/${gateway}`, gateway, protocol.toLowerCase()])
    this.#connections.add(row)
  }

  /**
   * What one generation of the configuration samples.
   * @param added names of configured labels; characters that labels cannot have become `_`
   * @param removed metrics that are not sampled, with or without `agentgateway_` and `_total`
   */
  sampler(added: readonly string[], removed: readonly string[]): TrafficSampler {
    const names = added.map(labelName)
    const labels = [...new Set([...REQUEST_LABELS, ...names])]
    const table = this.#tableFor(labels)
    const off = new Set(removed.map(bareName))
    const unless = <C>(name: string, column: C): C | undefined => (off.has(name) ? undefined : column)
    return new TrafficSampler(
      table,
      names.map((name) => labels.indexOf(name)),
      {
        requests: unless('requests', this.#requests.by(table)),
        retries: unless('retries', this.#retries.by(table)),
        durations: unless('request_duration_seconds', this.#durations.by(table)),
        responseBytes: unless('response_bytes', this.#responseBytes.by(table)),
        models: this.#models,
        off,
      },
    )
  }

  #tableFor(labels: readonly string[]): LabelTable {
    const key = labels.join()
    const table = this.#tables.get(key) ?? this.#registry.table('requests', labels, SERIES_LIMIT)
    this.#tables.delete(key)
    this.#tables.set(key, table)
    const [oldest] = this.#tables
    if (this.#tables.size > TABLE_LIMIT && oldest !== undefined) {
      this.#tables.delete(oldest[0])
      this.#registry.drop(oldest[1])
    }
    return table
  }
}

function bareName(name: string): string {
  return name.replace(/^agentgateway_/, '').replace(/_total$/, '')
}

/** A name that Prometheus accepts for a label; `le` is the histograms' own. */
function labelName(name: string): string {
  const plain = name.replace(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=[0-9]|__)/, 'label_')
  return plain === 'le' || plain === '' ? `label_${plain}` : plain
}

interface SampledColumns {
  readonly requests: CounterColumn | undefined
  readonly retries: CounterColumn | undefined
  readonly durations: HistogramColumn | undefined
  readonly responseBytes: HistogramColumn | undefined
  readonly models: ModelMetrics
  readonly off: ReadonlySet<string>
}

/** Samples sealed exchanges for one generation of the configuration. */
export class TrafficSampler {
  readonly #table: LabelTable
  readonly #addedAt: readonly number[]
  readonly #columns: SampledColumns
  /** What the last request of each rule was counted under. */
  readonly #lastOf = new WeakMap<RouteResource, CountedRequest>()

  /** @param addedAt for each configured label its place among the table's labels */
  constructor(table: LabelTable, addedAt: readonly number[], columns: SampledColumns) {
    this.#table = table
    this.#addedAt = addedAt
    this.#columns = columns
  }

  /** @param added the values of the configured labels, in their order; undefined: the expression failed */
  record(exchange: Exchange, added: readonly (CelValue | undefined)[]): void {
    const { response, attempts } = exchange
    const row = added.length === 0 ? this.#plainRow(exchange) : this.#table.row(this.#labels(exchange, added))
    const { requests, retries, durations, responseBytes, models, off } = this.#columns
    requests?.add(row)
    durations?.observe(row, durationMs(exchange) / 1000)
    if (response !== undefined) responseBytes?.observe(row, response.bodyBytes)
    if (attempts.length > 1) retries?.add(row, attempts.length - 1)
    models.record(exchange, off)
  }

  /** Most requests of a rule differ from the one before in nothing that a label says. */
  #plainRow(exchange: Exchange): number {
    const { listener, route, backend, request, response } = exchange
    if (route === undefined) return this.#table.row(this.#labels(exchange, []))
    const { method } = request
    const status = response?.status
    const last = this.#lastOf.get(route)
    if (last?.listener === listener && last?.backend === backend && last?.method === method && last.status === status) {
      return last.row
    }
    const row = this.#table.row(this.#labels(exchange, []))
    this.#lastOf.set(route, { listener, backend, method, status, row })
    return row
  }

  #labels(exchange: Exchange, added: readonly (CelValue | undefined)[]): (string | undefined)[] {
    const { listener, route, backend, request, response } = exchange
    const values: (string | undefined)[] = [
      bindName(exchange),
      listener?.gateway,
      listener?.name,
      routeName(exchange),
      route?.rule,
      backend && `${backend.namespace}/${backend.name}`,
      request.method,
      response && String(response.status),
    ]
    for (let i = 0; i < added.length; i++) values[this.#addedAt[i] as number] = labelText(added[i])
    return values
  }
}

function labelText(value: CelValue | undefined): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  if (typeof value === 'number') return decimalText(value)
  if (typeof value !== 'object') return String(value)
  return compactJson(value instanceof CelFlattened ? value.value : value, 256).replace(/^"(.*)"$/, '$1')
}

/** What of a request decides its row, and the row. */
interface CountedRequest {
  readonly listener: Exchange['listener']
  readonly backend: Exchange['backend']
  readonly method: string
  readonly status: number | undefined
  readonly row: number
}

/** What of a model call decides its rows, and the rows; token rows are made when there are such tokens. */
interface CountedModel {
  readonly labels: readonly (string | undefined)[]
  readonly row: number
  readonly tokenRows: { [type: string]: number }
}

/** Metrics of model calls. */
class ModelMetrics {
  readonly #table: LabelTable
  readonly #tokenTable: LabelTable
  readonly #tokens: HistogramColumn
  readonly #durations: HistogramColumn
  readonly #firstTokens: HistogramColumn
  readonly #perToken: HistogramColumn
  #last: CountedModel | undefined

  constructor(registry: MetricRegistry) {
    this.#table = registry.table('models', MODEL_LABELS, SERIES_LIMIT)
    this.#tokenTable = registry.table('tokens', ['gen_ai_token_type', ...MODEL_LABELS], SERIES_LIMIT)
    const histogram = (name: string, help: string, buckets: readonly number[], table: LabelTable): HistogramColumn =>
      registry.histogram(`agentgateway_gen_ai_${name}`, help, buckets).by(table)
    this.#tokens = histogram(
      'client_token_usage',
      'Tokens of model calls, as the providers count them.',
      TOKEN_BUCKETS,
      this.#tokenTable,
    )
    this.#durations = histogram(
      'server_request_duration',
      'Seconds that model calls took.',
      DURATION_BUCKETS,
      this.#table,
    )
    this.#firstTokens = histogram(
      'server_time_to_first_token',
      'Seconds to the first choice of streamed answers.',
      FIRST_TOKEN_BUCKETS,
      this.#table,
    )
    this.#perToken = histogram(
      'server_time_per_output_token',
      'Seconds for each token after the first of streamed answers.',
      PER_TOKEN_BUCKETS,
      this.#table,
    )
  }

  /** @param off names, without `agentgateway_`, of what is not sampled */
  record(exchange: Exchange, off: ReadonlySet<string>): void {
    const llm = exchange.llm
    if (llm === undefined) return
    const model = this.#counted(llm)
    const { row } = model
    const observe = (name: string, column: HistogramColumn, ms: number | undefined): void => {
      if (ms !== undefined && !off.has(`gen_ai_${name}`)) column.observe(row, ms / 1000)
    }
    observe('server_request_duration', this.#durations, durationMs(exchange))
    observe('server_time_to_first_token', this.#firstTokens, timeToFirstTokenMs(exchange))
    observe('server_time_per_output_token', this.#perToken, timePerOutputTokenMs(exchange))
    if (off.has('gen_ai_client_token_usage')) return
    this.#countTokens('input', model, llm.inputTokens)
    this.#countTokens('output', model, llm.outputTokens)
    this.#countTokens('input_cache_read', model, llm.cachedInputTokens)
    this.#countTokens('input_cache_write', model, llm.cacheCreationInputTokens)
  }

  /** Calls that follow each other mostly go to the same model. */
  #counted(llm: LlmFacts): CountedModel {
    const requested = requestedModel(llm)
    const last = this.#last?.labels
    const same =
      last?.[0] === llm.operation && last[1] === llm.provider && last[2] === requested && last[3] === llm.responseModel
    if (this.#last !== undefined && same) return this.#last
    const labels = [llm.operation, llm.provider, requested, llm.responseModel]
    this.#last = { labels, row: this.#table.row(labels), tokenRows: {} }
    return this.#last
  }

  #countTokens(type: string, model: CountedModel, tokens: number | undefined): void {
    if (tokens === undefined) return
    model.tokenRows[type] ??= this.#tokenTable.row([type, ...model.labels])
    this.#tokens.observe(model.tokenRows[type], tokens)
  }
}
