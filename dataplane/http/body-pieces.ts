const EMPTY = Buffer.alloc(0)
/** A piece of this size is kept as it came off the socket; smaller ones are put together, as each costs an object. */
const KEPT_BYTES = 8 * 1024
const TAIL_BYTES = 64 * 1024
/** Up to this size a body in several pieces is put together for reading in memory that all bodies share. */
const SHARED_BYTES = 1024 * 1024

let shared: Buffer | undefined

/** A body in the pieces in which it came: nothing is copied that does not have to be. */
export class BodyPieces {
  #pieces: Buffer[] = []
  /** The last piece, where it is our own and has room. */
  #tail: Buffer = EMPTY
  #tailBytes = 0
  #length = 0

  /** Bytes of the body so far. */
  get length(): number {
    return this.#length
  }

  get pieces(): readonly Buffer[] {
    return this.#pieces
  }

  /**
   * How much more memory is held once `bytes` more have come.
   * @param expected bytes that are expected with these: no more room is made than for them
   */
  growth(bytes: number, expected: number): number {
    const left = bytes - Math.min(bytes, this.#tail.length - this.#tailBytes)
    if (left === 0 || this.#keeps(left, expected)) return left
    return Math.min(TAIL_BYTES, expected)
  }

  /** Adds a chunk, whose memory must stay as it is from now on. `expected` is that of {@link growth}. */
  append(chunk: Uint8Array, expected: number): void {
    this.#length += chunk.length
    const taken = Math.min(chunk.length, this.#tail.length - this.#tailBytes)
    if (taken > 0) {
      this.#tail.set(taken === chunk.length ? chunk : chunk.subarray(0, taken), this.#tailBytes)
      this.#tailBytes += taken
    }
    if (taken === chunk.length) return
    this.#seal()
    const rest = Buffer.from(chunk.buffer, chunk.byteOffset + taken, chunk.length - taken)
    if (this.#keeps(rest.length, expected)) {
      this.#pieces.push(rest)
      return
    }
    this.#tail = Buffer.allocUnsafeSlow(Math.min(TAIL_BYTES, expected))
    this.#tail.set(rest)
    this.#tailBytes = rest.length
    this.#pieces.push(this.#tail)
  }

  /** The body has come whole. */
  end(): void {
    this.#seal()
  }

  /** Calls `use` with the whole body in one piece, which is valid during the call only. */
  read<T>(use: (bytes: Buffer) => T): T {
    const [only = EMPTY] = this.#pieces
    if (this.#pieces.length <= 1) return use(only)
    if (this.#length > SHARED_BYTES) return use(this.joined())
    shared ??= Buffer.allocUnsafeSlow(SHARED_BYTES)
    let at = 0
    for (const piece of this.#pieces) {
      shared.set(piece, at)
      at += piece.length
    }
    return use(shared.subarray(0, at))
  }

  /** The whole body in one piece, for whoever keeps it. */
  joined(): Buffer {
    if (this.#pieces.length > 1) this.#pieces = [Buffer.concat(this.#pieces)]
    return this.#pieces[0] ?? EMPTY
  }

  /** The pieces of a part of the body, by offsets; nothing is copied. */
  slice(from: number, to: number): Buffer[] {
    const parts: Buffer[] = []
    let start = 0
    for (const piece of this.#pieces) {
      const first = Math.max(from - start, 0)
      const last = Math.min(to - start, piece.length)
      if (first < last) parts.push(first === 0 && last === piece.length ? piece : piece.subarray(first, last))
      start += piece.length
      if (start >= to) break
    }
    return parts
  }

  #keeps(bytes: number, expected: number): boolean {
    return bytes >= KEPT_BYTES || bytes === expected
  }

  #seal(): void {
    if (this.#tailBytes < this.#tail.length)
      this.#pieces[this.#pieces.length - 1] = this.#tail.subarray(0, this.#tailBytes)
    this.#tail = EMPTY
    this.#tailBytes = 0
  }
}
