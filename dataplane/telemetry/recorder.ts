import { compileExpression } from '../../contract/cel/compile.ts'
import type { CelValue, CelVariables } from '../../contract/cel/program.ts'
import type { ExporterConfig, TelemetryConfig } from '../../contract/telemetry-config.ts'
import type { Log } from '../../runtime/log.ts'
import { parseLogLevel } from '../../runtime/log-level.ts'
import type { Attempt, Capture, Exchange, Recorder, TraceContext } from '../exchange.ts'
import {
  captureFor,
  type EnvironmentFacts,
  planVariables,
  type VariablePlan,
  variablesOf,
} from './exchange-variables.ts'
import { compileFields, type Field, ProgramCache } from './fields.ts'
import { AccessLog, type LineTarget } from './log/access-log.ts'
import { callerContext, formatTraceparent } from './propagation.ts'
import { rootContext, type Samplers, samplerOf } from './sampling.ts'
import type { Span } from './span.ts'
import type { TelemetryMetrics } from './telemetry-metrics.ts'
import type { TrafficMetrics, TrafficSampler } from './traffic-metrics.ts'
import { ExporterView } from './view/exporter-view.ts'

/** Takes the spans of one exchange; never throws, never waits. otlp/exporter.ts has one. */
export interface SpanSink {
  record(spans: readonly Span[]): void
}

export interface RecorderOptions {
  readonly config: TelemetryConfig
  /** `namespace/name`. */
  readonly gateway: string
  readonly environment: EnvironmentFacts
  /** Those of `config.tracing.exporters` that can run, each with where its spans go. */
  readonly exporters: readonly { readonly config: ExporterConfig; readonly exporter: SpanSink }[]
  /** Form of the access log where the configuration names none, and whether there is one where it does not say. */
  readonly accessLog: {
    readonly target: LineTarget
    readonly format: 'text' | 'json'
    readonly enabled: boolean
  }
  readonly traffic: TrafficMetrics
  readonly metrics: TelemetryMetrics
  readonly log: Log
  /** Numbers from 0 up to 1; for tests. */
  readonly random?: () => number
}

/** Makes what one generation of the telemetry configuration asks for. Reports what does not compile to the log. */
export function createRecorder(options: RecorderOptions): Recorder {
  return new GenerationRecorder(options)
}

interface OwnedView {
  readonly view: ExporterView
  readonly exporter: SpanSink
}

class GenerationRecorder implements Recorder {
  readonly #options: RecorderOptions
  readonly #samplers: Samplers | undefined
  readonly #samplingPlan: VariablePlan
  readonly #views: readonly OwnedView[]
  readonly #everyAttempt: boolean
  readonly #accessLog: AccessLog | undefined
  readonly #sampler: TrafficSampler
  readonly #labels: readonly Field[]
  readonly #plan: VariablePlan
  /** What is captured of every exchange, and of those that are exported. */
  readonly #capture: Capture
  readonly #exportedCapture: Capture
  readonly #random: () => number
  readonly #reported = new Set<string>()

  constructor(options: RecorderOptions) {
    const { config, gateway, metrics } = options
    this.#options = options
    this.#random = options.random ?? Math.random
    const report = (name: string, message: string): void => {
      options.log.warn({ name, problem: message }, 'telemetry: an expression does not compile')
    }
    const atRequest = new ProgramCache((source) => compileExpression(source, { phase: 'request' }), report)
    const always = new ProgramCache((source) => compileExpression(source, { phase: 'end' }), report)
    const exported = new ProgramCache((source) => compileExpression(source, { phase: 'end' }), report)

    const { tracing } = config
    this.#samplers = tracing && {
      random: samplerOf(tracing.randomSampling, (source) => atRequest.program('tracing.randomSampling', source)),
      client: samplerOf(tracing.clientSampling, (source) => atRequest.program('tracing.clientSampling', source)),
      profile: tracing.profile,
    }
    this.#samplingPlan = planVariables(atRequest.mentions())
    this.#views = options.exporters.map((one) => ({
      view: new ExporterView(one.config, gateway, exported, metrics),
      exporter: one.exporter,
    }))
    this.#everyAttempt = this.#views.some(({ view }) => view.everyAttempt)

    const { target, format } = options.accessLog
    this.#accessLog = isLogged(options)
      ? new AccessLog(config.logging, gateway, format, target, always, metrics)
      : undefined
    this.#labels = compileFields(config.metrics.add, always, metrics)
    this.#sampler = options.traffic.sampler(
      config.metrics.add.map((field) => field.name),
      config.metrics.remove,
    )

    const mentions = always.mentions()
    this.#capture = captureFor(mentions)
    for (const mention of exported.mentions()) mentions.add(mention)
    this.#exportedCapture = captureFor(mentions)
    this.#plan = planVariables(mentions)
  }

  begin(exchange: Exchange): void {
    exchange.capture = this.#capture
    if (this.#samplers === undefined) return
    try {
      const trace = rootContext(this.#samplers, callerContext(exchange.request.rawHeaders), {
        variables: () => variablesOf(exchange, this.#samplingPlan, this.#options.environment),
        random: this.#random,
      })
      exchange.trace = trace
      if (trace?.exported) exchange.capture = this.#exportedCapture
    } catch (error) {
      this.#failed('sampling', error)
    }
  }

  contextHeaders(exchange: Exchange, attempt: Attempt): readonly string[] | undefined {
    const trace = exchange.trace
    if (trace === undefined) return undefined
    const isFirst = exchange.attempts.length === 0 || exchange.attempts[0] === attempt
    const hasOwnSpan = trace.exported && (this.#everyAttempt || !isFirst)
    const traceparent = formatTraceparent(trace.traceId, hasOwnSpan ? attempt.spanId : trace.spanId, trace.flags)
    return trace.traceState === undefined
      ? ['traceparent', traceparent]
      : ['traceparent', traceparent, 'tracestate', trace.traceState]
  }

  end(exchange: Exchange): void {
    const variables = variablesOf(exchange, this.#plan, this.#options.environment)
    if (exchange.trace?.exported) this.#export(exchange, exchange.trace, variables)
    try {
      this.#accessLog?.write(exchange, variables)
    } catch (error) {
      this.#failed('access log', error)
    }
    try {
      this.#sampler.record(exchange, this.#labelValues(variables))
    } catch (error) {
      this.#failed('metrics', error)
    }
  }

  #export(exchange: Exchange, trace: TraceContext, variables: CelVariables): void {
    for (const { view, exporter } of this.#views) {
      try {
        exporter.record(view.spans(exchange, trace, variables))
      } catch (error) {
        this.#failed('spans', error)
      }
    }
  }

  #labelValues(variables: CelVariables): readonly (CelValue | undefined)[] {
    return this.#labels.length === 0 ? NO_LABELS : this.#labels.map((field) => field.evaluate(variables))
  }

  /** Telemetry never harms the request: a bug in one part costs that part, is counted, and is told once. */
  #failed(part: string, error: unknown): void {
    this.#options.metrics.countBug(part)
    if (this.#reported.has(part)) return
    this.#reported.add(part)
    this.#options.log.error({ part, error: error instanceof Error ? error.stack : String(error) }, 'telemetry failed')
  }
}

const NO_LABELS: readonly undefined[] = []

/** Whether there is an access log: the configuration decides, else the process's own settings. */
function isLogged(options: RecorderOptions): boolean {
  const { level } = options.config.logging
  if (level === undefined) return options.accessLog.enabled
  const parsed = parseLogLevel(level)
  return typeof parsed === 'string' ? options.accessLog.enabled : parsed.accessLog
}
