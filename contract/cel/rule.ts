import { compileFor } from './compile.ts'
import { celData } from './data.ts'
import type { CelNames, CelVariable } from './environment.ts'
import type { LinkTarget } from './link.ts'
import type { CelProblem, Program } from './program.ts'

/** A validation rule of a CRD (`x-kubernetes-validations`), ready to judge objects. */
export interface Rule {
  /**
   * Whether the value obeys the rule; undefined when the rule cannot be evaluated on it, which an API server treats as
   * not obeying. A rule about a change (one that names `oldSelf`) is obeyed by a value that has none before it.
   * @param self the part of the object at which the rule stands, as parsed JSON or YAML
   * @param oldSelf the same part before the change; undefined when there was none
   */
  check(self: unknown, oldSelf?: unknown): boolean | undefined
}

export type RuleResult = { ok: true; rule: Rule } | { ok: false; problem: CelProblem }

function dynamic(name: string): CelVariable {
  return { name, type: 'dyn', phase: 'request', built: true, doc: '' }
}

const RULE_VARIABLES = new Map(['self', 'oldSelf'].map((name) => [name, dynamic(name)]))
const names: CelNames = { find: (name) => RULE_VARIABLES.get(name), spellings: [...RULE_VARIABLES.keys()] }
const TARGET: LinkTarget = { names, phase: 'end' }

/** Compiles a validation rule: the functions of weir's expressions over `self` and `oldSelf`. */
export function compileRule(source: string): RuleResult {
  const compiled = compileFor(source, TARGET)
  return compiled.ok ? { ok: true, rule: new CompiledRule(compiled.program) } : compiled
}

class CompiledRule implements Rule {
  readonly #program: Program
  readonly #isAboutChange: boolean

  constructor(program: Program) {
    this.#program = program
    this.#isAboutChange = [...program.mentions].some((path) => path === 'oldSelf' || path.startsWith('oldSelf.'))
  }

  check(self: unknown, oldSelf?: unknown): boolean | undefined {
    if (this.#isAboutChange && oldSelf === undefined) return true
    const result = this.#program.evaluate({ self: withInts(celData(self)), oldSelf: withInts(celData(oldSelf)) })
    return result.ok && typeof result.value === 'boolean' ? result.value : undefined
  }
}

/** Whole numbers are ints to an API server, which knows them from the schema; here their value has to tell. */
function withInts(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withInts)
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  return new Map(entries.map(([key, element]) => [key, withInts(element)]))
}
