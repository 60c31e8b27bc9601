import { nowMs } from '../../runtime/clock.ts'
import { newSpanId } from '../../runtime/ids.ts'
import type { Attempt } from '../exchange.ts'
import { GatewayError } from '../fault.ts'
import type { Call } from './handler.ts'
import { forwardableHeaders, withoutHeaders } from './headers.ts'
import type { BodySink, Upstream, UpstreamCall, UpstreamHandler, UpstreamRequest } from './transport.ts'

/** Looks at an answer while it passes, and may replace its bytes. */
export interface Tap {
  /** Read after `onHead`: the body may leave with another length than it came with, so `content-length` goes. */
  readonly changesBody: boolean
  /**
   * @returns `pass`; headers: pass with these in place of the answer's own; `discard`: this answer is not for the
   *   client, another attempt will be made
   */
  onHead(status: number, rawHeaders: readonly string[]): 'pass' | 'discard' | readonly string[]
  /** @returns what to send on in place of the chunk; undefined: nothing */
  onData(chunk: Uint8Array): Uint8Array | undefined
  /** The answer is whole. @returns what to send after its last chunk */
  onEnd(): Uint8Array | undefined
}

/**
 * How an attempt went: the answer was passed on whole (`sent`), or broke off after its head was passed on, or the
 * client left (`cut`): in both cases nothing is left to do. After `discarded` (with the answer's status) and `failed`
 * (before any answer) the client has heard nothing yet: try elsewhere, or `call.fail`.
 */
export type AttemptResult = 'sent' | 'cut' | { readonly discarded: number } | { readonly failed: GatewayError }

/** Incoming trace headers that an injected context replaces. */
const TRACE_HEADERS: ReadonlySet<string> = new Set(['traceparent', 'tracestate'])

/** How much of a streamed request body is kept where `capture.requestBody` asks; a longer one is not kept at all. */
const CAPTURED_BYTES = 1024 * 1024

/**
 * Makes one attempt: sends the request to the upstream and passes the answer to the client, with backpressure both
 * ways; a body of `'stream'` is the client's own as it comes, and can be sent once. Records the attempt in the
 * exchange and puts the recorder's trace headers in. Within `call.attemptMs` the answer must be whole: else the
 * attempt fails with `upstream_timeout` or, with its head out, the answer is cut. When the exchange ends first, the
 * upstream is aborted. Calls `done` exactly once.
 */
export function relay(
  call: Call,
  upstream: Upstream,
  request: UpstreamRequest,
  tap: Tap | undefined,
  done: (result: AttemptResult) => void,
): void {
  const attempt: Attempt = {
    endpoint: upstream.address,
    host: upstream.host,
    port: upstream.port,
    method: request.method,
    spanId: newSpanId(),
    startMs: nowMs(),
    headMs: undefined,
    endMs: undefined,
    status: undefined,
    error: undefined,
  }
  call.exchange.attempts.push(attempt)
  const context = call.recorder.contextHeaders(call.exchange, attempt)
  const rawHeaders = context === undefined ? request.rawHeaders : replaceContext(request.rawHeaders, context)
  new Relay(call, attempt, tap, done).start(upstream, { ...request, rawHeaders })
}

function replaceContext(rawHeaders: readonly string[], context: readonly string[]): readonly string[] {
  return [...withoutHeaders(rawHeaders, replacedBy(context)), ...context]
}

/** The names that must go: those of the W3C form, and what else the context consists of. */
function replacedBy(context: readonly string[]): ReadonlySet<string> {
  let names = TRACE_HEADERS
  for (let i = 0; i < context.length; i += 2) {
    const name = (context[i] as string).toLowerCase()
    if (!names.has(name)) names = new Set([...names, name])
  }
  return names
}

const LENGTH = new Set(['content-length'])

class Relay implements UpstreamHandler {
  readonly #call: Call
  readonly #attempt: Attempt
  readonly #tap: Tap | undefined
  readonly #done: (result: AttemptResult) => void
  #upstreamCall: UpstreamCall | undefined
  #timer: NodeJS.Timeout | undefined
  #streaming = false
  #headPassed = false
  #over = false

  constructor(call: Call, attempt: Attempt, tap: Tap | undefined, done: (result: AttemptResult) => void) {
    this.#call = call
    this.#attempt = attempt
    this.#tap = tap
    this.#done = done
  }

