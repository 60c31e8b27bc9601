import { INVALID_ARGUMENT, TYPE_ERROR } from '../fault.ts'
import { chargeList, chargeReading, chargeText } from '../meter.ts'
import type { CelFunction, Overload } from './table.ts'

const SURROGATE = /[\ud800-\udfff]/

/** Whether positions in this text are the same in UTF-16 units and in characters, which is what CEL counts. */
function isSimple(text: string): boolean {
  return !SURROGATE.test(text)
}

function lengthOf(text: string): number {
  return isSimple(text) ? text.length : Array.from(text).length
}

/** The unit at which a character begins. */
function unitAt(text: string, character: number): number {
  if (isSimple(text)) return character
  let unit = 0
  for (let index = 0; index < character; index++) unit += (text.codePointAt(unit) ?? 0) > 0xffff ? 2 : 1
  return unit
}

/** A position that was given as an int. @throws CelFault when it is outside of the text */
function position(text: string, given: bigint): number {
  chargeReading(text.length)
  if (given < 0n || given > BigInt(lengthOf(text))) throw INVALID_ARGUMENT
  return Number(given)
}

function charAt(text: string, index: bigint): string {
  const unit = unitAt(text, position(text, index))
  const point = text.codePointAt(unit)
  return point === undefined ? '' : String.fromCodePoint(point)
}

function indexOf(text: string, part: string, from = 0n): bigint {
  const found = text.indexOf(part, unitAt(text, position(text, from)))
  return BigInt(found < 0 ? -1 : lengthOf(text.slice(0, found)))
}

function lastIndexOf(text: string, part: string, from?: bigint): bigint {
  const found = text.lastIndexOf(part, from === undefined ? undefined : unitAt(text, position(text, from)))
  return BigInt(found < 0 ? -1 : lengthOf(text.slice(0, found)))
}

function substring(text: string, from: bigint, to?: bigint): string {
  const start = position(text, from)
  const end = to === undefined ? lengthOf(text) : position(text, to)
  if (end < start) throw INVALID_ARGUMENT
  return text.slice(unitAt(text, start), unitAt(text, end))
}

function join(list: readonly unknown[], separator = ''): string {
  let length = 0
  for (const element of list) {
    if (typeof element !== 'string') throw TYPE_ERROR
    length += element.length + separator.length
  }
  chargeText(length)
  return list.join(separator)
}

/** At most `limit` parts, the last one with all the rest; every part when the limit is negative. */
function split(text: string, separator: string, limit = -1n): string[] {
  chargeReading(text.length)
  if (limit === 0n) return []
  const parts = separator === '' ? Array.from(text) : text.split(separator)
  chargeList(parts.length)
  if (limit < 0n || BigInt(parts.length) <= limit) return parts
  const kept = Number(limit) - 1
  return [...parts.slice(0, kept), parts.slice(kept).join(separator)]
}

/** Replaces the first `limit` occurrences from the left; all of them when the limit is negative. */
function replace(text: string, part: string, by: string, limit = -1n): string {
  const most = limit < 0n || limit > BigInt(text.length) ? text.length + 1 : Number(limit)
  chargeReading(text.length)
  const parts = part === '' ? ['', ...Array.from(text), ''] : text.split(part)
  const replaced = Math.min(most, parts.length - 1)
  chargeText(text.length + replaced * by.length)
  return (
    parts
      .slice(0, replaced)
      .map((kept) => kept + by)
      .join('') + parts.slice(replaced).join(part)
  )
}

function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

function upperAscii(text: string): string {
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase())
}

function stripPrefix(text: string, prefix: string): string {
  return text.startsWith(prefix) ? text.slice(prefix.length) : text
}

function stripSuffix(text: string, suffix: string): string {
  return text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text
}

function onText(parameters: readonly string[], returns: string, run?: (...values: never[]) => unknown): Overload {
  return { receiver: 'string', parameters, returns, ...(run && { run }) }
}

function includes(list: readonly unknown[], wanted: unknown): boolean {
  chargeReading(list.length)
  return list.includes(wanted)
}

