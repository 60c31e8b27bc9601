import type { Schema } from './schema.ts'

/**
 * What is wrong with a value on its own, without its children: phrases that complete "'field' …". A value of the wrong
 * type has that one fault only.
 */
export function valueFaults(value: unknown, schema: Schema): string[] {
  const type = typeFault(value, schema)
  if (type !== undefined) return [type]
  const faults: (string | undefined)[] = [enumFault(value, schema)]
  if (typeof value === 'number') faults.push(rangeFault(value, schema))
  if (typeof value === 'string') faults.push(textFault(value, schema))
  if (Array.isArray(value)) faults.push(countFault(value.length, 'item', schema.minItems, schema.maxItems))
  else if (typeof value === 'object' && value !== null) {
    faults.push(countFault(Object.keys(value).length, 'entry', schema.minProperties, schema.maxProperties))
  }
  return faults.filter((fault) => fault !== undefined)
}

const TYPE_NAMES = {
  object: 'a map',
  array: 'a list',
  string: 'a text',
  integer: 'an integer',
  number: 'a number',
  boolean: 'true or false',
}

function typeFault(value: unknown, { type, intOrString }: Schema): string | undefined {
  if (intOrString === true) {
    return Number.isInteger(value) || typeof value === 'string'
      ? undefined
      : `must be an integer or a text, is ${kindOf(value)}`
  }
  if (type === undefined || isOfType(value, type)) return undefined
  return `must be ${TYPE_NAMES[type]}, is ${kindOf(value)}`
}

function isOfType(value: unknown, type: keyof typeof TYPE_NAMES): boolean {
  switch (type) {
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
    case 'array':
      return Array.isArray(value)
    case 'integer':
      return Number.isInteger(value)
    default:
      return typeof value === type
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  return typeof value === 'number' ? 'a number' : 'a text'
}

function enumFault(value: unknown, { enum: allowed }: Schema): string | undefined {
  if (allowed === undefined || allowed.some((each) => each === value)) return undefined
  return allowed.length === 1 ? `must be ${allowed[0]}` : `must be one of ${allowed.join(', ')}`
}

function rangeFault(value: number, { minimum, maximum }: Schema): string | undefined {
  const low = minimum !== undefined && value < minimum
  const high = maximum !== undefined && value > maximum
  if (!low && !high) return undefined
  if (minimum === undefined) return `must be at most ${maximum}`
  return maximum === undefined ? `must be at least ${minimum}` : `must be between ${minimum} and ${maximum}`
}

function textFault(value: string, { minLength = 0, maxLength, pattern, patternMeaning }: Schema): string | undefined {
  if (value.length === 0 && minLength > 0) return 'must not be empty'
  const length = codePoints(value)
  if (length < minLength) return `must have at least ${minLength} characters`
  if (maxLength !== undefined && length > maxLength) return `must have at most ${maxLength} characters, has ${length}`
  if (pattern === undefined || new RegExp(pattern, 'u').test(value)) return undefined
  return `must be ${patternMeaning ?? `of the form ${pattern}`}`
}

/** As the API server counts: a pair of surrogates is one character. */
function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

function countFault(count: number, what: string, least = 0, most = Number.POSITIVE_INFINITY): string | undefined {
  if (count < least) return `must have at least ${least} ${plural(what, least)}`
  return count > most ? `must have at most ${most} ${plural(what, most)}, has ${count}` : undefined
}

function plural(what: string, count: number): string {
  if (count === 1) return what
  return what === 'entry' ? 'entries' : `${what}s`
}
