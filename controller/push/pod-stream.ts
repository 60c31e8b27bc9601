import { status as Code, Metadata, type ServerDuplexStream } from '@grpc/grpc-js'
import { ACCEPTED_HEADER, type AckFrame, decodeUpFrame, encodeFrame, type HelloFrame } from '../../contract/frames.ts'
import type { Log } from '../../runtime/log.ts'
import type { StreamRefusal } from './push-metrics.ts'
import type { TokenHolder } from './token-review.ts'

export type PodCall = ServerDuplexStream<Buffer, Buffer>

export interface PodStreamLimits {
  /** From the token's review until the Hello is here. */
  readonly helloTimeoutMs: number
  /** From a push until its ack. */
  readonly ackTimeoutMs: number
  /** After this the pod is to come again, with a token that is checked again. */
  readonly maxAgeMs: number
  /** For a stream that was ended here to flush; then its connection is cut. */
  readonly closeGraceMs: number
}

export interface PodStreamOptions {
  readonly call: PodCall
  readonly holder: TokenHolder
  readonly limits: PodStreamLimits
  readonly log: Log
  readonly onHello: (stream: PodStream, hello: HelloFrame) => void
  /** @returns why the ack fits no push, when it does not */
  readonly onAck: (stream: PodStream, ack: AckFrame) => string | undefined
  readonly onSent: (stream: PodStream, bytes: number) => void
  /** Once, however it ended; the reason when this side ended it. */
  readonly onEnd: (stream: PodStream, reason: StreamRefusal | undefined) => void
  /** Cuts the connection under the stream. */
  readonly cut: () => void
}

/** Why this side ends a stream, as gRPC status and for the metrics. */
interface Ending {
  readonly reason: StreamRefusal
  readonly code: Code
  readonly message: string
}

/** One pod's stream, from the review of its token to its end. Frames wait for the pod to read: two at most are here. */
export class PodStream {
  readonly holder: TokenHolder
  readonly #options: PodStreamOptions
  readonly #call: PodCall
  #hello: HelloFrame | undefined
  #reason: StreamRefusal | undefined
  #over = false
  #sending = false
  /** The one deadline that runs: for the Hello, then for each ack. */
  #deadline: NodeJS.Timeout | undefined
  #age: NodeJS.Timeout | undefined
  #cutTimer: NodeJS.Timeout | undefined

  constructor(options: PodStreamOptions) {
    this.#options = options
    this.holder = options.holder
    this.#call = options.call
    const { helloTimeoutMs } = options.limits
    this.#expect('Hello', helloTimeoutMs)
    this.#call.on('data', (bytes: Buffer) => this.#onFrame(bytes))
    // A pod that says that it has nothing more to say is going.
    this.#call.on('end', () => this.#call.end())
    this.#call.on('close', () => this.#onClose())
  }

  /** What the pod said, once it did. */
  get hello(): HelloFrame | undefined {
    return this.#hello
  }

  /** The pod's Hello is taken: pushes will come. */
  accept(): void {
    const headers = new Metadata()
    headers.set(ACCEPTED_HEADER, 'true')
    this.#call.sendMetadata(headers)
    const { maxAgeMs } = this.#options.limits
    // Spread, so that streams that began together do not all end together.
    this.#age = setTimeout(
      () => this.end({ reason: 'aged', code: Code.UNAVAILABLE, message: 'the stream is old; come again' }),
      maxAgeMs * (0.9 + Math.random() / 10),
    )
  }

  /** Sends the frames one after the other, each when the one before has left, and waits for the ack then. */
  send(frames: Iterable<Buffer>): void {
    if (this.#sending) throw new Error('a push began while another one was being sent')
    this.#sending = true
    this.#expect('ack', this.#options.limits.ackTimeoutMs)
    const iterator = frames[Symbol.iterator]()
    const write = (bytes: Buffer): void => {
      // Looked at before the write is done: the ack of the last frame may come before the word that it has left.
      const upcoming = iterator.next()
      if (upcoming.done === true) this.#sending = false
      this.#call.write(bytes, () => {
        if (upcoming.done !== true && !this.#over && this.#reason === undefined) write(upcoming.value)
      })
      this.#options.onSent(this, bytes.length)
    }
    const first = iterator.next()
    if (first.done !== true) write(first.value)
  }

  /** Sends the pod on to the replica that leads. */
  redirect(address: string): void {
    if (this.#reason !== undefined || this.#over) return
    this.#reason = 'redirected'
    this.#call.write(encodeFrame({ frame: 'redirect', address }))
    this.#call.end()
    this.#cutLater()
  }

  /** Ends the stream with a status; what comes from the pod after that counts for nothing. */
  end({ reason, code, message }: Ending): void {
    if (this.#reason !== undefined || this.#over) return
    this.#reason = reason
    endCall(this.#call, code, message)
    this.#cutLater()
  }

  #onFrame(bytes: Buffer): void {
    if (this.#reason !== undefined) return
    const decoded = decodeUpFrame(bytes)
    if (!decoded.ok) return this.#bad(decoded.message)
    const { frame } = decoded
    if (frame === undefined) return
    if (frame.frame === 'hello') {
      if (this.#hello !== undefined) return this.#bad('a second hello')
      clearTimeout(this.#deadline)
      this.#hello = frame
      this.#options.onHello(this, frame)
      return
    }
    if (this.#hello === undefined) return this.#bad('an ack before the hello')
    if (this.#sending) return this.#bad(`an ack of push ${frame.nonce} before its last part`)
    clearTimeout(this.#deadline)
    const fault = this.#options.onAck(this, frame)
    if (fault !== undefined) this.#bad(fault)
  }

  #bad(message: string): void {
    this.#options.log.warn({ ...this.holder }, `a pod sent ${message}`)
    this.end({ reason: 'bad_frame', code: Code.INVALID_ARGUMENT, message })
  }

  #expect(what: string, timeoutMs: number): void {
    clearTimeout(this.#deadline)
    this.#deadline = setTimeout(
      () =>
        this.end({ reason: 'too_slow', code: Code.DEADLINE_EXCEEDED, message: `no ${what} within ${timeoutMs} ms` }),
      timeoutMs,
    )
  }

  /** A pod that does not read would keep what was sent, and the end of the stream behind it, for ever. */
  #cutLater(): void {
    clearTimeout(this.#deadline)
    clearTimeout(this.#age)
    this.#cutTimer = setTimeout(() => this.#options.cut(), this.#options.limits.closeGraceMs)
  }

  #onClose(): void {
    if (this.#over) return
    this.#over = true
    clearTimeout(this.#deadline)
    clearTimeout(this.#age)
    clearTimeout(this.#cutTimer)
    this.#options.onEnd(this, this.#reason)
  }
}

/** Ends a call with a status: grpc-js takes it from an error that is emitted on it. */
export function endCall(call: PodCall, code: Code, message: string): void {
  call.emit('error', Object.assign(new Error(message), { code, details: message }))
}
