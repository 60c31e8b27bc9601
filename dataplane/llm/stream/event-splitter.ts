import { ByteBuffer } from '../json/byte-buffer.ts'

const LF = 0x0a
const CR = 0x0d

/** Hears of the events of a stream; every byte of the stream is part of exactly one call. */
export interface EventSink {
  /**
   * An event is complete, its blank line included.
   * @param lines where its lines begin and end (without their line ends), in turn, counted from `from`
   */
  onEvent(bytes: Buffer, from: number, to: number, lines: readonly number[]): void
  /** The line feed of a `\r\n` that ended the event before, when a cut stood between the two. */
  onEventTail(bytes: Buffer, from: number, to: number): void
  /** Bytes of an event that is too large to be held. */
  onTooLarge(bytes: Buffer, from: number, to: number): void
}

/** An event of more lines counts as too large: no model sends one. */
const MAX_LINES = 4096

/**
 * Splits server-sent events out of bytes cut anywhere (WHATWG HTML 9.2.5: lines end with LF, CR or CRLF, events with an
 * empty line). Holds only the event that is not complete, up to a limit.
 */
export class EventSplitter {
  readonly #sink: EventSink
  readonly #held: ByteBuffer
  /** Bytes of the unfinished event in earlier pieces, held or not. */
  #eventBytes = 0
  /** Where its unfinished line begins, counted from the event's begin. */
  #lineStart = 0
  #lines: number[] = []
  #tooLarge = false
  /** The piece before ended with a CR: an LF that comes now belongs to it. */
  #afterCr = false

  constructor(maxEventBytes: number, sink: EventSink) {
    this.#held = new ByteBuffer(maxEventBytes)
    this.#sink = sink
  }

  push(bytes: Buffer): void {
    if (bytes.length === 0) return
    const from = this.#takeLineFeed(bytes)
    let start = this.#eventBytes === 0 ? from : 0
    let base = start - this.#eventBytes
    let lf = next(bytes, LF, from)
    let cr = next(bytes, CR, from)
    while (lf !== cr) {
      const at = Math.min(lf, cr)
      let after = at + 1
      if (at === cr) {
        if (bytes[after] === LF) after += 1
        else if (after === bytes.length) this.#afterCr = true
      }
      if (at - base === this.#lineStart) {
        this.#endEvent(bytes, start, after)
        start = after
        base = after
      } else {
        this.#endLine(at - base)
        this.#lineStart = after - base
      }
      if (lf < after) lf = next(bytes, LF, after)
      if (cr < after) cr = next(bytes, CR, after)
    }
    if (start < bytes.length) this.#hold(bytes, start)
  }

  /** The stream is over: hands on what is left as an event, complete or not. */
  end(): void {
    if (this.#eventBytes > this.#lineStart) this.#endLine(this.#eventBytes)
    const lines = this.#lines
    const held = this.#held.take()
    this.#beginEvent()
    if (held.length > 0) this.#sink.onEvent(held, 0, held.length, lines)
  }

  /** Whether the first byte belongs to the line end that the piece before ended with; returns where to read on. */
  #takeLineFeed(bytes: Buffer): number {
    if (!this.#afterCr) return 0
    this.#afterCr = false
    if (bytes[0] !== LF) return 0
    if (this.#eventBytes === 0) this.#sink.onEventTail(bytes, 0, 1)
    else this.#lineStart += 1
    return 1
  }

  #endLine(end: number): void {
    if (this.#lines.length < 2 * MAX_LINES) this.#lines.push(this.#lineStart, end)
    else this.#tooLarge = true
  }

  #endEvent(bytes: Buffer, from: number, to: number): void {
    const lines = this.#lines
    const tooLarge = this.#tooLarge || !this.#addToHeld(bytes, from, to)
    const held = this.#held.take()
    this.#beginEvent()
    if (tooLarge) {
      if (held.length > 0) this.#sink.onTooLarge(held, 0, held.length)
      this.#sink.onTooLarge(bytes, from, to)
    } else if (held.length > 0) this.#sink.onEvent(held, 0, held.length, lines)
    else this.#sink.onEvent(bytes, from, to, lines)
  }

  /** An event that stands in one piece is not copied. */
  #addToHeld(bytes: Buffer, from: number, to: number): boolean {
    return this.#held.length === 0 || this.#held.append(bytes, from, to)
  }

  #beginEvent(): void {
    this.#eventBytes = 0
    this.#lineStart = 0
    this.#lines = []
    this.#tooLarge = false
  }

  #hold(bytes: Buffer, from: number): void {
    this.#eventBytes += bytes.length - from
    if (!this.#tooLarge && this.#held.append(bytes, from)) return
    this.#tooLarge = true
    const held = this.#held.take()
    if (held.length > 0) this.#sink.onTooLarge(held, 0, held.length)
    this.#sink.onTooLarge(bytes, from, bytes.length)
  }
}

/** Where the byte comes next; the length of `bytes` when it does not. */
function next(bytes: Buffer, byte: number, from: number): number {
  const at = bytes.indexOf(byte, from)
  return at < 0 ? bytes.length : at
}
