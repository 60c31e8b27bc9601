import { UnsignedInt } from '@marcbachmann/cel-js/evaluator'
import { INVALID_ARGUMENT } from './fault.ts'
import { type CheckedType, type Checker, type Evaluate, isLibraryError, type Node, type Scope } from './library.ts'
import { CelMistake } from './mistake.ts'

/**
 * Grants a node what CEL grants and the library does not: keys of maps of every kind, branches of different types,
 * equality across kinds of numbers, and the empty list among operators.
 * @throws CelMistake when it writes out a map with a key twice, or of a kind that is none of a key
 */
export function relax(node: Node): void {
  switch (node.op) {
    case 'map':
      return relaxMapLiteral(node)
    case 'list':
      return relaxListLiteral(node)
    case '?:':
      return relaxTernary(node)
    case '==':
    case '!=':
      return relaxComparison(node, mayBeEqual)
    case 'in':
      return relaxComparison(node, mayHold)
    default:
  }
}

/** A key of a map in the form in which equal keys are the same to JavaScript: CEL's numbers are equal across kinds. */
export function mapKey(key: unknown): unknown {
  if (key instanceof UnsignedInt) return key.valueOf()
  return typeof key === 'number' && Number.isInteger(key) ? BigInt(key) : key
}

function isMapKey(key: unknown): boolean {
  return typeof key === 'string' || typeof key === 'bigint' || typeof key === 'boolean' || key instanceof UnsignedInt
}

/** Keys that a plain object cannot hold, or not safely. */
function needsMap(key: unknown): boolean {
  return typeof key !== 'string' || key === '__proto__' || key === 'constructor' || key === 'prototype'
}

/** The library drops keys that are no text or have a meaning to JavaScript, and lets a key come twice. */
function relaxMapLiteral(node: Node): void {
  const entries = node.args as readonly (readonly [Node, Node])[]
  const seen = new Set<unknown>()
  for (const [key] of entries) {
    if (key.op !== 'value') continue
    if (!isMapKey(key.args)) throw new CelMistake('a key of a map is a text, an int, a uint or a bool', key.start)
    const literal = mapKey(key.args)
    if (seen.has(literal)) throw new CelMistake('this key of the map stands there twice', key.start)
    seen.add(literal)
  }
  const asObject = entries.every(([key]) => key.op === 'value' && !needsMap(key.args))
  node.setMeta('evaluate', asObject ? evaluateObject(entries) : evaluateMap(entries))
}

function evaluateObject(entries: readonly (readonly [Node, Node])[]): Evaluate {
  const keys = entries.map(([key]) => key.args as string)
  const values = entries.map(([, value]) => value)
  return (evaluator, _node, scope) => {
    const object: Record<string, unknown> = {}
    for (let index = 0; index < keys.length; index++) {
      object[keys[index] as string] = evaluator.run(values[index] as Node, scope)
    }
    return object
  }
}

function evaluateMap(entries: readonly (readonly [Node, Node])[]): Evaluate {
  return (evaluator, _node, scope) => {
    const map = new Map<unknown, unknown>()
    for (const [keyNode, valueNode] of entries) {
      const raw = evaluator.run(keyNode, scope)
      const key = mapKey(raw)
      if (!isMapKey(raw) || map.has(key)) throw INVALID_ARGUMENT
      map.set(key, evaluator.run(valueNode, scope))
    }
    return map
  }
}

/** The library gives `[]` a type of its own, with which it finds every operator ambiguous. */
function relaxListLiteral(node: Node): void {
  if ((node.args as readonly Node[]).length > 0) return
  node.setMeta('check', (checker: Checker) => checker.getType('list'))
  node.setMeta('evaluate', () => [])
}

const NUMBERS = new Set(['int', 'uint', 'double'])

/** Whether values of both types may be equal, which the library grants only to values of the same type. */
function mayBeEqual(left: CheckedType, right: CheckedType): boolean {
  if (NUMBERS.has(left.name) && NUMBERS.has(right.name)) return true
  return left.kind === right.kind && (left.kind === 'list' || left.kind === 'map')
}

/** Whether a list may hold an element, or a map a key, of that type. */
function mayHold(element: CheckedType, container: CheckedType): boolean {
  const held = container.kind === 'map' ? container.keyType : container.valueType
  return (container.kind === 'list' || container.kind === 'map') && held !== undefined && mayBeEqual(element, held)
}

function relaxComparison(node: Node, allowed: (left: CheckedType, right: CheckedType) => boolean): void {
  const { check } = node.meta
  const [left, right] = node.args as [Node, Node]
  node.setMeta('check', (checker: Checker, self: Node, scope: Scope): CheckedType => {
    try {
      return check(checker, self, scope)
    } catch (error) {
      if (!isLibraryError(error) || error.code !== 'no_such_overload') throw error
      if (!allowed(checker.check(left, scope), checker.check(right, scope))) throw error
      return checker.getType('bool')
    }
  })
}

/** Branches of different types are no mistake here, as they are none where types are not checked at all. */
function relaxTernary(node: Node): void {
  const { check } = node.meta
  node.setMeta('check', (checker: Checker, self: Node, scope: Scope): CheckedType => {
    try {
      return check(checker, self, scope)
    } catch (error) {
      if (isLibraryError(error) && error.code === 'incompatible_ternary_branches') return checker.getType('dyn')
      throw error
    }
  })
}
