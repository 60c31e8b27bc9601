import { ByteBuffer } from './byte-buffer.ts'
import {
  BACKSLASH,
  backslashesBefore,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  endOfString,
  isSpace,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  skipSpace,
} from './json-bytes.ts'
import type { KeyTable } from './key-table.ts'

/** What to look for in a JSON value: in an object by key, in an array in each item. `P` names the parts. */
export interface Shape<P> {
  readonly part?: P
  readonly keys?: KeyTable<Shape<P>>
  readonly items?: Shape<P>
}

/** Told of the parts that the shape names, in the order in which they come. */
export interface PartSink<P> {
  /** An object or array begins. */
  onOpen(part: P): void
  /**
   * A string, number, `true`, `false` or `null`.
   * @param from where it begins in `bytes`, which are valid during the call only; a string's quotes are left out
   */
  onScalar(part: P, bytes: Buffer, from: number, to: number, isString: boolean): void
}

/** What is expected next. */
type State =
  | 'value'
  | 'itemOrEnd'
  | 'keyOrEnd'
  | 'key'
  | 'colon'
  | 'text'
  | 'scalar'
  | 'afterValue'
  /** Inside an object or array that the shape does not name, and inside a string there. */
  | 'skipping'
  | 'skippingText'
  /** The value is complete, or is no JSON. */
  | 'over'

/** Keys, ids and model names are shorter; what is longer is skipped. */
const MAX_TOKEN_BYTES = 1024

/**
 * Reads one JSON value forward, in pieces cut anywhere, and tells of the parts that a shape names. Strings and subtrees
 * that are not named are skipped as fast as their quotes can be found. Memory is bounded by the shape's depth and one
 * token. Text that is not JSON ends the reading; what was told before stays told.
 */
export class JsonScanner<P> {
  readonly #sink: PartSink<P>
  readonly #root: Shape<P>
  #state: State = 'value'
  /** The shapes of the open objects and arrays, outermost first. */
  readonly #open: Shape<P>[] = []
  /** The shape of the value that comes next or is being read; undefined: nobody asked for it. */
  #shape: Shape<P> | undefined
  #skipDepth = 0
  /** The next byte is escaped by a backslash that ended the piece before. */
  #escaped = false
  /** The part of a token that stood in earlier pieces. */
  readonly #token = new ByteBuffer(MAX_TOKEN_BYTES)
  #tokenTooLong = false

  constructor(root: Shape<P>, sink: PartSink<P>) {
    this.#root = root
    this.#shape = root
    this.#sink = sink
  }

  /** Makes it ready for another value. */
  reset(): void {
    this.#state = 'value'
    this.#open.length = 0
    this.#shape = this.#root
    this.#skipDepth = 0
    this.#escaped = false
    this.#takeToken()
  }

  /** Reads on. */
  push(bytes: Buffer, from = 0, to = bytes.length): void {
    let at = from
    while (at < to) {
      switch (this.#state) {
        case 'skipping':
          at = this.#skip(bytes, at, to)
          break
        case 'skippingText':
        case 'text':
        case 'key':
          at = this.#readString(bytes, at, to)
          break
        case 'scalar':
          at = this.#readScalar(bytes, at, to)
          break
        case 'over':
          return
        default:
          at = skipSpace(bytes, at, to)
          if (at < to) at = this.#punctuation(bytes[at] as number, at)
      }
    }
  }