  start(upstream: Upstream, request: UpstreamRequest): void {
    const call = this.#call
    if (call.attemptMs > 0) this.#timer = setTimeout(onAttemptTimeout, call.attemptMs, this)
    this.#upstreamCall = upstream.send(request, this)
    call.whenOver(() => this.#leave())
    if (request.body !== 'stream') return
    this.#streaming = true
    call.inbound.receive(new BodyPump(call, this.#upstreamCall))
  }

  onHead(status: number, rawHeaders: readonly string[]): void {
    const { reply } = this.#call.inbound
    this.#attempt.headMs = nowMs()
    this.#attempt.status = status
    const verdict = this.#tap?.onHead(status, rawHeaders) ?? 'pass'
    if (verdict === 'discard') return this.#discard(status)
    this.#headPassed = true
    const passed = this.#call.filterResponse(forwardableHeaders(verdict === 'pass' ? rawHeaders : verdict))
    reply.onDrain = () => this.#upstreamCall?.resume()
    reply.head(status, this.#tap?.changesBody ? withoutHeaders(passed, LENGTH) : passed)
  }

  onData(chunk: Uint8Array): void {
    if (this.#over) return
    const passed = this.#tap === undefined ? chunk : this.#tap.onData(chunk)
    if (passed === undefined || passed.length === 0) return
    if (!this.#call.inbound.reply.write(passed)) this.#upstreamCall?.pause()
  }

  onEnd(trailers: readonly string[]): void {
    if (this.#over) return
    const tail = this.#tap?.onEnd()
    this.#settle(undefined, 'sent')
    this.#call.inbound.reply.end(tail, trailers)
  }

  onError(error: GatewayError): void {
    if (this.#over) return
    if (!this.#headPassed) return this.#settle(error, { failed: error })
    this.#settle(error, 'cut')
    this.#call.fail(error)
  }

  onDrain(): void {
    this.#call.inbound.resume()
  }

  onTimeout(): void {
    this.#upstreamCall?.abort()
    this.onError(new GatewayError('upstream_timeout', `${this.#attempt.endpoint} did not answer in time`))
  }

  /** The rest of an answer that came together with its head is let in, so that the connection can be used again. */
  #discard(status: number): void {
    const upstreamCall = this.#upstreamCall
    setImmediate(() => upstreamCall?.abort())
    this.#settle(undefined, { discarded: status })
  }

  /** The exchange ended first. */
  #leave(): void {
    if (this.#over) return
    this.#upstreamCall?.abort()
    this.#settle(undefined, 'cut')
  }

  #settle(error: GatewayError | undefined, result: AttemptResult): void {
    this.#over = true
    clearTimeout(this.#timer)
    this.#attempt.endMs = nowMs()
    this.#attempt.error = error
    // What is left of the client's body goes nowhere, and must not be waited for.
    if (this.#streaming) this.#call.inbound.resume()
    try {
      this.#done(result)
    } catch (bug) {
      // Thrown on, it would end in the hands of whoever told of the end: a timer, a socket, another request.
      this.#call.fail(GatewayError.from(bug))
    }
  }
}

function onAttemptTimeout(relaying: Relay): void {
  relaying.onTimeout()
}

/** The client's body on its way to the upstream. */
class BodyPump implements BodySink {
  readonly #call: Call
  readonly #upstreamCall: UpstreamCall
  #captured: Uint8Array[] | undefined
  #capturedBytes = 0

  constructor(call: Call, upstreamCall: UpstreamCall) {
    this.#call = call
    this.#upstreamCall = upstreamCall
    if (call.exchange.capture.requestBody) this.#captured = []
  }

  onData(chunk: Uint8Array): void {
    if (this.#captured !== undefined) this.#capture(this.#captured, chunk)
    if (!this.#upstreamCall.write(chunk)) this.#call.inbound.pause()
  }

  onEnd(trailers: readonly string[]): void {
    if (this.#captured !== undefined) this.#call.exchange.request.body = Buffer.concat(this.#captured)
    this.#upstreamCall.endBody(trailers)
  }

  onAbort(): void {
    this.#upstreamCall.abort()
  }

  #capture(captured: Uint8Array[], chunk: Uint8Array): void {
    this.#capturedBytes += chunk.length
    if (this.#capturedBytes > CAPTURED_BYTES) this.#captured = undefined
    else captured.push(chunk)
  }
}
