import { Duration } from '@marcbachmann/cel-js/evaluator'
import type { CelVariable } from './environment.ts'
import { TYPE_ERROR } from './fault.ts'
import type { Node, Scope } from './library.ts'
import { CelDuration, CelTimestamp } from './program.ts'
import { parseDurationText } from './time.ts'

/**
 * A chain of fields below a name, `request.headers["x-tenant"]`, made ready to be read in one go. A read that finds
 * nothing yields undefined, so that `has` and `default` need no error, and a miss costs next to nothing.
 */
export interface Path {
  /** The variable of the environment, or of an enclosing loop. */
  readonly root: string
  /** Declared variables from the root downwards, canonical; empty for a variable of a loop. */
  readonly declared: readonly CelVariable[]
  /** Keys below the last declared variable (or below the variable of a loop), as written. */
  readonly keys: readonly string[]
  /** @throws CelFault when a value on the way has not the declared type */
  read(scope: Scope): unknown
}

/** How to read what a node stands for without an error where it is absent: undefined then. */
export type Reader = (scope: Scope) => unknown

const readers = new WeakMap<Node, Reader>()

/** Makes a node known as the end of a path. */
export function setReader(node: Node, reader: Reader): void {
  readers.set(node, reader)
}

/** The reader of a node that is the end of a path; undefined for any other node. */
export function readerOf(node: Node): Reader | undefined {
  return readers.get(node)
}

/** A path below a declared variable. `declared` starts with the root itself. */
export function declaredPath(declared: readonly CelVariable[], keys: readonly string[]): Path {
  const root = (declared[0] as CelVariable).name
  const fields = declared.slice(1).map((variable) => variable.name)
  const leaf = declared[declared.length - 1] as CelVariable
  const read = (scope: Scope): unknown => {
    let value = scope.getValue(root)
    for (let index = 0; index < fields.length && value !== undefined; index++) {
      value = value === null ? undefined : readField(value, fields[index] as string)
    }
    if (value === undefined) return undefined
    // Below an open group are keys that the table does not know; a group as a whole is brought into the table's form.
    if (leaf.type !== 'group' || keys.length === 0) value = typedValue(leaf, value)
    return keys.length === 0 ? value : readKeys(value, keys)
  }
  return { root, declared, keys, read }
}

/** A path below a variable of a loop. */
export function loopPath(root: string, keys: readonly string[]): Path {
  return { root, declared: [], keys, read: (scope) => readKeys(scope.getValue(root), keys) }
}

/** A declared field is read as a property, so that a getter of a class serves as well as a plain value. */
function readField(group: unknown, name: string): unknown {
  if (group instanceof Map) return group.get(name)
  return typeof group === 'object' ? (group as Record<string, unknown>)[name] : undefined
}

function readKeys(start: unknown, keys: readonly string[]): unknown {
  let value = start
  for (let index = 0; index < keys.length && value !== undefined; index++) value = readKey(value, keys[index] as string)
  return value
}

/**
 * The value of an own key of a map; undefined when there is none, and below null.
 * @throws CelFault below anything else that is no map
 */
export function readKey(map: unknown, key: string): unknown {
  if (map === null) return undefined
  if (typeof map !== 'object') throw TYPE_ERROR
  if (map instanceof Map) return map.get(key)
  if (Array.isArray(map)) throw TYPE_ERROR
  return Object.hasOwn(map, key) ? (map as Record<string, unknown>)[key] : undefined
}

/**
 * A value that weir or a client set, in the form that the library computes with: integers may come as numbers, durations
 * as milliseconds, points in time as Date.
 * @throws CelFault when it has another type than declared
 */
export function typedValue(variable: CelVariable, value: unknown): unknown {
  switch (variable.type) {
    case 'string':
      return value === null ? undefined : typeof value === 'string' ? value : mismatch()
    case 'bool':
      return value === null ? undefined : typeof value === 'boolean' ? value : mismatch()
    case 'int':
      if (typeof value === 'bigint') return value
      return value === null ? undefined : Number.isSafeInteger(value) ? BigInt(value as number) : mismatch()
    case 'double':
      return value === null ? undefined : typeof value === 'number' ? value : mismatch()
    case 'bytes':
      return value === null ? undefined : value instanceof Uint8Array ? value : mismatch()
    case 'timestamp':
      return value === null ? undefined : dateOf(value)
    case 'duration':
      return value === null ? undefined : durationOf(value)
    case 'dyn':
      return value
    case 'group':
      return groupValue(variable, value)
    default:
      return value === null ? undefined : typeof value === 'object' ? value : mismatch()
  }
}

function mismatch(): never {
  throw TYPE_ERROR
}

function dateOf(value: unknown): Date {
  if (value instanceof Date) return value
  return value instanceof CelTimestamp ? new Date(value.rfc3339) : mismatch()
}

function durationOf(value: unknown): Duration {
  if (typeof value === 'number' && Number.isFinite(value)) return Duration.fromMilliseconds(value)
  if (value instanceof Duration) return value
  return (value instanceof CelDuration ? parseDurationText(value.text) : undefined) ?? mismatch()
}

/** A group as a map of the fields that have a value, in the order of the table, with further keys of an open group. */
export function groupValue(variable: CelVariable, value: unknown): Map<string, unknown> | undefined {
  if (value === null) return undefined
  if (typeof value !== 'object') return mismatch()
  const map = new Map<string, unknown>()
  for (const field of variable.fields ?? []) {
    const raw = readField(value, field.name)
    const typed = raw === undefined ? undefined : typedValue(field, raw)
    if (typed !== undefined) map.set(field.name, typed)
  }
  if (variable.open) {
    const entries = value instanceof Map ? value : Object.entries(value)
    for (const [key, element] of entries) if (element !== undefined && !map.has(key)) map.set(key, element)
  }
  return map
}
