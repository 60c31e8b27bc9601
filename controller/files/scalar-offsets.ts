import { Scalar } from 'yaml'

/** `offsets[i]`: where character `i` of a scalar's value stands in the text it was read from; one more for its end. */
export type ScalarOffsets = readonly number[]

/**
 * Finds the characters of a scalar's value in its source, whatever its style: plain, quoted, literal (`|`) or folded
 * (`>`). Every character that is not white space is placed exactly; white space made by folding is placed near by.
 * Undefined where value and source do not go together (a value made by a tag).
 */
export function scalarOffsets(text: string, node: Scalar.Parsed): ScalarOffsets | undefined {
  if (typeof node.value !== 'string') return undefined
  const [start, end] = node.range
  switch (node.type) {
    case Scalar.BLOCK_LITERAL:
      return literalOffsets(text, node.value, bodyStart(text, start, end), end)
    case Scalar.BLOCK_FOLDED:
      return align(text, node.value, bodyStart(text, start, end), end, 'none')
    case Scalar.QUOTE_DOUBLE:
      return align(text, node.value, start + 1, end - 1, 'double')
    case Scalar.QUOTE_SINGLE:
      return align(text, node.value, start + 1, end - 1, 'single')
    default:
      return align(text, node.value, start, end, 'none')
  }
}

/** A block scalar's text begins on the line after its header. */
function bodyStart(text: string, start: number, end: number): number {
  const newline = text.indexOf('\n', start)
  return newline === -1 || newline >= end ? end : newline + 1
}

/** A literal's lines are those of the source without their common indentation. */
function literalOffsets(text: string, value: string, start: number, end: number): ScalarOffsets | undefined {
  const offsets: number[] = []
  const indent = literalIndent(text, value, start, end)
  let lineStart = start
  for (const line of value.split('\n')) {
    const lineEnd = endOfLine(text, lineStart, end)
    const first = Math.min(lineStart + indent, lineEnd)
    if (line !== '' && !text.startsWith(line, first)) return undefined
    for (let i = 0; i <= line.length; i++) offsets.push(Math.min(first + i, end))
    lineStart = Math.min(lineEnd + 1, end)
  }
  return offsets
}

function literalIndent(text: string, value: string, start: number, end: number): number {
  const shown = value.split('\n').find((line) => line.trim() !== '') ?? ''
  let lineStart = start
  while (lineStart < end && text.slice(lineStart, endOfLine(text, lineStart, end)).trim() === '') {
    lineStart = endOfLine(text, lineStart, end) + 1
  }
  return leadingSpaces(text.slice(lineStart, endOfLine(text, lineStart, end))) - leadingSpaces(shown)
}

function leadingSpaces(line: string): number {
  return line.length - line.replace(/^ +/, '').length
}

function endOfLine(text: string, from: number, end: number): number {
  const newline = text.indexOf('\n', from)
  return newline === -1 ? end : Math.min(newline, end)
}

const WHITE = /\s/

/**
 * Walks value and source side by side: what is not white space stands in both in the same order, so that indentation
 * and folded line ends need not be understood; escapes of a quoted scalar are decoded.
 */
function align(
  text: string,
  value: string,
  start: number,
  end: number,
  quotes: 'none' | 'single' | 'double',
): ScalarOffsets | undefined {
  const offsets: number[] = []
  let at = start
  while (offsets.length < value.length) {
    const wanted = value.charAt(offsets.length)
    const found = text.charAt(at)
    if (quotes === 'double' && found === '\\') {
      const { decoded, length } = decodeEscape(text, at)
      for (let i = 0; i < decoded.length; i++) offsets.push(at)
      at += length
    } else if (WHITE.test(wanted)) {
      offsets.push(Math.min(at, end))
      if (found === wanted && at < end) at++
    } else if (found === wanted && at < end) {
      offsets.push(at)
      at += quotes === 'single' && found === "'" ? 2 : 1
    } else if (WHITE.test(found) && at < end) {
      at++
    } else {
      return undefined
    }
  }
  offsets.push(at)
  return offsets
}

/** One escape of a double-quoted scalar (YAML 1.2, 5.7): what it stands for, and how long it is. */
function decodeEscape(text: string, at: number): { decoded: string; length: number } {
  const letter = text.charAt(at + 1)
  const digits = { x: 2, u: 4, U: 8 }[letter]
  if (digits !== undefined) {
    const code = Number.parseInt(text.slice(at + 2, at + 2 + digits), 16)
    return { decoded: Number.isNaN(code) || code > 0x10ffff ? '' : String.fromCodePoint(code), length: 2 + digits }
  }
  // An escaped line end joins two lines without a space.
  if (letter === '\n' || letter === '\r') return { decoded: '', length: 2 }
  // Every other escape stands for one character; which one does not matter here.
  return { decoded: ' ', length: 2 }
}
