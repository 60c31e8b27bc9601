/** Up to this many characters a loop is faster than a call into C++. */
const SHORT_TEXT = 24
const TWO_TO_32 = 2 ** 32

const HEX_VALUES = new Uint8Array(256)
for (const [value, digit] of [...'0123456789abcdef'].entries()) HEX_VALUES[digit.charCodeAt(0)] = value

/** How many bytes a length takes as a varint; lengths are below 2^31. */
export function varintSize(value: number): number {
  if (value < 128) return 1
  if (value < 16384) return 2
  if (value < 2097152) return 3
  return value < 268435456 ? 4 : 5
}

/**
 * Protobuf's wire format (protobuf.dev, "Encoding") into one buffer that grows and is used again. Tags are given as
 * the byte that goes on the wire: field number × 8 + wire type. All varints are as short as they can be.
 *
 * {@link reserve} makes room; the other methods write without looking, except {@link string}, whose length is open.
 */
export class ProtobufWriter {
  bytes: Buffer
  length = 0

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafeSlow(capacity)
  }

  /** Makes room for `extra` more bytes. */
  reserve(extra: number): void {
    const needed = this.length + extra
    if (needed <= this.bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2))
    this.bytes.copy(larger, 0, 0, this.length)
    this.bytes = larger
  }

  /** Starts again at that length, and gives back memory where an unusually large message took more than `capacity`. */
  restart(length: number, capacity: number): void {
    this.length = length
    if (this.bytes.length > capacity) this.bytes = Buffer.allocUnsafeSlow(capacity)
  }

  byte(value: number): void {
    this.bytes[this.length++] = value
  }

  /** A whole number from 0 to 2^53. */
  varint(value: number): void {
    const { bytes } = this
    let at = this.length
    let left = value
    while (left > 0x7fffffff) {
      bytes[at++] = (left % 128) | 128
      left = Math.floor(left / 128)
    }
    while (left > 127) {
      bytes[at++] = (left & 127) | 128
      left >>>= 7
    }
    bytes[at++] = left
    this.length = at
  }

  /** An int64: a safe integer, or a bigint within int64. Negative ones take ten bytes. */
  int64(value: number | bigint): void {
    if (typeof value === 'bigint') {
      this.#varint64(Number(BigInt.asUintN(32, value)), Number(BigInt.asUintN(32, value >> 32n)))
    } else if (value < 0) {
      const high = Math.floor(value / TWO_TO_32)
      this.#varint64(value - high * TWO_TO_32, high >>> 0)
    } else {
      this.varint(value)
    }
  }

  #varint64(low: number, high: number): void {
    const { bytes } = this
    let at = this.length
    let lowLeft = low
    let highLeft = high
    while (highLeft > 0 || lowLeft > 127) {
      bytes[at++] = (lowLeft & 127) | 128
      lowLeft = ((lowLeft >>> 7) | (highLeft << 25)) >>> 0
      highLeft >>>= 7
    }
    bytes[at++] = lowLeft
    this.length = at
  }

  fixed32(value: number): void {
    this.length = this.bytes.writeUInt32LE(value >>> 0, this.length)
  }

  double(value: number): void {
    this.length = this.bytes.writeDoubleLE(value, this.length)
  }

  /**
   * Milliseconds as a fixed64 of nanoseconds: the nearest to what the double says, without BigInt. Times before 1970,
   * after 2554 (where fixed64 ends) and NaN become 0.
   */
  nanoseconds(milliseconds: number): void {
    const known = milliseconds > 0 && milliseconds < 1.8e13
    const whole = known ? Math.floor(milliseconds) : 0
    const fraction = known ? Math.round((milliseconds - whole) * 1e6) : 0
    // whole × 10^6 in two parts, so that no number passes 2^53: whole = upper × 2^16 + lower.
    const upper = Math.floor(whole / 65536) * 1e6
    const lower = (whole % 65536) * 1e6 + fraction
    const low = (upper % 65536) * 65536 + lower
    const high = Math.floor(upper / 65536) + Math.floor(low / TWO_TO_32)
    const { bytes, length } = this
    bytes.writeUInt32LE(low % TWO_TO_32, length)
    this.length = bytes.writeUInt32LE(high, length + 4)
  }

  /** The bytes that lower-case hex digits stand for. */
  hex(digits: string): void {
    const { bytes } = this
    let at = this.length
    for (let i = 0; i + 1 < digits.length; i += 2) {
      const high = HEX_VALUES[digits.charCodeAt(i)] as number
      bytes[at++] = (high << 4) | (HEX_VALUES[digits.charCodeAt(i + 1)] as number)
    }
    this.length = at
  }

  /**
   * UTF-8 without tag and length, at most `limit` bytes, cut between characters. Lone surrogates become U+FFFD. Needs
   * room for 3 × `text.length` bytes, or `limit` where that is less.
   * @returns how many bytes it took
   */
  text(text: string, limit: number): number {
    const count = text.length
    const { bytes, length } = this
    if (count <= SHORT_TEXT && count <= limit) {
      let i = 0
      for (; i < count; i++) {
        const unit = text.charCodeAt(i)
        if (unit > 127) break
        bytes[length + i] = unit
      }
      if (i === count) {
        this.length = length + count
        return count
      }
    }
    const size = bytes.write(text, length, Math.min(limit, 3 * count), 'utf8')
    this.length = length + size
    return size
  }

  /** A string field of at most `limit` bytes of text; makes room by itself. */
  string(tag: number, text: string, limit: number): void {
    this.reserve(6 + Math.min(3 * text.length, limit))
    const start = this.length
    // Nearly all text is ASCII, so its size is guessed; where the guess was wrong it is written again.
    for (let size = text.length; ; ) {
      this.byte(tag)
      this.varint(size)
      const written = this.text(text, limit)
      if (written === size) return
      size = written
      this.length = start
    }
  }

  /**
   * Starts a message field whose length is not known yet, leaving `width` bytes for it; {@link close} takes what this
   * returns and the same width.
   */
  open(tag: number, width: number): number {
    this.byte(tag)
    this.length += width
    return this.length
  }

  /** Ends a message field. Where its length does not take the bytes that were left for it, the message is moved. */
  close(start: number, width: number): void {
    const size = this.length - start
    const shift = varintSize(size) - width
    if (shift !== 0) {
      if (shift > 0) this.reserve(shift)
      this.bytes.copyWithin(start + shift, start, start + size)
    }
    this.length = start - width
    this.varint(size)
    this.length += size
  }
}
