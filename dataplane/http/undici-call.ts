import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { GatewayError } from '../fault.ts'
import type { UpstreamCall, UpstreamHandler, UpstreamRequest } from './transport.ts'
import { upstreamError } from './upstream-error.ts'

/** What a call tells the upstream that it belongs to. */
export interface CallOwner {
  readonly address: string
  /** The call is not wanted any more. @returns whether it still waited for its turn */
  unqueue(call: UndiciCall): boolean
  /** Undici is done with a call that it was given; told once for each. */
  finished(): void
}

/** Says to undici that the request is not wanted any more; thrown where undici catches it without closing the connection. */
const NOT_WANTED = new Error('the request was aborted before it was sent')

/**
 * Undici keeps a body that it gets whole until the answer has ended, which for a stream may be minutes; a larger one is
 * handed to it as a stream, which lets go of what is sent.
 */
const KEPT_BODY_BYTES = 256 * 1024

type CallState = 'waiting' | 'started' | 'over'

/** One request: undici's handler and the caller's handle in one object. */
export class UndiciCall implements UpstreamCall, Dispatcher.DispatchHandler {
  readonly #upstream: CallOwner
  readonly #request: UpstreamRequest
  readonly #handler: UpstreamHandler
  #state: CallState = 'waiting'
  #controller: Dispatcher.DispatchController | undefined
  #body: StreamedBody | undefined
  #headTimer: NodeJS.Timeout | undefined
  #paused = false

  constructor(upstream: CallOwner, request: UpstreamRequest, handler: UpstreamHandler) {
    this.#upstream = upstream
    this.#handler = handler
    const { body } = request
    if (body instanceof Uint8Array && body.length > KEPT_BODY_BYTES) {
      this.#request = { ...request, body: 'stream' }
      this.#body = new StreamedBody(() => undefined)
      this.#body.push(body)
      this.#body.push(null)
    } else {
      this.#request = request
      if (body === 'stream') this.#body = new StreamedBody(() => handler.onDrain?.())
    }
    if (request.headTimeoutMs) this.#headTimer = setTimeout(onHeadTimeout, request.headTimeoutMs, this)
  }

  /** The caller has no handle yet when the queue is full, so the error comes a tick later. */
  failSoon(error: GatewayError): void {
    process.nextTick(() => this.#fail(error))
  }

  dispatchOptions(servername: string | undefined): Dispatcher.DispatchOptions & { servername?: string } {
    const { method, target, rawHeaders, body } = this.#request
    return {
      method,
      path: target,
      headers: rawHeaders as string[],
      body: this.#body ?? (body as Uint8Array | undefined) ?? null,
      // Undici would take the name from the Host header and open a new connection whenever that changes.
      ...(servername !== undefined && { servername }),
    }
  }

  abort(): void {
    if (this.#state === 'over') return
    const waiting = this.#upstream.unqueue(this)
    this.#over()
    // Without a controller undici still holds the request for a connection: onRequestStart turns it away.
    if (!waiting) this.#controller?.abort(NOT_WANTED)
    this.#body?.destroy()
  }

  pause(): void {
    this.#paused = true
    this.#controller?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#controller?.resume()
  }

  write(chunk: Uint8Array): boolean {
    return this.#state === 'over' || this.#body === undefined ? true : this.#body.push(chunk)
  }

  /** HTTP/1.1 lets a sender leave trailers out (RFC 9110 6.5.1), and undici cannot send them. */
  endBody(): void {
    if (this.#state !== 'over') this.#body?.push(null)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#state === 'over') throw NOT_WANTED
    this.#state = 'started'
    this.#controller = controller
    if (this.#paused) controller.pause()
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200 || this.#state === 'over') return
    clearTimeout(this.#headTimer)
    try {
      this.#handler.onHead(status, textsOf(controller.rawHeaders))
    } catch (bug) {
      this.#failBug(bug)
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#state === 'over') return
    try {
      this.#handler.onData(chunk)
    } catch (bug) {
      this.#failBug(bug)
    }
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    const over = this.#state === 'over'
    this.#over()
    this.#upstream.finished()
    if (over) return
    try {
      this.#handler.onEnd(textsOf(controller.rawTrailers))
    } catch (bug) {
      this.#handler.onError(GatewayError.from(bug))
    }
  }

  onResponseError(controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#upstream.finished()
    const failure = upstreamError(error, this.#upstream.address)
    // Without a controller undici did not take the request at all, and says so inside of dispatch.
    if (controller === null) this.failSoon(failure)
    else this.#fail(failure)
  }

  onHeadTimeout(): void {
    const error = new GatewayError('upstream_timeout', `${this.#upstream.address} did not answer in time`)
    const handler = this.#handler
    if (this.#state === 'over') return
    this.abort()
    handler.onError(error)
  }

  #fail(error: GatewayError): void {
    if (this.#state === 'over') return
    this.#over()
    this.#body?.destroy()
    this.#handler.onError(error)
  }

  /** What a handler throws must not end in undici's hands, where it would look like the upstream's fault. */
  #failBug(bug: unknown): void {
    this.abort()
    this.#handler.onError(GatewayError.from(bug))
  }

  #over(): void {
    this.#state = 'over'
    clearTimeout(this.#headTimer)
  }
}

function onHeadTimeout(call: UndiciCall): void {
  call.onHeadTimeout()
}

/** A request body that is written as it comes. */
class StreamedBody extends Readable {
  readonly #onDrain: () => void
  #full = false

  constructor(onDrain: () => void) {
    super({ highWaterMark: 64 * 1024 })
    this.#onDrain = onDrain
    // Undici destroys the body with the error that it also tells the handler.
    this.on('error', () => undefined)
  }

  override push(chunk: Uint8Array | null): boolean {
    const room = super.push(chunk)
    if (!room) this.#full = true
    return room
  }

  override _read(): void {
    if (!this.#full) return
    this.#full = false
    this.#onDrain()
  }
}

/** Undici hands header names and values on as bytes; HTTP's are latin1 (RFC 9110 5.5). */
function textsOf(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  const texts: string[] = []
  if (!Array.isArray(raw)) return texts
  for (const bytes of raw) texts.push(typeof bytes === 'string' ? bytes : bytes.toString('latin1'))
  return texts
}
