import type { IncomingMessage, ServerResponse } from 'node:http'
import type { SocketAddress } from '../exchange.ts'
import { NodeReply, type ReplyRequest } from './node-reply.ts'
import type { BodySink, InboundRequest, RequestHead } from './transport.ts'

/** What all requests of one connection share. */
export interface InboundConnection {
  readonly peer: SocketAddress
  readonly local: SocketAddress
  readonly listenerPort: number
  readonly encrypted: boolean
  readonly serverName: string | undefined
  /** The server is being closed. */
  readonly draining: boolean
  /** An answer has a head that cannot be written. */
  onBadHead(error: unknown): void
  /** The request is answered and no longer occupies the connection. */
  release(inbound: NodeInbound): void
}

/** What node:http says of a request, and what was read from its head. */
export interface ReceivedRequest {
  readonly message: IncomingMessage
  readonly response: ServerResponse
  readonly head: RequestHead
  readonly bodyLength: number | undefined
  /** The client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean
}

/** The rest of a body is read for this long after the answer, so that a client that is still sending can read it. */
const LINGER_MS = 5_000
/** A client that sends nothing for so long waits for us to close. */
const LINGER_IDLE_MS = 500
const LINGER_BYTES = 64 * 1024 * 1024

/** A request as node:http received it. */
export class NodeInbound implements InboundRequest, ReplyRequest {
  readonly head: RequestHead
  readonly bodyLength: number | undefined
  readonly reply: NodeReply
  readonly #message: IncomingMessage
  readonly #connection: InboundConnection
  #sink: BodySink | undefined
  #received = false
  #ended: boolean

  constructor(received: ReceivedRequest, connection: InboundConnection) {
    this.#message = received.message
    this.#connection = connection
    this.head = received.head
    this.bodyLength = received.bodyLength
    this.#ended = received.bodyLength === 0
    this.reply = new NodeReply(this, connection, received.response, received.expectsContinue)
  }

  get peer(): SocketAddress {
    return this.#connection.peer
  }

  get local(): SocketAddress {
    return this.#connection.local
  }

  get listenerPort(): number {
    return this.#connection.listenerPort
  }

  get encrypted(): boolean {
    return this.#connection.encrypted
  }

  get serverName(): string | undefined {
    return this.#connection.serverName
  }

  get complete(): boolean {
    return this.#ended || this.#message.complete
  }

  receive(sink: BodySink): void {
    if (this.#received) throw new Error('a request body is received once')
    this.#received = true
    if (this.bodyLength === 0) return sink.onEnd([])
    this.#sink = sink
    this.reply.continueBody()
    this.#message.on('data', (chunk: Buffer) => this.#sink?.onData(chunk))
    this.#message.on('end', () => this.#onEnd())
    this.#message.on('close', () => this.#onClose())
  }

  pause(): void {
    this.#message.pause()
  }

  resume(): void {
    if (this.#received) this.#message.resume()
  }

  answered(): void {
    this.#connection.release(this)
  }

  /**
   * Reads and throws away what is left of the body, and calls `then` when it has all come, when the client has stopped
   * sending, or when it has sent more than is worth reading.
   */
  linger(then: () => void): void {
    const message = this.#message
    let left = LINGER_BYTES
    const settle = () => {
      clearTimeout(idle)
      clearTimeout(whole)
      message.off('data', onData).off('end', settle).off('close', settle)
      then()
    }
    const onData = (chunk: Buffer) => {
      idle.refresh()
      left -= chunk.length
      if (left < 0) settle()
    }
    const idle = setTimeout(settle, LINGER_IDLE_MS)
    const whole = setTimeout(settle, LINGER_MS)
    this.#sink = undefined
    this.#received = true
    message.on('data', onData).on('end', settle).on('close', settle)
    message.resume()
  }

  #onEnd(): void {
    this.#ended = true
    const sink = this.#sink
    this.#sink = undefined
    sink?.onEnd(this.#message.rawTrailers)
  }

  #onClose(): void {
    const sink = this.#sink
    this.#sink = undefined
    sink?.onAbort()
  }
}
