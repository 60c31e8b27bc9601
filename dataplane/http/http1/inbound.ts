import type { Socket } from 'node:net'
import type { SocketAddress } from '../../exchange.ts'
import type { BodySink, InboundRequest, RequestHead } from '../transport.ts'
import { type BodyReceiver, HeldBody } from './held-body.ts'
import { Http1Reply } from './reply.ts'

/** What all requests of one connection share. */
export interface InboundConnection {
  readonly socket: Socket
  readonly peer: SocketAddress
  readonly local: SocketAddress
  readonly listenerPort: number
  readonly encrypted: boolean
  readonly serverName: string | undefined
  /** The server is being closed: no further request is wanted on this connection. */
  readonly draining: boolean
  /** An answer has a head that cannot be written. */
  onBadHead(error: unknown): void
  /** Whether bytes of the body are wanted. */
  flow(wanted: boolean): void
  /** The request is answered and read, and no longer occupies the connection. */
  release(keepAlive: boolean): void
}

/** What was read of a request when its head had come. */
export interface ReceivedHead {
  readonly head: RequestHead
  readonly bodyLength: number | undefined
  readonly keepAlive: boolean
  /** The client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean
}

/** The rest of a body is read for this long after the answer, so that a client that is still sending can read it. */
const LINGER_MS = 5_000
/** A client that sends nothing for so long waits for us to close. */
const LINGER_IDLE_MS = 500
const LINGER_BYTES = 64 * 1024 * 1024

const NO_TRAILERS: readonly string[] = []

/** A request that came in over HTTP/1.1. */
export class Http1Inbound implements InboundRequest, BodyReceiver {
  readonly head: RequestHead
  readonly bodyLength: number | undefined
  readonly reply: Http1Reply
  readonly #connection: InboundConnection
  #sink: BodySink | undefined
  #received = false
  #complete: boolean
  #paused = false
  readonly #held = new HeldBody(this)
  #linger: Linger | undefined

  constructor(received: ReceivedHead, connection: InboundConnection) {
    this.#connection = connection
    this.head = received.head
    this.bodyLength = received.bodyLength
    this.#complete = received.bodyLength === 0
    this.reply = new Http1Reply(this, connection, received)
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

  /** Whether the whole request has arrived. */
  get complete(): boolean {
    return this.#complete
  }

  get takesBody(): boolean {
    return this.#sink !== undefined && !this.#paused
  }

  /** Whether the socket is to be read on. */
  get wantsBody(): boolean {
    return this.#linger !== undefined || this.takesBody
  }

  receive(sink: BodySink): void {
    if (this.#received) throw new Error('a request body is received once')
    this.#received = true
    if (this.bodyLength === 0) return sink.onEnd(NO_TRAILERS)
    this.#sink = sink
    this.reply.continueBody()
    this.#held.handOn()
    if (!this.#complete && !this.#paused) this.#connection.flow(true)
  }

  pause(): void {
    this.#paused = true
    if (!this.#complete) this.#connection.flow(false)
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#held.handOn()
    // Also of a request that has come: a client that leaves is seen only by reading.
    if (!this.#paused) this.#connection.flow(true)
  }

  /** A piece of the body came. */
  onBody(piece: Uint8Array): void {
    if (this.#linger !== undefined) this.#linger.onBody(piece.length)
    else if (!this.reply.ended || this.#sink !== undefined) this.#held.push(piece)
  }

  /** The body has come whole. */
  onComplete(trailers: readonly string[]): void {
    this.#complete = true
    if (this.#linger !== undefined) this.#linger.settle()
    else this.#held.end(trailers)
  }

  /** The connection is no more. */
  onClose(): void {
    const sink = this.#sink
    this.#sink = undefined
    this.#held.drop()
    if (this.#linger !== undefined) this.#linger.settle()
    sink?.onAbort()
    this.reply.onClose()
  }

  /** The answer is out, and so is the request: whoever comes next may have the connection. */
  answered(keepAlive: boolean): void {
    this.#connection.release(keepAlive)
  }

  /**
   * Reads and throws away what is left of the body, and calls `then` when it has all come, when the client has stopped
   * sending, or when it has sent more than is worth reading.
   */
  linger(then: () => void): void {
    this.#sink = undefined
    this.#held.drop()
    this.#received = true
    this.#linger = new Linger(then)
    this.#connection.flow(true)
  }

  onPiece(piece: Uint8Array): void {
    this.#sink?.onData(piece)
  }

  onBodyEnd(trailers: readonly string[]): void {
    const sink = this.#sink
    this.#sink = undefined
    sink?.onEnd(trailers)
  }
}

/** Throws the rest of a body away, within limits. */
class Linger {
  readonly #then: () => void
  readonly #idle: NodeJS.Timeout
  readonly #whole: NodeJS.Timeout
  #left = LINGER_BYTES
  #settled = false

  constructor(then: () => void) {
    this.#then = then
    this.#idle = setTimeout(() => this.settle(), LINGER_IDLE_MS)
    this.#whole = setTimeout(() => this.settle(), LINGER_MS)
  }

  onBody(bytes: number): void {
    this.#idle.refresh()
    this.#left -= bytes
    if (this.#left < 0) this.settle()
  }

  settle(): void {
    if (this.#settled) return
    this.#settled = true
    clearTimeout(this.#idle)
    clearTimeout(this.#whole)
    this.#then()
  }
}
