import type { Socket } from 'node:net'
import { nowMs } from '../../../runtime/clock.ts'
import { GatewayError } from '../../fault.ts'
import { writeChunk, writeLastChunk, writeTogether } from './body-writer.ts'
import { headerLines } from './head-text.ts'
import { type BodyReceiver, HeldBody } from './held-body.ts'
import { type MessageHead, MessageParser } from './message-parser.ts'
import type { UpstreamLimits } from './upstream.ts'
import type { Http1Call } from './upstream-call.ts'

/** What a connection tells the upstream that it belongs to. */
export interface ConnectionOwner {
  readonly address: string
  readonly limits: UpstreamLimits
  /** The request is over; told once for each that was started. */
  released(connection: UpstreamConnection, reusable: boolean): void
  /** Closed by the other side while idle. */
  lost(connection: UpstreamConnection): void
}

/** We close so long before the upstream would (by its Keep-Alive). */
const KEEP_ALIVE_MARGIN_MS = 2_000
const KEEP_ALIVE_MOST_MS = 60_000

/** One connection to an upstream, and the request that is on it. */
export class UpstreamConnection implements BodyReceiver {
  /** Until when it may be used again, by the clock of `nowMs`. */
  idleUntilMs: number
  readonly #socket: Socket
  readonly #owner: ConnectionOwner
  readonly #parser: MessageParser
  #call: Http1Call | undefined
  /** A request is on it, be it that its caller does not want the answer any more. */
  #busy = false
  /** The answer's body ends with the connection. */
  #untilClose = false
  #headDone = false
  #keepAlive = false
  #keepAliveMs: number | undefined
  #requestSent = false
  /** Bytes of a streamed request body that were announced and are still to come. */
  #requestLeft = 0
  readonly #held = new HeldBody(this)
  #idleTimer: NodeJS.Timeout | undefined
  #error: Error | undefined

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.#socket = socket
    this.#owner = owner
    this.#parser = new MessageParser('response', owner.limits)
    this.idleUntilMs = nowMs() + owner.limits.idleConnectionMs
    socket.on('data', (data: Buffer) => this.#read(data))
    socket.on('drain', () => this.#call?.onDrain())
    socket.on('end', () => this.#onEnd())
    socket.on('error', (error) => {
      this.#error = error
    })
    socket.on('close', () => this.#onClose())
  }

  /** Whether the other side has not closed it already. */
  get usable(): boolean {
    return this.#socket.readable && this.#socket.writable
  }

  start(call: Http1Call): void {
    this.#call = call
    this.#busy = true
    this.#headDone = false
    this.#untilClose = false
    this.#keepAlive = false
    this.#keepAliveMs = undefined
    this.#parser.skipBody = call.method === 'HEAD'
    const { head, body } = call
    call.head = ''
    if (body === 'stream') {
      this.#requestSent = false
      this.#requestLeft = call.announcedBytes ?? 0
      this.#socket.write(head, 'latin1')
    } else {
      this.#requestSent = true
      call.body = undefined
      writeTogether(this.#socket, head, body ?? NO_PIECES)
    }
    if (call.paused) this.#socket.pause()
    call.started(this)
  }

  writeBody(chunk: Uint8Array): boolean {
    const call = this.#call
    if (call === undefined || this.#requestSent) return true
    if (call.announcedBytes === undefined) return writeChunk(this.#socket, '', chunk)
    this.#requestLeft -= chunk.length
    if (this.#requestLeft >= 0) return this.#socket.write(chunk)
    this.#fail(new GatewayError('invalid_request', 'the request body is longer than its content-length'))
    return true
  }

  endBody(trailers: readonly string[]): void {
    const call = this.#call
    if (call === undefined || this.#requestSent) return
    this.#requestSent = true
    if (call.announcedBytes === undefined) writeLastChunk(this.#socket, '', undefined, headerLines(trailers))
    else if (this.#requestLeft > 0) {
      this.#fail(new GatewayError('invalid_request', 'the request body is shorter than its content-length'))
    }
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#held.handOn()
    this.#socket.resume()
  }

  get takesBody(): boolean {
    return this.#call?.paused === false
  }

  onPiece(piece: Uint8Array): void {
    this.#call?.onData(piece)
  }

  /** The answer is not wanted any more. */
  cut(): void {
    this.#call = undefined
    this.#socket.destroy()
    this.#release(false)
  }

  /** Closes a connection that is idle. */
  close(): void {
    this.#socket.destroy()
  }

  #read(data: Buffer): void {
    let rest = data
    while (rest.length > 0 && this.#busy) rest = this.#parse(rest)
    if (rest.length > 0) this.#socket.destroy()
  }

  #parse(data: Buffer): Buffer {
    const parser = this.#parser
    const taken = parser.execute(data)
    if (parser.head !== undefined) this.#onHead(parser.head)
    for (const piece of parser.body) this.#onData(piece)
    if (taken < 0) {
      this.#failProtocol(new Error(parser.failure))
      return NOTHING
    }
    if (parser.complete && this.#headDone) this.#onComplete(parser.trailers, taken < data.length)
    return taken === data.length ? NOTHING : data.subarray(taken)
  }

  #onHead(head: MessageHead): void {
    if (head.status === 101) return this.#failProtocol(new Error('switched protocols unasked'))
    if (head.status < 200) return
    this.#headDone = true
    this.#untilClose = head.bodyLength === undefined && !head.keepAlive
    this.#keepAlive = head.keepAlive
    this.#keepAliveMs = keepAliveMs(head.rawHeaders)
    const { bodyIdleTimeoutMs } = this.#owner.limits
    if (bodyIdleTimeoutMs > 0) this.#idleTimer = setTimeout(() => this.#onBodyIdle(), bodyIdleTimeoutMs)
    this.#call?.onHead(head.status, head.rawHeaders)
  }

  #onData(piece: Uint8Array): void {
    if (this.#call === undefined) return
    this.#idleTimer?.refresh()
    this.#held.push(piece)
  }

  /** @param more bytes came behind it, which nobody asked for: they must not be taken for the next answer */
  #onComplete(trailers: readonly string[], more: boolean): void {
    if (more) this.#keepAlive = false
    if (this.#call !== undefined) this.#held.end(trailers)
  }

  /** The answer is whole and was handed on. */
  onBodyEnd(trailers: readonly string[]): void {
    const call = this.#call
    this.#call = undefined
    // An answer may come while the request is still on its way: what is left of it is for nobody any more.
    const sent = this.#requestSent && this.#socket.writableLength === 0
    const reusable = this.#keepAlive && sent && !this.#untilClose && this.usable
    if (!reusable) this.#socket.destroy()
    this.idleUntilMs = nowMs() + (this.#keepAliveMs ?? this.#owner.limits.idleConnectionMs)
    this.#release(reusable && this.idleUntilMs > nowMs())
    call?.onEnd(trailers)
  }

  #release(reusable: boolean): void {
    if (!this.#busy) return
    this.#busy = false
    clearTimeout(this.#idleTimer)
    this.#idleTimer = undefined
    this.#held.drop()
    if (!reusable) this.#socket.destroy()
    this.#owner.released(this, reusable)
  }

  #fail(error: GatewayError): void {
    const call = this.#call
    this.cut()
    call?.fail(error)
  }

  #failProtocol(cause: Error): void {
    const message = `${this.#owner.address} answered with what is not HTTP/1.1`
    this.#fail(new GatewayError('upstream_protocol_error', message, { cause }))
  }

  #onBodyIdle(): void {
    if (this.#call?.paused === true) this.#idleTimer?.refresh()
    else this.#fail(new GatewayError('upstream_timeout', `${this.#owner.address} did not answer in time`))
  }

  /** The upstream sends no more. */
  #onEnd(): void {
    if (!this.#busy) this.#socket.destroy()
    else if (this.#untilClose && this.#headDone && this.#parser.finish()) this.#onComplete(NO_HEADERS, false)
    else this.#onBroken()
  }

  #onClose(): void {
    // An answer that is held for a slow client is whole or broken off already; it is told when the client has caught up.
    if (this.#busy && !this.#held.ended) this.#onBroken()
    if (!this.#busy) this.#owner.lost(this)
    this.#parser.free()
  }

  #onBroken(): void {
    const { address } = this.#owner
    const cause = this.#error ?? new Error('connection closed')
    const code = (cause as NodeJS.ErrnoException).code ?? ''
    this.#fail(
      /^ERR_(SSL|TLS)/.test(code)
        ? new GatewayError('upstream_tls_failed', `TLS with ${address} failed`, { cause })
        : new GatewayError('upstream_reset', `${address} closed the connection before the answer was whole`, { cause }),
    )
  }
}

const NOTHING: Buffer = Buffer.alloc(0)
const NO_HEADERS: readonly string[] = []
const NO_PIECES: readonly Uint8Array[] = []

/** How long the upstream keeps an idle connection, less a margin; undefined when it does not say. */
function keepAliveMs(rawHeaders: readonly string[]): number | undefined {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length !== 10 || name.toLowerCase() !== 'keep-alive') continue
    const seconds = /\btimeout=(\d+)/i.exec(rawHeaders[i + 1] as string)?.[1]
    if (seconds !== undefined) return Math.min(Number(seconds) * 1000 - KEEP_ALIVE_MARGIN_MS, KEEP_ALIVE_MOST_MS)
  }
  return undefined
}
