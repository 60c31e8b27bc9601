import type { CelVariables } from '../../../contract/cel/program.ts'
import type { TelemetryConfig } from '../../../contract/telemetry-config.ts'
import { epochMs } from '../../../runtime/clock.ts'
import type { Exchange } from '../../exchange.ts'
import { Attributes } from '../attributes.ts'
import { compileFields, type FailureCounter, Field, type ProgramCache } from '../fields.ts'
import { setValue, type ValueStyle } from '../view/attribute-values.ts'
import { writeRows } from '../view/documented-rows.ts'
import { jsonLine, textLine } from './log-line.ts'

/** Takes finished lines; LineWriter is one. */
export interface LineTarget {
  write(line: string): void
}

/** Keys of one line, and characters of one configured value, at most: what is beyond is left out or cut. */
const MAX_KEYS = 256
const MAX_VALUE_LENGTH = 16_384

const STYLE: ValueStyle = { booleans: 'bool', maxLength: MAX_VALUE_LENGTH }

/** One line for each exchange: the documented rows, then `logging.fields.add` in file order. One for each generation. */
export class AccessLog {
  readonly #target: LineTarget
  readonly #gateway: string
  readonly #format: 'text' | 'json'
  readonly #filter: Field | undefined
  readonly #fields: readonly Field[]
  readonly #hidden: ReadonlySet<string>

  /**
   * @param gateway `namespace/name`
   * @param format for a configuration that names none
   */
  constructor(
    config: TelemetryConfig['logging'],
    gateway: string,
    format: 'text' | 'json',
    target: LineTarget,
    programs: ProgramCache,
    failures: FailureCounter,
  ) {
    this.#target = target
    this.#gateway = gateway
    this.#format = config.format ?? format
    this.#fields = compileFields(config.fields.add, programs, failures)
    this.#hidden = new Set([...config.fields.remove, ...config.fields.add.map((field) => field.name)])
    this.#filter =
      config.filter === undefined
        ? undefined
        : new Field('logging.filter', programs.program('logging.filter', config.filter), failures)
  }

  /** Writes the line, unless the filter yields anything but `true`. */
  write(exchange: Exchange, variables: CelVariables): void {
    if (this.#filter !== undefined && this.#filter.evaluate(variables) !== true) return
    const attributes = new Attributes(MAX_KEYS)
    writeRows(attributes, exchange, this.#gateway, this.#hidden, 'log')
    const builtins = attributes.size
    for (const field of this.#fields) {
      const value = field.evaluate(variables)
      if (value !== undefined) setValue(attributes, field.name, value, STYLE)
    }
    const time = epochMs(exchange.outcome?.endMs ?? exchange.startMs)
    this.#target.write(this.#format === 'json' ? jsonLine(time, attributes) : textLine(time, attributes, builtins))
  }
}
