import { createWriteStream, type WriteStream } from 'node:fs'

/** What is kept of a container's log to be read; the oldest lines go first. The file has everything. */
const KEPT_BYTES = 8 * 1024 * 1024
const LINE_LIMIT = 16 * 1024

export type LogStream = 'stdout' | 'stderr'

export interface LogLine {
  readonly atMs: number
  readonly stream: LogStream
  /** With its line feed, unless the container ended in the middle of a line or the line is longer than 16 KiB. */
  readonly text: string
}

/** What one run of a container printed, line by line in the order of arrival. */
export class ContainerLog {
  readonly #lines: LogLine[] = []
  #bytes = 0
  readonly #partial = new Map<LogStream, string>()
  readonly #followers = new Set<(line: LogLine | undefined) => void>()
  readonly #file: WriteStream
  #ended = false

  /** @param file gets a copy of all output, for who looks into a failed suite */
  constructor(file: string) {
    this.#file = createWriteStream(file, { flags: 'a', mode: 0o600 })
    // Without the copy the log itself still works.
    this.#file.on('error', () => {})
  }

  /** Takes what the container wrote, decoded as UTF-8. */
  append(stream: LogStream, text: string): void {
    this.#file.write(text)
    const lines = ((this.#partial.get(stream) ?? '') + text).split(/(?<=\n)/)
    const rest = lines.at(-1)?.endsWith('\n') ? '' : (lines.pop() ?? '')
    for (const line of lines) this.#add({ atMs: Date.now(), stream, text: line })
    if (rest.length > LINE_LIMIT) this.#add({ atMs: Date.now(), stream, text: rest })
    this.#partial.set(stream, rest.length > LINE_LIMIT ? '' : rest)
  }

  /** Nothing more will come. */
  end(): void {
    for (const [stream, text] of this.#partial) if (text !== '') this.#add({ atMs: Date.now(), stream, text })
    this.#partial.clear()
    this.#ended = true
    for (const follower of this.#followers) follower(undefined)
    this.#followers.clear()
    this.#file.end()
  }

  /** The lines that are kept. */
  get lines(): readonly LogLine[] {
    return this.#lines
  }

  /** Calls for each line to come, and with nothing at the end. @returns what ends it earlier */
  follow(on: (line: LogLine | undefined) => void): () => void {
    if (this.#ended) on(undefined)
    else this.#followers.add(on)
    return () => void this.#followers.delete(on)
  }

  #add(line: LogLine): void {
    this.#lines.push(line)
    this.#bytes += line.text.length
    while (this.#bytes > KEPT_BYTES) this.#bytes -= this.#lines.shift()?.text.length ?? 0
    for (const follower of this.#followers) follower(line)
  }
}
