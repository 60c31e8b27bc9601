import { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator'
import { BUDGET_EXCEEDED } from './fault.ts'
import { LIMITS } from './limits.ts'
import { charge } from './meter.ts'

/**
 * CEL's equality: numbers by value across kinds, lists and maps by their elements, anything else only within its type.
 * https://github.com/google/cel-spec/blob/master/doc/langdef.md#equality
 */
export function celEquals(a: unknown, b: unknown): boolean {
  return equals(a, b, 0)
}

/** A number of any kind as JavaScript compares them; undefined for what is none. */
function numberOf(value: unknown): number | bigint | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return value
  return value instanceof UnsignedInt ? value.valueOf() : undefined
}

function equals(a: unknown, b: unknown, depth: number): boolean {
  if (typeof a !== 'object' && typeof a === typeof b) return a === b
  const left = numberOf(a)
  if (left !== undefined) {
    const right = numberOf(b)
    // biome-ignore lint/suspicious/noDoubleEquals: compares an int with a double by value
    return right !== undefined && left == right
  }
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return a === b
  if (a === b) return true
  if (depth > LIMITS.jsonDepth) throw BUDGET_EXCEEDED
  if (Array.isArray(a)) return Array.isArray(b) && equalLists(a, b, depth + 1)
  if (isMap(a)) return isMap(b) && equalMaps(a, b, depth + 1)
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0
  if (a instanceof Date) return b instanceof Date && a.getTime() === b.getTime()
  if (a instanceof Duration) return b instanceof Duration && a.seconds === b.seconds && a.nanos === b.nanos
  return a.constructor === b.constructor && 'toCelText' in a && 'toCelText' in b && sameText(a, b)
}

function sameText(a: { toCelText: unknown }, b: { toCelText: unknown }): boolean {
  return (a as { toCelText(): string }).toCelText() === (b as { toCelText(): string }).toCelText()
}

function isMap(value: object): boolean {
  return value.constructor === Map || value.constructor === Object || value.constructor === undefined
}

function equalLists(a: readonly unknown[], b: readonly unknown[], depth: number): boolean {
  if (a.length !== b.length) return false
  charge(a.length >> 3)
  return a.every((element, index) => equals(element, b[index], depth))
}

function equalMaps(a: object, b: object, depth: number): boolean {
  const [left, right] = [asMap(a), asMap(b)]
  if (left.size !== right.size) return false
  charge(left.size >> 3)
  for (const [key, value] of left) if (!right.has(key) || !equals(value, right.get(key), depth)) return false
  return true
}

function asMap(value: object): ReadonlyMap<unknown, unknown> {
  return value instanceof Map ? value : new Map(Object.entries(value).filter(([, element]) => element !== undefined))
}
