import type { CelFailure, CelValue, CelVariables, CompileResult, Program } from '../../contract/cel/program.ts'
import type { FieldConfig } from '../../contract/telemetry-config.ts'

/** Counts the evaluations that yielded nothing, by the attribute that is missing for it. */
export interface FailureCounter {
  count(attribute: string, failure: CelFailure | 'invalid'): void
}

/** Compiles expressions of one generation, each text once. */
export class ProgramCache {
  readonly #compile: (source: string) => CompileResult
  readonly #report: (name: string, message: string) => void
  readonly #programs = new Map<string, CompileResult>()

  /** @param report hears of expressions that do not compile, with the name of what they are for */
  constructor(compile: (source: string) => CompileResult, report: (name: string, message: string) => void) {
    this.#compile = compile
    this.#report = report
  }

  /**
   * @returns undefined when the text is no expression. The controller has compiled it before; this happens only where
   *   controller and data plane are of different releases
   */
  program(name: string, source: string): Program | undefined {
    let result = this.#programs.get(source)
    if (result === undefined) {
      result = this.#compile(source)
      this.#programs.set(source, result)
    }
    if (result.ok) return result.program
    this.#report(name, `${result.problem.message} (line ${result.problem.line}, column ${result.problem.column})`)
    return undefined
  }

  /** What the programs that compiled mention, all together. */
  mentions(): Set<string> {
    const mentions = new Set<string>()
    for (const result of this.#programs.values()) {
      if (result.ok) for (const mention of result.program.mentions) mentions.add(mention)
    }
    return mentions
  }
}

/** One attribute, log key or label that an expression yields. */
export class Field {
  readonly name: string
  readonly #program: Program | undefined
  readonly #failures: FailureCounter

  constructor(name: string, program: Program | undefined, failures: FailureCounter) {
    this.name = name
    this.#program = program
    this.#failures = failures
  }

  /** @returns undefined when the evaluation failed, which is counted */
  evaluate(variables: CelVariables): CelValue | undefined {
    if (this.#program === undefined) {
      this.#failures.count(this.name, 'invalid')
      return undefined
    }
    const result = this.#program.evaluate(variables)
    if (result.ok) return result.value
    this.#failures.count(this.name, result.failure)
    return undefined
  }
}

/** Makes configured fields ready, in their order. */
export function compileFields(
  configs: readonly FieldConfig[],
  programs: ProgramCache,
  failures: FailureCounter,
): Field[] {
  return configs.map(({ name, expression }) => new Field(name, programs.program(name, expression), failures))
}