/** CEL's own functions on text and those of its strings extension. Positions count characters (code points). */
export const STRING_FUNCTIONS: readonly CelFunction[] = [
  {
    name: 'contains',
    overloads: [onText(['string'], 'bool'), { receiver: 'list', parameters: ['dyn'], returns: 'bool', run: includes }],
    doc: 'whether the text holds the other one, or the list an equal element',
    example: ['"gpt-4o".contains("4o")', 'true'],
  },
  {
    name: 'startsWith',
    overloads: [onText(['string'], 'bool')],
    doc: 'whether the text begins with the other one',
    example: ['"/v1/chat".startsWith("/v1/")', 'true'],
  },
  {
    name: 'endsWith',
    overloads: [onText(['string'], 'bool')],
    doc: 'whether the text ends with the other one',
    example: ['"gpt-4o-mini".endsWith("-mini")', 'true'],
  },
  {
    name: 'charAt',
    overloads: [onText(['int'], 'string', charAt)],
    doc: 'the character at a position; the empty text at the end, an error beyond it',
    example: ['"gpt".charAt(1)', '"p"'],
  },
  {
    name: 'indexOf',
    replaces: true,
    overloads: [onText(['string'], 'int', indexOf), onText(['string', 'int'], 'int', indexOf)],
    doc: 'where the other text begins first, from a position on; -1 when it does not occur, an error for a position outside of the text',
    example: ['"user@host".indexOf("@")', '4'],
  },
  {
    name: 'lastIndexOf',
    replaces: true,
    overloads: [onText(['string'], 'int', lastIndexOf), onText(['string', 'int'], 'int', lastIndexOf)],
    doc: 'where the other text begins last, at a position or before it; else as `indexOf`',
    example: ['"a.b.c".lastIndexOf(".")', '3'],
  },
  {
    name: 'substring',
    replaces: true,
    overloads: [onText(['int'], 'string', substring), onText(['int', 'int'], 'string', substring)],
    doc: 'from a position to the end, or to before another one; an error for a position outside of the text',
    example: ['"tacocat".substring(0, 4)', '"taco"'],
  },
  {
    name: 'split',
    replaces: true,
    overloads: [onText(['string'], 'list<string>', split), onText(['string', 'int'], 'list<string>', split)],
    doc: 'the parts between separators, at most so many; characters when the separator is empty',
    example: ['"a,b,c".split(",", 2)', '["a","b,c"]'],
  },
  {
    name: 'replace',
    overloads: [
      onText(['string', 'string'], 'string', replace),
      onText(['string', 'string', 'int'], 'string', replace),
    ],
    doc: 'the first text replaced by the second, everywhere or at most so many times',
    example: ['"a-b-c".replace("-", "_", 1)', '"a_b-c"'],
  },
  {
    name: 'join',
    replaces: true,
    overloads: [
      { receiver: 'list', parameters: [], returns: 'string', run: join },
      { receiver: 'list', parameters: ['string'], returns: 'string', run: join },
    ],
    doc: 'the texts of a list as one, with a separator; an error when an element is no text',
    example: ['["a", "b"].join(", ")', '"a, b"'],
  },
  {
    name: 'lowerAscii',
    replaces: true,
    overloads: [onText([], 'string', lowerAscii)],
    doc: 'A–Z as a–z, all else as it is',
    example: ['"GPT-4O".lowerAscii()', '"gpt-4o"'],
  },
  {
    name: 'upperAscii',
    replaces: true,
    overloads: [onText([], 'string', upperAscii)],
    doc: 'a–z as A–Z, all else as it is',
    example: ['"get".upperAscii()', '"GET"'],
  },
  {
    name: 'trim',
    overloads: [onText([], 'string')],
    doc: 'without white space at both ends',
    example: ['"  x ".trim()', '"x"'],
  },
  {
    name: 'stripPrefix',
    overloads: [onText(['string'], 'string', stripPrefix)],
    doc: 'without the other text at its beginning, if it is there',
    example: ['"Bearer abc".stripPrefix("Bearer ")', '"abc"'],
  },
  {
    name: 'stripSuffix',
    overloads: [onText(['string'], 'string', stripSuffix)],
    doc: 'without the other text at its end, if it is there',
    example: ['"model:free".stripSuffix(":free")', '"model"'],
  },
]
