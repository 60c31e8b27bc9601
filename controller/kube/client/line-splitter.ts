const NEWLINE = 0x0a

/** Cuts a stream of bytes into lines, which may come in any pieces. */
export class LineSplitter {
  readonly #mostBytes: number
  #pieces: Buffer[] = []
  #bytes = 0

  /** @param mostBytes of one line, without its end */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  /** Bytes of a line whose end has not come. */
  get pendingBytes(): number {
    return this.#bytes
  }

  /**
   * Takes bytes and calls `onLine` for each line that they complete; empty lines are left out.
   * @returns false when a line is longer than allowed; the splitter is of no use then
   */
  push(chunk: Buffer, onLine: (line: string) => void): boolean {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      if (!this.#keep(chunk.subarray(start, end))) return false
      const line = this.#take()
      if (line !== '') onLine(line)
      start = end + 1
    }
    return this.#keep(chunk.subarray(start))
  }

  #keep(piece: Buffer): boolean {
    this.#bytes += piece.length
    if (this.#bytes > this.#mostBytes) return false
    if (piece.length > 0) this.#pieces.push(piece)
    return true
  }

  #take(): string {
    const line = Buffer.concat(this.#pieces, this.#bytes).toString('utf8')
    this.#pieces = []
    this.#bytes = 0
    return line
  }
}
