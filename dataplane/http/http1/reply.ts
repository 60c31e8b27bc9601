import { headerValue } from '../headers.ts'
import type { Reply } from '../transport.ts'
import { writeChunk, writeLastChunk, writeTogether } from './body-writer.ts'
import { dateLine, headerLine, headerLines, statusLine } from './head-text.ts'
import type { Http1Inbound, InboundConnection, ReceivedHead } from './inbound.ts'

/** How the client knows where the body ends (RFC 9112 6.3). */
type Framing = 'none' | 'length' | 'chunked' | 'close'

/**
 * An answer over HTTP/1.1. Head and body leave in as few writes as possible; an answer that is given while the request
 * is still being sent ends the connection, after a while of reading on (RFC 9112 9.6), so that the client can read it.
 */
export class Http1Reply implements Reply {
  onDrain: (() => void) | undefined
  onDone: ((how: 'sent' | 'gone') => void) | undefined
  readonly #request: Http1Inbound
  readonly #connection: InboundConnection
  readonly #requestKeepAlive: boolean
  #status = 0
  #rawHeaders: readonly string[] = []
  #continued: boolean
  #flushed = false
  #ended = false
  #done = false
  #framing: Framing = 'none'
  /** Bytes of the body that the head has announced and that are still to come. */
  #left = 0
  #keepAlive = true

  constructor(request: Http1Inbound, connection: InboundConnection, received: ReceivedHead) {
    this.#request = request
    this.#connection = connection
    this.#requestKeepAlive = received.keepAlive
    this.#continued = !received.expectsContinue
  }

  get headSent(): boolean {
    return this.#status !== 0
  }

  /** Whether bytes of the answer are on their way already. */
  get flushed(): boolean {
    return this.#flushed
  }

  get ended(): boolean {
    return this.#ended
  }

