import type { Macro, Node } from '../library.ts'

/** One form of a function: the types of its arguments and what it computes from them. */
export interface Overload {
  /** The type of what stands before the dot, for methods. */
  readonly receiver?: string
  readonly parameters: readonly string[]
  readonly returns: string
  /** Absent where the library has it already; it is then here to be documented. */
  readonly run?: (...values: never[]) => unknown
}

/** A call whose arguments are not evaluated before it. */
export interface MacroCall {
  readonly ast: Node
  readonly args: readonly Node[]
  readonly receiver: Node | null
}

/** One function as users know it; the reference page is made from these, and each example is a test. */
export interface CelFunction {
  /** Canonical spelling, with its namespace if it has one: `base64.encode`. */
  readonly name: string
  /** Spellings beside the canonical one and its snake_case form. */
  readonly also?: readonly string[]
  readonly overloads: readonly Overload[]
  /** Set on macros: what stands in the place of a call. */
  readonly expand?: (call: MacroCall) => Macro
  /** The library has a function of this name whose behaviour is not wanted. */
  readonly replaces?: true
  readonly doc: string
  /** An expression, and its value as JSON; without a value where it differs from call to call. */
  readonly example: readonly [expression: string, json?: string]
}

/** Functions that belong together, for the reference page. */
export interface FunctionGroup {
  readonly title: string
  readonly functions: readonly CelFunction[]
}

/** The overloads of a function that takes one to so many arguments of one type. */
export function variadic(
  type: string,
  most: number,
  returns: string,
  run: (values: readonly unknown[]) => unknown,
): Overload[] {
  return Array.from({ length: most }, (_, index) => ({
    parameters: Array.from({ length: index + 1 }, () => type),
    returns,
    run: (...values: never[]) => run(values),
  }))
}
