/*
 * The library as this folder uses it, internals included. Its published types leave the internals out, so they are
 * written down here, once; self-test.ts checks at start that they are still there.
 */

/** A checked type, as the library's checker has it. */
export interface CheckedType {
  readonly kind: 'primitive' | 'list' | 'map' | 'message' | 'dyn' | 'optional' | 'param'
  readonly name: string
  readonly valueType?: CheckedType
  readonly keyType?: CheckedType
  unify(registry: unknown, other: CheckedType): CheckedType | null
  /** The value below a key of a value of this type; undefined when there is none. */
  fieldLazy(value: unknown, key: unknown, node: Node, evaluator: Evaluator): unknown
}

export interface Checker {
  readonly registry: unknown
  check(node: Node, scope: Scope): CheckedType
  getType(name: string): CheckedType
  createError(code: string, message: string, node: Node): Error
}

export interface Evaluator {
  run(node: Node, scope: Scope): unknown
  debugType(value: unknown): CheckedType
}

/** What names mean at one place: the root, or inside a loop or `with`. */
export interface Scope {
  getValue(name: string): unknown
  forkWithVariable(name: string, type: CheckedType): LoopScope
}

/** A scope with one variable more. The library makes it at check time and uses it again for each evaluation. */
export interface LoopScope extends Scope {
  iterValue: unknown
  accuValue: unknown
  reuse(parent: Scope | null): LoopScope
  setIterValue(value: unknown, evaluator: Evaluator): LoopScope
}

export type Check = (checker: Checker, node: Node, scope: Scope) => CheckedType
export type Evaluate = (evaluator: Evaluator, node: Node, scope: Scope) => unknown

/** What stands in the place of a macro's call. `node` in its methods is the macro itself. */
export interface Macro {
  readonly async: false
  /** The scope to be released after an evaluation, if it opens one. */
  scope?: LoopScope
  /** The same, of the library's own `cel.bind`. */
  bindCtx?: LoopScope
  typeCheck(checker: Checker, macro: Macro, scope: Scope): CheckedType
  evaluate(evaluator: Evaluator, macro: Macro, scope: Scope): unknown
}

interface Meta {
  readonly check: Check
  readonly evaluate: Evaluate
  readonly alternate?: Node
  readonly macro?: Macro
}

/** Computes the value of a node from those of the nodes below it. */
export type Handle = (...values: unknown[]) => unknown

/** A node of the syntax tree; the shape of `args` follows from `op`. */
export interface Node {
  readonly op: string
  args: unknown
  readonly start: number
  readonly end: number
  readonly meta: Meta
  /** Set by the checker. */
  readonly checkedType?: CheckedType
  /** Set by the checker on nodes that compute from the values of others. */
  handle?: Handle
  setMeta(key: 'check' | 'evaluate' | 'macro' | 'async', value: unknown): Node
}

/** A parsed expression. */
export interface Parsed {
  (variables: object): unknown
  readonly ast: Node
  check(): { readonly valid: boolean; readonly error?: unknown }
}

/** An error of the library that says where in the source it arose. */
export interface LibraryError extends Error {
  readonly code: string
  readonly summary: string
  readonly range?: { readonly start: number; readonly end: number }
  /** The node at fault, or the place of the parser. */
  readonly node?: { readonly pos?: number; readonly start?: number }
}

export function isLibraryError(error: unknown): error is LibraryError {
  return error instanceof Error && 'summary' in error && typeof error.summary === 'string'
}

/** The library's names of the types of time. */
export const TIMESTAMP = 'google.protobuf.Timestamp'
export const DURATION = 'google.protobuf.Duration'

/** The nodes directly below a node, in the order of the source. */
export function childrenOf(node: Node): readonly Node[] {
  const args = node.args as never
  switch (node.op) {
    case 'value':
    case 'id':
      return []
    case '.':
    case '.?':
      return [(args as [Node, string])[0]]
    case '!_':
    case '-_':
      return [args as Node]
    case 'call':
      return (args as [string, Node[]])[1]
    case 'rcall':
      return [(args as [string, Node, Node[]])[1], ...(args as [string, Node, Node[]])[2]]
    case 'map':
      return (args as [Node, Node][]).flat()
    default:
      return args as Node[]
  }
}