  head(status: number, rawHeaders: readonly string[]): void {
    if (this.#status !== 0) return
    this.#status = status
    this.#rawHeaders = rawHeaders
    if (headerValue(rawHeaders, 'content-length') === undefined) process.nextTick(flushWithoutBody, this)
  }

  write(chunk: Uint8Array): boolean {
    if (this.#done || this.#ended || chunk.length === 0) return true
    const head = this.#takeHead()
    if (head === undefined) return true
    const { socket } = this.#connection
    if (this.#framing === 'chunked') return writeChunk(socket, head, chunk)
    if (this.#framing === 'none') return head === '' || writeTogether(socket, head, [])
    if (this.#framing === 'length' && !this.#count(chunk.length)) return true
    return writeTogether(socket, head, [chunk])
  }

  end(chunk?: Uint8Array, trailers?: readonly string[]): void {
    if (this.#done || this.#ended) return
    this.#ended = true
    // The body may stand in the very bytes that are being parsed; when they are through it is known whether it does.
    if (this.#flushed || this.#request.complete) this.#finish(chunk, trailers)
    else setImmediate(() => this.#finish(chunk, trailers))
  }

  destroy(): void {
    this.#ended = true
    this.#connection.socket.destroy()
  }

  /** The connection is no more. */
  onClose(): void {
    this.#settle('gone')
  }

  /** Tells the client to send its body, if it waits for that. */
  continueBody(): void {
    if (this.#continued || this.#flushed || this.#done) return
    this.#continued = true
    this.#connection.socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1')
  }

  /** Sends the head when no body came with it. */
  flush(): void {
    if (this.#flushed || this.#ended || this.#done) return
    const head = this.#takeHead()
    if (head !== undefined) this.#connection.socket.write(head, 'latin1')
  }

  /**
   * The head as text, empty when it is out already.
   * @param whole the answer ends with these bytes: their length can be announced
   * @returns undefined when nothing can be written, or not this: the connection is cut then
   */
  #takeHead(whole?: number): string | undefined {
    // The connection is closing already, and will say so.
    if (!this.#connection.socket.writable) return undefined
    if (this.#flushed) return ''
    this.#flushed = true
    try {
      return this.#headText(whole)
    } catch (error) {
      this.#cut(error)
      return undefined
    }
  }

  /** What was given cannot be written: a bug of whoever gave it. */
  #cut(error: unknown): void {
    this.destroy()
    this.#connection.onBadHead(error)
  }

  #headText(whole: number | undefined): string {
    const status = this.#status
    const { method, httpVersion } = this.#request.head
    let lines = statusLine(status)
    let length: number | undefined
    let hasDate = false
    let closes = this.#connection.draining || !this.#request.complete || !this.#requestKeepAlive
    let saysClose = false
    for (let i = 0; i < this.#rawHeaders.length; i += 2) {
      const name = this.#rawHeaders[i] as string
      const value = this.#rawHeaders[i + 1] as string
      if (name.length === 14 && name.toLowerCase() === 'content-length') {
        if (status === 204) continue
        length = Number(value)
      } else if (name.length === 10 && name.toLowerCase() === 'connection') saysClose ||= /\bclose\b/i.test(value)
      else if (name.length === 4 && name.toLowerCase() === 'date') hasDate = true
      lines += headerLine(name, value)
    }
    closes ||= saysClose
    if (method === 'HEAD' || status === 204 || status === 304) {
      this.#framing = 'none'
    } else if (length !== undefined || whole !== undefined) {
      this.#framing = 'length'
      this.#left = length ?? (whole as number)
      if (length === undefined) lines += `content-length: ${whole}\r\n`
    } else if (httpVersion === '1.0') {
      this.#framing = 'close'
      closes = true
    } else {
      this.#framing = 'chunked'
      lines += 'transfer-encoding: chunked\r\n'
    }
    if (!hasDate) lines += dateLine()
    if (closes && !saysClose) lines += 'connection: close\r\n'
    else if (!closes && httpVersion === '1.0') lines += 'connection: keep-alive\r\n'
    this.#keepAlive = !closes
    return `${lines}\r\n`
  }

  /** More than the head has announced would be read as the next answer: the connection is cut instead. */
  #count(bytes: number): boolean {
    this.#left -= bytes
    if (this.#left >= 0) return true
    this.#cut(new Error('an answer is longer than its content-length'))
    return false
  }

  #finish(chunk: Uint8Array | undefined, trailers: readonly string[] | undefined): void {
    if (this.#done) return
    const hasTrailers = trailers !== undefined && trailers.length > 0
    const head = this.#takeHead(hasTrailers ? undefined : (chunk?.length ?? 0))
    if (head === undefined) return
    const { socket } = this.#connection
    if (this.#framing === 'none') {
      writeTogether(socket, head, [])
    } else if (this.#framing === 'chunked') {
      const lines = hasTrailers ? this.#trailerLines(trailers) : ''
      if (lines === undefined) return
      writeLastChunk(socket, head, chunk, lines)
    } else {
      if (this.#framing === 'length' && !this.#count(chunk?.length ?? 0)) return
      // What is missing cannot be had any more: the client must not wait for it, nor take what it has for all.
      if (this.#left > 0) return this.destroy()
      writeTogether(socket, head, chunk === undefined ? [] : [chunk])
    }
    // Mostly the kernel has taken all of it at once.
    if (socket.writableLength === 0) this.#written()
    else socket.write('', () => this.#written())
  }

  #trailerLines(trailers: readonly string[]): string | undefined {
    try {
      return headerLines(trailers)
    } catch (error) {
      this.#cut(error)
      return undefined
    }
  }

  #written(): void {
    if (this.#done) return
    const { complete } = this.#request
    this.#settle('sent')
    if (complete || !this.#continued) this.#request.answered(this.#keepAlive && complete)
    else this.#request.linger(() => this.#request.answered(false))
  }

  #settle(how: 'sent' | 'gone'): void {
    if (this.#done) return
    this.#done = true
    this.onDone?.(how)
  }
}

function flushWithoutBody(reply: Http1Reply): void {
  reply.flush()
}
