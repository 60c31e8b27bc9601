import type { ServerResponse } from 'node:http'
import { headerValue } from './headers.ts'
import type { Reply } from './transport.ts'

/** The connection that a reply goes out on. */
export interface ReplyConnection {
  /** The server is being closed: no further request is wanted on this connection. */
  readonly draining: boolean
  /** An answer has a head that cannot be written: a bug of whoever gave it. The connection is cut. */
  onBadHead(error: unknown): void
}

/** The request that a reply belongs to. */
export interface ReplyRequest {
  /** Whether the whole request has arrived. */
  readonly complete: boolean
  /** Throws away what is left of the body, within limits, and calls `then`. */
  linger(then: () => void): void
  /** The answer is out; it no longer occupies the connection. */
  answered(): void
}

/**
 * An answer by node:http. Head and body leave in as few writes as possible; an answer that is given while the request
 * is still being sent ends the connection, after a while of reading on (RFC 9112 9.6), so that the client can read it.
 */
export class NodeReply implements Reply {
  onDrain: (() => void) | undefined
  onDone: ((how: 'sent' | 'gone') => void) | undefined
  readonly #request: ReplyRequest
  readonly #connection: ReplyConnection
  readonly #response: ServerResponse
  #status = 0
  #rawHeaders: readonly string[] = []
  #continued: boolean
  #flushed = false
  #ended = false
  #done = false
  #awaitsDrain = false

  /** @param expectsContinue the client waits for `100 Continue` before it sends the body */
  constructor(request: ReplyRequest, connection: ReplyConnection, response: ServerResponse, expectsContinue: boolean) {
    this.#request = request
    this.#connection = connection
    this.#response = response
    this.#continued = !expectsContinue
    response.on('finish', () => {
      this.#settle('sent')
      request.answered()
    })
  }

  get headSent(): boolean {
    return this.#status !== 0
  }

  /** Whether bytes of the answer are on their way already. */
  get flushed(): boolean {
    return this.#flushed
  }

  head(status: number, rawHeaders: readonly string[]): void {
    if (this.#status !== 0) return
    this.#status = status
    this.#rawHeaders = rawHeaders
    if (headerValue(rawHeaders, 'content-length') === undefined) process.nextTick(flushWithoutBody, this)
  }

  write(chunk: Uint8Array): boolean {
    if (this.#done || this.#ended) return true
    if (!this.#flushHead()) return true
    const room = this.#response.write(chunk)
    if (!room && !this.#awaitsDrain) {
      this.#awaitsDrain = true
      this.#response.on('drain', () => this.onDrain?.())
    }
    return room
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
    this.#response.destroy()
  }

  /** The connection is no more. */
  connectionClosed(): void {
    this.#settle('gone')
  }

  /** Tells the client to send its body, if it waits for that. */
  continueBody(): void {
    if (this.#continued || this.#flushed || this.#done) return
    this.#continued = true
    this.#response.writeContinue()
  }

  /** Sends the head when no body came with it. */
  flush(): void {
    if (this.#flushed || this.#ended || this.#done) return
    if (this.#flushHead()) this.#response.flushHeaders()
  }

  /** @returns false when the head cannot be written: the connection is cut then */
  #flushHead(): boolean {
    if (this.#flushed) return true
    this.#flushed = true
    const closing = this.#connection.draining || !this.#request.complete
    const announce = closing && headerValue(this.#rawHeaders, 'connection') === undefined
    const headers = announce ? [...this.#rawHeaders, 'connection', 'close'] : this.#rawHeaders
    try {
      this.#response.writeHead(this.#status, headers as string[])
      return true
    } catch (error) {
      this.destroy()
      this.#connection.onBadHead(error)
      return false
    }
  }

  #finish(chunk: Uint8Array | undefined, trailers: readonly string[] | undefined): void {
    if (this.#done || !this.#flushHead()) return
    if (trailers !== undefined && trailers.length > 0) this.#response.addTrailers(pairsOf(trailers))
    if (this.#request.complete || !this.#continued) {
      this.#response.end(chunk)
      return
    }
    if (chunk === undefined) {
      this.#response.flushHeaders()
      process.nextTick(() => this.#settle('sent'))
    } else {
      this.#response.write(chunk, () => this.#settle('sent'))
    }
    this.#request.linger(() => this.#response.end())
  }

  #settle(how: 'sent' | 'gone'): void {
    if (this.#done) return
    this.#done = true
    this.onDone?.(how)
  }
}

function flushWithoutBody(reply: NodeReply): void {
  reply.flush()
}

function pairsOf(raw: readonly string[]): [string, string][] {
  const pairs: [string, string][] = []
  for (let i = 0; i < raw.length; i += 2) pairs.push([raw[i] as string, raw[i + 1] as string])
  return pairs
}
