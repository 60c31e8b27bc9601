import type { CelVariables } from '../../../contract/cel/program.ts'
import { writesOtherConvention } from '../../../contract/conventions.ts'
import type { ExporterConfig } from '../../../contract/telemetry-config.ts'
import { epochMs } from '../../../runtime/clock.ts'
import type { Exchange, TraceContext } from '../../exchange.ts'
import { Attributes } from '../attributes.ts'
import { compileFields, type FailureCounter, type Field, type ProgramCache } from '../fields.ts'
import { type Span, SpanKind } from '../span.ts'
import { attemptSpan } from './attempt-span.ts'
import { setValue } from './attribute-values.ts'
import { documentedView } from './documented-view.ts'
import type { RootSettings, RootShape } from './root-shape.ts'
import { semconvView } from './semconv-view.ts'

/** The configured name under which an expression names the span instead of adding an attribute. */
const SPAN_NAME = 'span.name'

/** What one exporter makes of sealed exchanges: its profile, its fields, its limits. One for each generation. */
export class ExporterView {
  /** Whether every attempt has a span of its own, not only those of an exchange that needed several. */
  readonly everyAttempt: boolean
  readonly #shape: RootShape
  readonly #settings: RootSettings
  readonly #fields: readonly Field[]
  readonly #maxAttributes: number

  /** @param gateway `namespace/name` */
  constructor(config: ExporterConfig, gateway: string, programs: ProgramCache, failures: FailureCounter) {
    const { add, remove } = config.fields
    const documented = config.profile === 'documented'
    this.everyAttempt = (config.attempts ?? (documented ? 'onRetry' : 'always')) === 'always'
    this.#shape = documented ? documentedView : semconvView
    this.#fields = compileFields(add, programs, failures)
    this.#maxAttributes = config.limits.attributes
    this.#settings = {
      gateway,
      // An added name takes the built-in of that name out even where its expression fails: never two meanings of a key.
      hidden: new Set([...remove, ...add.map((field) => field.name)]),
      genAi: !add.some((field) => writesOtherConvention(field.name)),
      style: { booleans: documented ? 'string' : 'bool', maxLength: config.limits.attributeBytes },
    }
  }

  /** The spans of a sampled exchange, the root first. */
  spans(exchange: Exchange, trace: TraceContext, variables: CelVariables): Span[] {
    const spans = [this.#root(exchange, trace, variables)]
    if (this.everyAttempt || exchange.attempts.length > 1) {
      for (let i = 0; i < exchange.attempts.length; i++) {
        spans.push(attemptSpan(exchange, trace, i, this.#shape.isAttemptError))
      }
    }
    return spans
  }

  #root(exchange: Exchange, trace: TraceContext, variables: CelVariables): Span {
    const attributes = new Attributes(this.#maxAttributes)
    this.#shape.write(attributes, exchange, this.#settings)
    const configuredName = this.#addFields(attributes, variables)
    const status = this.#shape.status(exchange)
    return {
      traceId: trace.traceId,
      spanId: trace.spanId,
      parentSpanId: trace.parentSpanId,
      traceState: trace.traceState,
      flags: trace.flags,
      parentIsRemote: trace.parentSpanId !== undefined,
      name: configuredName ?? this.#shape.name(exchange),
      kind: SpanKind.server,
      startEpochMs: epochMs(exchange.startMs),
      endEpochMs: epochMs(exchange.outcome?.endMs ?? exchange.startMs),
      attributes,
      status: status.code,
      statusMessage: status.message,
      links: [],
    }
  }

  /** @returns the name of the span, when a field gives it one */
  #addFields(attributes: Attributes, variables: CelVariables): string | undefined {
    let name: string | undefined
    for (const field of this.#fields) {
      const value = field.evaluate(variables)
      if (value === undefined) continue
      if (field.name === SPAN_NAME && typeof value === 'string') name = value
      else setValue(attributes, field.name, value, this.#settings.style)
    }
    return name
  }
}
