import { failureOf } from './fault.ts'
import type { LoopScope, Parsed } from './library.ts'
import { meterOverdrawn, startMeter } from './meter.ts'
import type { CelFailure, CelResult, CelVariables, Program } from './program.ts'
import { toCelValue } from './value.ts'

/** One object for each failure, because a miss is ordinary and should leave no garbage. */
const FAILED: { readonly [failure in CelFailure]: CelResult } = {
  no_such_key: { ok: false, failure: 'no_such_key' },
  type_error: { ok: false, failure: 'type_error' },
  budget_exceeded: { ok: false, failure: 'budget_exceeded' },
  invalid_argument: { ok: false, failure: 'invalid_argument' },
  not_a_number: { ok: false, failure: 'not_a_number' },
  other: { ok: false, failure: 'other' },
}

/** An expression that is parsed, linked, checked and armed. */
export class CompiledProgram implements Program {
  readonly source: string
  readonly mentions: ReadonlySet<string>
  readonly #run: Parsed
  readonly #scopes: readonly LoopScope[]

  constructor(source: string, mentions: ReadonlySet<string>, run: Parsed, scopes: readonly LoopScope[]) {
    this.source = source
    this.mentions = mentions
    this.#run = run
    this.#scopes = scopes
  }

  evaluate(variables: CelVariables): CelResult {
    startMeter()
    try {
      const value = toCelValue(this.#run(variables))
      return meterOverdrawn() ? FAILED.budget_exceeded : { ok: true, value }
    } catch (error) {
      return meterOverdrawn() ? FAILED.budget_exceeded : FAILED[failureOf(error)]
    } finally {
      if (this.#scopes.length > 0) this.#release()
    }
  }

  /** The scopes of loops are used again and would keep the data of this request alive until the next one. */
  #release(): void {
    for (const scope of this.#scopes) {
      scope.reuse(null)
      scope.iterValue = undefined
      scope.accuValue = undefined
    }
  }
}
