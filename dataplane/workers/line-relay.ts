import type { Readable } from 'node:stream'
import type { LineSink } from '../telemetry/log/line-writer.ts'

/** Bytes of one line at most; what belongs to a longer one is dropped. A worker writes none that is nearly as long. */
const MAX_LINE_BYTES = 8 * 1024 * 1024
const LINE_FEED = 0x0a

/**
 * Joins what several processes write line by line. Written to one pipe by themselves, their lines could be torn: a pipe
 * takes no more than 4 KiB in one piece (pipe(7), PIPE_BUF). A source whose text waits is not read, so that its process
 * is the one that decides what to drop.
 */
export class LineRelay {
  readonly #sink: LineSink
  readonly #queue: { readonly text: string; readonly done: () => void }[] = []
  #writing = false
  #open = 0
  #tornBytes = 0
  #idle: (() => void)[] = []

  constructor(sink: LineSink) {
    this.#sink = sink
  }

  /** Bytes that were dropped, because they were no whole line: the process died in the middle. */
  get tornBytes(): number {
    return this.#tornBytes
  }

  /** Passes the source's lines on until it ends. */
  follow(source: Readable): void {
    const lines = new WholeLines()
    this.#open++
    source.on('data', (chunk: Buffer) => {
      const text = lines.take(chunk)
      if (text === '') return
      source.pause()
      this.#write(text, () => source.resume())
    })
    source.on('error', () => {})
    source.once('close', () => {
      lines.drop()
      this.#tornBytes += lines.droppedBytes
      this.#open--
      this.#tellIdle()
    })
  }

  /** Resolves when every source has ended and all its lines are taken, or after `deadlineMs`. */
  async close(deadlineMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs)
    })
    const idle = new Promise<void>((resolve) => this.#idle.push(resolve))
    this.#tellIdle()
    await Promise.race([idle, late])
    clearTimeout(timer)
  }

  #write(text: string, done: () => void): void {
    this.#queue.push({ text, done })
    if (!this.#writing) this.#next()
  }

  #next(): void {
    const next = this.#queue.shift()
    this.#writing = next !== undefined
    if (next === undefined) return this.#tellIdle()
    this.#sink.write(next.text, () => {
      next.done()
      this.#next()
    })
  }

  #tellIdle(): void {
    if (this.#open > 0 || this.#writing) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}

/** Finds the whole lines in what comes in pieces. */
class WholeLines {
  droppedBytes = 0
  #rest: Buffer[] = []
  #restBytes = 0
  /** In the rest of a line that is too long. */
  #skipping = false

  /** @returns the lines that this piece makes whole, with their line feeds; empty when there is none */
  take(chunk: Buffer): string {
    const end = chunk.lastIndexOf(LINE_FEED) + 1
    if (end === 0) {
      this.#keep(chunk)
      return ''
    }
    const from = this.#skipping ? chunk.indexOf(LINE_FEED) + 1 : 0
    this.droppedBytes += from
    const lines = Buffer.concat([...this.#rest, chunk.subarray(from, end)]).toString()
    this.#rest = []
    this.#restBytes = 0
    this.#skipping = false
    this.#keep(chunk.subarray(end))
    return lines
  }

  /** Gives up what is no whole line yet. */
  drop(): void {
    this.droppedBytes += this.#restBytes
    this.#rest = []
    this.#restBytes = 0
  }

  #keep(piece: Buffer): void {
    if (piece.length === 0) return
    this.#rest.push(piece)
    this.#restBytes += piece.length
    if (!this.#skipping && this.#restBytes <= MAX_LINE_BYTES) return
    this.#skipping = true
    this.drop()
  }
}
