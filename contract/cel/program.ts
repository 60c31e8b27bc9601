/**
 * What the rest of weir knows of CEL. The library behind it, its hardening and its limits are this folder's business.
 */

/**
 * A value an expression yields: null, bool, string, double, int (bigint), uint (bigint), bytes, timestamp, duration,
 * list or map. Plain JavaScript, no class of the library leaks out.
 */
export type CelValue =
  | null
  | boolean
  | string
  | number
  | bigint
  | Uint8Array
  | CelTimestamp
  | CelDuration
  | CelFlattened
  | readonly CelValue[]
  | { readonly [key: string]: CelValue }

/** RFC 3339 text of a point in time. */
export class CelTimestamp {
  readonly rfc3339: string
  constructor(rfc3339: string) {
    this.rfc3339 = rfc3339
  }
}

/** Text of a span of time as Go prints seconds: `1.5s`. */
export class CelDuration {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** The result of `flatten` or `flattenRecursive`: to be spread into one attribute per entry by whoever records it. */
export class CelFlattened {
  readonly value: readonly CelValue[] | { readonly [key: string]: CelValue }
  readonly recursive: boolean
  constructor(value: readonly CelValue[] | { readonly [key: string]: CelValue }, recursive: boolean) {
    this.value = value
    this.recursive = recursive
  }
}

/** Why an evaluation yielded nothing; the code is what counters are kept by. Never holds data of the request. */
export type CelFailure =
  | 'no_such_key'
  | 'type_error'
  | 'budget_exceeded'
  | 'invalid_argument'
  | 'not_a_number'
  | 'other'

export type CelResult = { ok: true; value: CelValue } | { ok: false; failure: CelFailure }

/**
 * When an expression is evaluated, which decides what variables it may name: `request` (sampling: nothing of the
 * answer is known) or `end` (spans, logs, metrics: everything is).
 */
export type CelPhase = 'request' | 'end'

/**
 * The root variables of one evaluation. A variable that has no value at this moment is absent or undefined; reading
 * below it fails with `no_such_key`. Values may be lazy getters, of a prototype, too: a getter is called only when its
 * variable is read. A declared variable (environment.ts) of type int is a bigint or a whole number, a double a number, a
 * timestamp a Date, a duration a number of milliseconds, headers what `celHeaders` makes; a value of another type fails
 * with `type_error`. Data that clients wrote must come from `celData`.
 */
export type CelVariables = { readonly [root: string]: unknown }

export interface Program {
  readonly source: string
  /**
   * Canonical (camelCase) dotted paths of the variables that it reads, at most two levels deep: `llm.prompt`,
   * `request.headers`, `jwt.sub`. `variables()` adds `*`.
   */
  readonly mentions: ReadonlySet<string>
  /** Never throws, never awaits, bounded in steps and memory. Not re-entrant. */
  evaluate(variables: CelVariables): CelResult
}

/** Something wrong with an expression, placed inside its own text (1-based line and column). */
export interface CelProblem {
  readonly severity: 'error' | 'warning' | 'info'
  readonly message: string
  readonly line: number
  readonly column: number
  /** For instance the nearest known name. */
  readonly advice?: string
}

export type CompileResult =
  | { ok: true; program: Program; notes: readonly CelProblem[] }
  | { ok: false; problem: CelProblem }
