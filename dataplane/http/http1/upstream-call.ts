import { GatewayError } from '../../fault.ts'
import type { UpstreamCall, UpstreamHandler, UpstreamRequest } from '../transport.ts'
import { headerLine, requestLine } from './head-text.ts'
import type { UpstreamConnection } from './upstream-connection.ts'

/** What a call tells the upstream that it belongs to. */
export interface CallOwner {
  readonly address: string
  /** The call is not wanted any more. @returns whether it still waited for its turn */
  unqueue(call: Http1Call): boolean
}

/** How much of a streamed body is taken before there is a connection for it. */
const EARLY_BYTES = 64 * 1024

/** One request: its bytes until they are sent, and what the handler is to hear. */
export class Http1Call implements UpstreamCall {
  readonly method: string
  /** The request's head as text, once; then the memory is given back. */
  head: string
  /** The whole body, until it is sent; `'stream'`: it comes by `write`. */
  body: readonly Uint8Array[] | 'stream' | undefined
  /** Of a streamed body whose length the headers announce; undefined: it goes out in chunks. */
  readonly announcedBytes: number | undefined
  readonly #owner: CallOwner
  readonly #handler: UpstreamHandler
  #connection: UpstreamConnection | undefined
  #over = false
  #failing = false
  #paused = false
  #headTimer: NodeJS.Timeout | undefined
  #early: Uint8Array[] | undefined
  #earlyBytes = 0
  #bodyEnded = false
  #trailers: readonly string[] = []

  constructor(owner: CallOwner, request: UpstreamRequest, handler: UpstreamHandler) {
    this.#owner = owner
    this.#handler = handler
    this.method = request.method
    this.body = request.body
    const framed = headOf(request)
    if (framed instanceof GatewayError) {
      this.head = ''
      this.announcedBytes = undefined
      this.failSoon(framed)
      return
    }
    this.head = framed.head
    this.announcedBytes = framed.announcedBytes
    if (request.headTimeoutMs) this.#headTimer = setTimeout(onHeadTimeout, request.headTimeoutMs, this)
  }

  /** Whether it will fail without having been sent. */
  get failing(): boolean {
    return this.#failing
  }

  get over(): boolean {
    return this.#over
  }

  get paused(): boolean {
    return this.#paused
  }

  /** The caller has no handle yet, so it hears of the error a tick later. */
  failSoon(error: GatewayError): void {
    this.#failing = true
    process.nextTick(() => this.fail(error))
  }

  /** The connection that it is sent on from now on. */
  started(connection: UpstreamConnection): void {
    this.#connection = connection
    const early = this.#early
    if (early === undefined) return
    this.#early = undefined
    let room = true
    for (const chunk of early) room = connection.writeBody(chunk)
    if (this.#bodyEnded) connection.endBody(this.#trailers)
    else if (room && this.#earlyBytes >= EARLY_BYTES) this.#handler.onDrain?.()
  }

  abort(): void {
    if (this.#over) return
    this.#end()
    if (!this.#owner.unqueue(this)) this.#connection?.cut()
  }

  pause(): void {
    this.#paused = true
    this.#connection?.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#connection?.resume()
  }

  write(chunk: Uint8Array): boolean {
    if (this.#over || this.body !== 'stream' || chunk.length === 0) return true
    if (this.#connection !== undefined) return this.#connection.writeBody(chunk)
    this.#early ??= []
    this.#early.push(chunk)
    this.#earlyBytes += chunk.length
    return this.#earlyBytes < EARLY_BYTES
  }

  endBody(trailers: readonly string[] = []): void {
    if (this.#over || this.body !== 'stream' || this.#bodyEnded) return
    this.#bodyEnded = true
    this.#trailers = trailers
    if (this.#connection === undefined) this.#early ??= []
    else this.#connection.endBody(trailers)
  }

  onHead(status: number, rawHeaders: readonly string[]): void {
    if (this.#over) return
    clearTimeout(this.#headTimer)
    try {
      this.#handler.onHead(status, rawHeaders)
    } catch (bug) {
      this.#failBug(bug)
    }
  }

  onData(chunk: Uint8Array): void {
    if (this.#over) return
    try {
      this.#handler.onData(chunk)
    } catch (bug) {
      this.#failBug(bug)
    }
  }

  onEnd(trailers: readonly string[]): void {
    if (this.#over) return
    this.#end()
    try {
      this.#handler.onEnd(trailers)
    } catch (bug) {
      this.#handler.onError(GatewayError.from(bug))
    }
  }

  onDrain(): void {
    if (!this.#over) this.#handler.onDrain?.()
  }

  fail(error: GatewayError): void {
    if (this.#over) return
    this.#end()
    this.#handler.onError(error)
  }

  onHeadTimeout(): void {
    const { address } = this.#owner
    if (this.#over) return
    this.abort()
    this.#handler.onError(new GatewayError('upstream_timeout', `${address} did not answer in time`))
  }

  /** What a handler throws must not end in the socket's hands, where it would look like the upstream's fault. */
  #failBug(bug: unknown): void {
    this.abort()
    this.#handler.onError(GatewayError.from(bug))
  }

  #end(): void {
    this.#over = true
    this.#early = undefined
    this.body = undefined
    clearTimeout(this.#headTimer)
  }
}

function onHeadTimeout(call: Http1Call): void {
  call.onHeadTimeout()
}

/** Methods whose requests are not expected to have a body: no length is announced for none (RFC 9110 8.6). */
const WITHOUT_BODY = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'DELETE', 'CONNECT'])

/**
 * The head as text. The length of a whole body is what it is; that of a streamed one is what the headers announce, or
 * it goes in chunks.
 */
function headOf(request: UpstreamRequest): { head: string; announcedBytes: number | undefined } | GatewayError {
  const { method, target, rawHeaders, body } = request
  try {
    let lines = requestLine(method, target)
    let announced: string | undefined
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i] as string
      const value = rawHeaders[i + 1] as string
      if (name.length === 14 && name.toLowerCase() === 'content-length') announced = value
      else lines += headerLine(name, value)
    }
    const length = body === 'stream' ? announced : lengthOf(method, body)
    if (length !== undefined) lines += headerLine('content-length', length)
    if (body === 'stream' && announced === undefined) lines += 'transfer-encoding: chunked\r\n'
    return { head: `${lines}\r\n`, announcedBytes: announced === undefined ? undefined : Number(announced) }
  } catch (cause) {
    return new GatewayError('invalid_request', 'the request cannot be sent on', { cause })
  }
}

function lengthOf(method: string, body: readonly Uint8Array[] | undefined): string | undefined {
  if (body === undefined) return WITHOUT_BODY.has(method) ? undefined : '0'
  let length = 0
  for (const piece of body) length += piece.length
  return `${length}`
}
