import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  endOfString,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  skipSpace,
} from './json-bytes.ts'
import type { KeyTable } from './key-table.ts'

/** Deeper nesting is no request that anybody means. */
const MAX_DEPTH = 1024

/** The brackets that wait to be closed by the value being skipped; one scan runs at a time. */
const openBrackets = new Uint8Array(MAX_DEPTH)

/**
 * Reads the members of one JSON object in turn, skipping over what is inside their values: brackets must match and
 * strings must end there, nothing more is looked at. Offsets are those of `bytes`.
 */
export class MemberReader {
  /** The key with its quotes. */
  keyStart = 0
  keyEnd = 0
  valueStart = 0
  valueEnd = 0
  /** Where the text stops being JSON; -1 while it is. */
  faultAt = -1
  /** After the last member: the offset behind the closing brace. */
  end = -1
  readonly #bytes: Buffer
  readonly #to: number
  #at: number
  #first = true

  /** @param from where the object's `{` is expected, white space aside */
  constructor(bytes: Buffer, from: number, to: number) {
    this.#bytes = bytes
    this.#to = to
    this.#at = skipSpace(bytes, from, to)
    if (this.#at < to && bytes[this.#at] === OPEN_BRACE) this.#at += 1
    else this.faultAt = this.#at
  }

  /** Goes on to the next member. False at the end of the object, and where the text is not JSON. */
  next(): boolean {
    if (this.faultAt >= 0 || this.end >= 0) return false
    const bytes = this.#bytes
    const to = this.#to
    let at = skipSpace(bytes, this.#at, to)
    if (bytes[at] === CLOSE_BRACE && at < to) {
      this.end = at + 1
      return false
    }
    if (!this.#first) {
      if (at >= to || bytes[at] !== COMMA) return this.#fail(at)
      at = skipSpace(bytes, at + 1, to)
    }
    this.#first = false
    if (at >= to || bytes[at] !== QUOTE) return this.#fail(at)
    const quote = endOfString(bytes, at + 1, to)
    if (quote < 0) return this.#fail(to)
    this.keyStart = at
    this.keyEnd = quote + 1
    at = skipSpace(bytes, quote + 1, to)
    if (at >= to || bytes[at] !== COLON) return this.#fail(at)
    this.valueStart = skipSpace(bytes, at + 1, to)
    this.valueEnd = this.#skipValue(this.valueStart)
    if (this.valueEnd < 0) return false
    this.#at = this.valueEnd
    return true
  }

  /** What the table has for the member's key. */
  lookUp<T>(table: KeyTable<T>): T | undefined {
    return table.find(this.#bytes, this.keyStart + 1, this.keyEnd - 1)
  }

  #fail(at: number): false {
    this.faultAt = at
    return false
  }

  /** The offset behind the value; -1 when it is none. */
  #skipValue(from: number): number {
    const byte = from < this.#to ? this.#bytes[from] : undefined
    if (byte === QUOTE) {
      const quote = endOfString(this.#bytes, from + 1, this.#to)
      return quote < 0 ? this.#faultIn(this.#to) : quote + 1
    }
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) return this.#skipContainer(from)
    const end = scalarEnd(this.#bytes, from, this.#to)
    return end < 0 ? this.#faultIn(from) : end
  }

  #skipContainer(from: number): number {
    const bytes = this.#bytes
    const to = this.#to
    let depth = 0
    for (let at = from; at < to; at += 1) {
      const byte = bytes[at]
      if (byte === QUOTE) {
        at = endOfString(bytes, at + 1, to)
        if (at < 0) return this.#faultIn(to)
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (depth === MAX_DEPTH) return this.#faultIn(at)
        openBrackets[depth] = byte
        depth += 1
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        depth -= 1
        // An opening bracket's code is its closing one's less two.
        if (openBrackets[depth] !== byte - 2) return this.#faultIn(at)
        if (depth === 0) return at + 1
      }
    }
    return this.#faultIn(to)
  }

  #faultIn(at: number): -1 {
    this.faultAt = at
    return -1
  }
}

const WORDS = ['true', 'false', 'null'].map((word) => Buffer.from(word))
const ZERO = 0x30
const MINUS = 0x2d
const PLUS = 0x2b
const POINT = 0x2e
const EXPONENT = 0x65

/** The offset behind a number, `true`, `false` or `null`; -1 when it is none. */
function scalarEnd(bytes: Buffer, from: number, to: number): number {
  for (const word of WORDS) {
    if (bytes[from] !== word[0]) continue
    const end = from + word.length
    return end <= to && bytes.compare(word, 0, word.length, from, end) === 0 ? end : -1
  }
  return numberEnd(bytes, from, to)
}

/** RFC 8259 6. */
function numberEnd(bytes: Buffer, from: number, to: number): number {
  const first = bytes[from] === MINUS ? from + 1 : from
  let end = bytes[first] === ZERO && first < to ? first + 1 : digitsEnd(bytes, first, to)
  if (end >= 0 && end < to && bytes[end] === POINT) end = digitsEnd(bytes, end + 1, to)
  if (end < 0 || end >= to || ((bytes[end] as number) | 0x20) !== EXPONENT) return end
  const sign = bytes[end + 1] === MINUS || bytes[end + 1] === PLUS ? 2 : 1
  return digitsEnd(bytes, end + sign, to)
}

/** The offset behind one or more digits; -1 when there is none. */
function digitsEnd(bytes: Buffer, from: number, to: number): number {
  let at = from
  while (at < to && isDigit(bytes[at] as number)) at += 1
  return at > from ? at : -1
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9
}
