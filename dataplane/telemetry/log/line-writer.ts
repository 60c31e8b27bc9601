/** Where the text goes. `done` is called once, when the sink has taken all of it or lost it. */
export interface LineSink {
  write(text: string, done: (lost: boolean) => void): void
}

export interface LineWriterLimits {
  /** Lines are handed on once they are this many bytes … */
  readonly flushBytes: number
  /** … or this old. */
  readonly flushMs: number
  /** Bytes that wait for the sink at most; lines beyond are dropped. */
  readonly pendingBytes: number
}

const DEFAULT_LIMITS: LineWriterLimits = { flushBytes: 65_536, flushMs: 200, pendingBytes: 4 * 1024 * 1024 }

/**
 * Collects lines and writes them in few pieces, one at a time and in order. Whoever writes a line never waits: lines for
 * which there is no room, because the reader of the sink has stopped, are dropped and counted.
 */
export class LineWriter {
  readonly #sink: LineSink
  readonly #limits: LineWriterLimits
  #text = ''
  #textBytes = 0
  #textLines = 0
  #sentBytes = 0
  #sentLines = 0
  #timer: NodeJS.Timeout | undefined
  #dropped = 0
  #idle: (() => void)[] = []

  constructor(sink: LineSink, limits: Partial<LineWriterLimits> = {}) {
    this.#sink = sink
    this.#limits = { ...DEFAULT_LIMITS, ...limits }
  }

  /** Lines that were lost, ever. */
  get dropped(): number {
    return this.#dropped
  }

  /** @param line with the line feed that ends it */
  write(line: string): void {
    const bytes = Buffer.byteLength(line)
    if (this.#sentBytes + this.#textBytes + bytes > this.#limits.pendingBytes) {
      this.#dropped += 1
      return
    }
    this.#text += line
    this.#textBytes += bytes
    this.#textLines += 1
    if (this.#textBytes >= this.#limits.flushBytes) this.#send()
    else this.#timer ??= setTimeout(() => this.#send(), this.#limits.flushMs).unref()
  }

  /** Settles when everything that was written so far has been taken or lost. */
  flush(): Promise<void> {
    this.#send()
    if (this.#sentLines === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  /** Flushes, but for no longer than `deadlineMs`; lines that the sink has not taken by then are dropped and counted. */
  async close(deadlineMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const deadline = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, deadlineMs, 'late')
    })
    const how = await Promise.race([this.flush(), deadline])
    clearTimeout(timer)
    if (how !== 'late') return
    this.#dropped += this.#textLines + this.#sentLines
    this.#text = ''
    this.#textBytes = 0
    this.#textLines = 0
    this.#sentLines = 0
  }

  #send(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#sentLines > 0 || this.#textLines === 0) return
    const text = this.#text
    this.#sentBytes = this.#textBytes
    this.#sentLines = this.#textLines
    this.#text = ''
    this.#textBytes = 0
    this.#textLines = 0
    this.#sink.write(text, (lost) => this.#sent(lost))
  }

  #sent(lost: boolean): void {
    if (lost) this.#dropped += this.#sentLines
    this.#sentBytes = 0
    this.#sentLines = 0
    if (this.#textBytes >= this.#limits.flushBytes || this.#idle.length > 0) this.#send()
    else if (this.#textLines > 0) this.#timer ??= setTimeout(() => this.#send(), this.#limits.flushMs).unref()
    if (this.#sentLines > 0) return
    const idle = this.#idle
    this.#idle = []
    for (const resolve of idle) resolve()
  }
}
