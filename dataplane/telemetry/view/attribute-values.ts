import { CelDuration, CelFlattened, CelTimestamp, type CelValue } from '../../../contract/cel/program.ts'
import type { Attributes } from '../attributes.ts'
import { base64, compactJson } from './compact-json.ts'

/** How the values of expressions are written. */
export interface ValueStyle {
  /** The documented profile writes booleans of spans as `"true"` and `"false"`. */
  readonly booleans: 'string' | 'bool'
  /** Characters of one value after which writing stops; whoever encodes cuts to the exact limit in bytes. */
  readonly maxLength: number
}

const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n

/**
 * Writes what an expression yielded as the attribute `key`, or, when it is marked by `flatten` or `flattenRecursive`, as
 * one attribute for each entry. Nulls and empty flattened structures leave nothing.
 *
 * | CEL | attribute |
 * |---|---|
 * | string, timestamp, duration | string |
 * | bytes | string, base64 |
 * | int; uint up to 2^63-1 | int |
 * | larger uint, double | double |
 * | bool | as the style says |
 * | list, map | string, compact JSON |
 */
export function setValue(attributes: Attributes, key: string, value: CelValue, style: ValueStyle): void {
  switch (typeof value) {
    case 'string':
      attributes.set(key, 'string', cut(value, style))
      return
    case 'bigint':
      if (value >= MIN_INT64 && value <= MAX_INT64) attributes.set(key, 'int', value)
      else attributes.set(key, 'double', Number(value))
      return
    case 'number':
      attributes.set(key, 'double', value)
      return
    case 'boolean':
      if (style.booleans === 'string') attributes.set(key, 'string', value ? 'true' : 'false')
      else attributes.set(key, 'bool', value)
      return
    case 'object':
      if (value !== null) setObject(attributes, key, value, style)
  }
}

function setObject(attributes: Attributes, key: string, value: CelValue & object, style: ValueStyle): void {
  if (value instanceof CelFlattened) flatten(attributes, key, value.value, value.recursive, style, 0)
  else if (value instanceof Uint8Array) attributes.set(key, 'string', base64(value, style.maxLength))
  else if (value instanceof CelTimestamp) attributes.set(key, 'string', value.rfc3339)
  else if (value instanceof CelDuration) attributes.set(key, 'string', value.text)
  else attributes.set(key, 'string', compactJson(value, style.maxLength))
}

/** Below this depth a recursive flatten writes JSON: a key of a thousand segments helps nobody. */
const MAX_FLATTEN_DEPTH = 32

/** Entries beyond the attribute limit are counted and not walked through: a client decides how many there are. */
function flatten(
  attributes: Attributes,
  key: string,
  structure: CelFlattened['value'],
  recursive: boolean,
  style: ValueStyle,
  depth: number,
): void {
  const list = Array.isArray(structure) ? (structure as readonly CelValue[]) : undefined
  const names = list === undefined ? Object.keys(structure) : undefined
  const count = list?.length ?? (names as string[]).length
  for (let i = 0; i < count; i++) {
    if (attributes.full) {
      attributes.dropped += count - i
      return
    }
    const name = names?.[i]
    const value = (
      list === undefined ? (structure as { readonly [key: string]: CelValue })[name as string] : list[i]
    ) as CelValue
    const inner = `${key}.${name ?? i}`
    if (recursive && depth < MAX_FLATTEN_DEPTH && isStructure(value))
      flatten(attributes, inner, value, true, style, depth + 1)
    else setValue(attributes, inner, value, style)
  }
}

function isStructure(value: CelValue): value is CelFlattened['value'] {
  return (
    typeof value === 'object' &&
    value !== null &&
    !(value instanceof CelFlattened) &&
    !(value instanceof Uint8Array) &&
    !(value instanceof CelTimestamp) &&
    !(value instanceof CelDuration)
  )
}

/** Keeps a view of a huge string from being carried into every span and line that names it. */
function cut(text: string, style: ValueStyle): string {
  return text.length > style.maxLength ? text.slice(0, style.maxLength) : text
}
