const EMPTY = Buffer.alloc(0)

/** Bytes that come in pieces, kept in one growing buffer up to a limit. */
export class ByteBuffer {
  readonly #limitBytes: number
  #bytes: Buffer = EMPTY
  #length = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  get length(): number {
    return this.#length
  }

  /**
   * Copies a part of `bytes`.
   * @returns false when that would be more than the limit; then nothing was added
   */
  append(bytes: Uint8Array, from = 0, to = bytes.length): boolean {
    const needed = this.#length + to - from
    if (needed > this.#limitBytes) return false
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(this.#limitBytes, Math.max(256, needed, this.#bytes.length * 2)))
      larger.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = larger
    }
    this.#bytes.set(bytes.subarray(from, to), this.#length)
    this.#length = needed
    return true
  }

  /** All bytes so far; afterwards it is empty. */
  take(): Buffer {
    if (this.#length === 0) return EMPTY
    const taken = this.#bytes.subarray(0, this.#length)
    this.#bytes = EMPTY
    this.#length = 0
    return taken
  }
}
