/** Parts of pieces of bytes, put together with as little copying as can be: neighbours become one part again. */
export class ByteRuns {
  readonly #parts: Buffer[] = []
  #bytes: Buffer | undefined
  #from = 0
  #to = 0

  /** Adds a part. */
  add(bytes: Buffer, from: number, to: number): void {
    if (from >= to) return
    if (this.#bytes === bytes && this.#to === from) {
      this.#to = to
      return
    }
    this.#endRun()
    this.#bytes = bytes
    this.#from = from
    this.#to = to
  }

  /** What was added since the last call; undefined when that is nothing. */
  take(): Buffer | undefined {
    this.#endRun()
    if (this.#parts.length === 0) return undefined
    const [first] = this.#parts
    const all = this.#parts.length === 1 ? first : Buffer.concat(this.#parts)
    this.#parts.length = 0
    return all
  }

  #endRun(): void {
    const bytes = this.#bytes
    if (bytes === undefined) return
    const whole = this.#from === 0 && this.#to === bytes.length
    this.#parts.push(whole ? bytes : bytes.subarray(this.#from, this.#to))
    this.#bytes = undefined
  }
}