  /** One byte that is no white space, between tokens. Returns where to read on. */
  #punctuation(byte: number, at: number): number {
    switch (this.#state) {
      case 'keyOrEnd':
        if (byte === QUOTE) this.#state = 'key'
        else if (byte === CLOSE_BRACE) this.#close()
        else this.#state = 'over'
        return at + 1
      case 'colon':
        this.#state = byte === COLON ? 'value' : 'over'
        return at + 1
      case 'afterValue':
        return this.#afterValue(byte, at)
      case 'itemOrEnd':
        if (byte === CLOSE_BRACKET) {
          this.#close()
          return at + 1
        }
    }
    return this.#beginValue(byte, at)
  }

  #afterValue(byte: number, at: number): number {
    const inside = this.#open.at(-1)
    if (byte === COMMA && inside !== undefined) {
      this.#shape = inside.items
      this.#state = inside.items === undefined ? 'keyOrEnd' : 'value'
    } else if (byte === (inside?.items === undefined ? CLOSE_BRACE : CLOSE_BRACKET)) this.#close()
    else this.#state = 'over'
    return at + 1
  }

  #beginValue(byte: number, at: number): number {
    const shape = this.#shape
    if (byte === QUOTE) {
      this.#state = shape?.part === undefined ? 'skippingText' : 'text'
      return at + 1
    }
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (shape?.part !== undefined) this.#sink.onOpen(shape.part)
      if (byte === OPEN_BRACE ? shape?.keys !== undefined : shape?.items !== undefined) {
        this.#open.push(shape as Shape<P>)
        this.#shape = shape?.items
        this.#state = byte === OPEN_BRACE ? 'keyOrEnd' : 'itemOrEnd'
      } else {
        this.#skipDepth = 1
        this.#state = 'skipping'
      }
      return at + 1
    }
    if (byte === COMMA || byte === COLON || byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      this.#state = 'over'
      return at + 1
    }
    this.#state = 'scalar'
    return at
  }

  #close(): void {
    this.#open.pop()
    this.#state = this.#afterEnd()
  }

  /** Skips to the end of an object or array, or of this piece. */
  #skip(bytes: Buffer, from: number, to: number): number {
    let depth = this.#skipDepth
    for (let at = from; at < to; at += 1) {
      const byte = bytes[at]
      if (byte === QUOTE) {
        const quote = endOfString(bytes, at + 1, to)
        if (quote < 0) {
          this.#skipDepth = depth
          this.#state = 'skippingText'
          return this.#cutInString(bytes, at + 1, to)
        }
        at = quote
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1
      else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        depth -= 1
        if (depth === 0) {
          this.#skipDepth = 0
          this.#state = this.#afterEnd()
          return at + 1
        }
      }
    }
    this.#skipDepth = depth
    return to
  }

  #readString(bytes: Buffer, from: number, to: number): number {
    const first = this.#escaped ? from + 1 : from
    const quote = endOfString(bytes, first, to)
    if (quote < 0) {
      if (this.#state !== 'skippingText') this.#keep(bytes, from, to)
      return this.#cutInString(bytes, first, to)
    }
    this.#escaped = false
    if (this.#state === 'skippingText') this.#state = this.#skipDepth > 0 ? 'skipping' : this.#afterEnd()
    else this.#endToken(bytes, from, quote)
    return quote + 1
  }

  /** The piece ends inside a string; `from` is an offset in it that is not escaped. */
  #cutInString(bytes: Buffer, from: number, to: number): number {
    this.#escaped = from <= to && bytes[to - 1] === BACKSLASH && backslashesBefore(bytes, from, to) % 2 === 1
    return to
  }

  #readScalar(bytes: Buffer, from: number, to: number): number {
    let at = from
    while (at < to && !isDelimiter(bytes[at])) at += 1
    if (at === to) this.#keep(bytes, from, to)
    else this.#endToken(bytes, from, at)
    return at
  }

  /** A key, a string that was asked for, or another scalar ends here; a part of it may stand in earlier pieces. */
  #endToken(bytes: Buffer, from: number, to: number): void {
    if (this.#token.length === 0 && !this.#tokenTooLong) return this.#tell(bytes, from, to)
    this.#keep(bytes, from, to)
    const tooLong = this.#tokenTooLong
    const token = this.#takeToken()
    this.#tell(token, 0, tooLong ? -1 : token.length)
  }

  /** @param to less than `from`: the token was too long to be kept */
  #tell(bytes: Buffer, from: number, to: number): void {
    if (this.#state === 'key') {
      this.#shape = to < from ? undefined : this.#open.at(-1)?.keys?.find(bytes, from, to)
      this.#state = 'colon'
      return
    }
    const isString = this.#state === 'text'
    const part = this.#shape?.part
    this.#state = this.#afterEnd()
    if (part !== undefined && to >= from && to - from <= MAX_TOKEN_BYTES) {
      this.#sink.onScalar(part, bytes, from, to, isString)
    }
  }

  #afterEnd(): State {
    return this.#open.length === 0 ? 'over' : 'afterValue'
  }

  #keep(bytes: Buffer, from: number, to: number): void {
    if (!this.#tokenTooLong && !this.#token.append(bytes, from, to)) this.#tokenTooLong = true
  }

  #takeToken(): Buffer {
    this.#tokenTooLong = false
    return this.#token.take()
  }
}

function isDelimiter(byte: number | undefined): boolean {
  return byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || isSpace(byte)
}
