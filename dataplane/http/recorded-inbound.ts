import { nowMs } from '../../runtime/clock.ts'
import type { Exchange, SocketAddress } from '../exchange.ts'
import type { BodySink, InboundRequest, Reply, RequestHead } from './transport.ts'

/** Where what handlers throw in a callback is told. */
export type BugReport = (bug: unknown) => void

/** How much of an answer is kept where `capture.responseBody` asks; of a longer one nothing is kept. */
const CAPTURED_BYTES = 2 * 1024 * 1024

/** A request as handlers see it: what passes is written into the exchange. */
export class RecordedInbound implements InboundRequest, BodySink {
  readonly head: RequestHead
  readonly peer: SocketAddress
  readonly local: SocketAddress
  readonly listenerPort: number
  readonly encrypted: boolean
  readonly serverName: string | undefined
  readonly bodyLength: number | undefined
  readonly reply: RecordedReply
  readonly #inner: InboundRequest
  readonly #exchange: Exchange
  readonly #onBug: BugReport
  #sink: BodySink | undefined

  constructor(inner: InboundRequest, exchange: Exchange, onBug: BugReport) {
    this.head = inner.head
    this.peer = inner.peer
    this.local = inner.local
    this.listenerPort = inner.listenerPort
    this.encrypted = inner.encrypted
    this.serverName = inner.serverName
    this.bodyLength = inner.bodyLength
    this.reply = new RecordedReply(inner.reply, exchange)
    this.#inner = inner
    this.#exchange = exchange
    this.#onBug = onBug
  }

  receive(sink: BodySink): void {
    this.#sink = sink
    this.#inner.receive(this)
  }

  pause(): void {
    this.#inner.pause()
  }

  resume(): void {
    this.#inner.resume()
  }

  onData(chunk: Uint8Array): void {
    this.#exchange.request.bodyBytes += chunk.length
    try {
      this.#sink?.onData(chunk)
    } catch (bug) {
      this.#onBug(bug)
    }
  }

  onEnd(trailers: readonly string[]): void {
    try {
      this.#sink?.onEnd(trailers)
    } catch (bug) {
      this.#onBug(bug)
    }
  }

  onAbort(): void {
    try {
      this.#sink?.onAbort()
    } catch (bug) {
      this.#onBug(bug)
    }
  }
}

/** An answer as handlers give it: head and bytes are written into the exchange. */
export class RecordedReply implements Reply {
  onDone: ((how: 'sent' | 'gone') => void) | undefined
  readonly #inner: Reply
  readonly #exchange: Exchange
  #captured: Uint8Array[] | undefined
  #ended = false

  constructor(inner: Reply, exchange: Exchange) {
    this.#inner = inner
    this.#exchange = exchange
  }

  get headSent(): boolean {
    return this.#inner.headSent
  }

  get onDrain(): (() => void) | undefined {
    return this.#inner.onDrain
  }

  set onDrain(action: (() => void) | undefined) {
    this.#inner.onDrain = action
  }

  head(status: number, rawHeaders: readonly string[]): void {
    if (this.#inner.headSent || this.#exchange.outcome !== undefined) return
    this.#exchange.response = { status, rawHeaders, headMs: nowMs(), bodyBytes: 0, body: undefined }
    if (this.#exchange.capture.responseBody) this.#captured = []
    this.#inner.head(status, rawHeaders)
  }

  write(chunk: Uint8Array): boolean {
    if (!this.#ended) this.#count(chunk)
    return this.#inner.write(chunk)
  }

  end(chunk?: Uint8Array, trailers?: readonly string[]): void {
    if (this.#ended) return
    if (chunk !== undefined) this.#count(chunk)
    this.#ended = true
    const { response, outcome } = this.#exchange
    if (this.#captured !== undefined && response !== undefined && outcome === undefined) {
      response.body = Buffer.concat(this.#captured)
    }
    this.#inner.end(chunk, trailers)
  }

  destroy(): void {
    this.#ended = true
    this.#inner.destroy()
  }

  #count(chunk: Uint8Array): void {
    const { response, outcome } = this.#exchange
    if (response === undefined || outcome !== undefined) return
    response.bodyBytes += chunk.length
    if (this.#captured === undefined) return
    if (response.bodyBytes > CAPTURED_BYTES) this.#captured = undefined
    else this.#captured.push(chunk)
  }
}
