import type { SocketAddress } from '../exchange.ts'
import type { GatewayError } from '../fault.ts'

/**
 * The door between policy code and sockets, both ways. Policy code sees heads as raw header arrays, bodies as bytes,
 * and callbacks; no socket, no stream, no promise per chunk. Backpressure is pause/resume,
 * cancellation one abort with a reason. Trailers pass; nothing here knows which HTTP version the socket speaks.
 */

export interface RequestHead {
  readonly method: string
  /** Path and query as received. */
  readonly target: string
  /** `1.1`, `1.0`. */
  readonly httpVersion: string
  /** Names and values in turn, as received. */
  readonly rawHeaders: readonly string[]
}

/** Receives a body. `onEnd` comes once; after `onAbort` nothing comes. */
export interface BodySink {
  onData(chunk: Uint8Array): void
  onEnd(trailers: readonly string[]): void
  /** The body will never be whole: the client left, or sent what is not HTTP. */
  onAbort(): void
}

/** A request that came in, and the way to answer it. */
export interface InboundRequest {
  readonly head: RequestHead
  readonly peer: SocketAddress
  readonly local: SocketAddress
  /** The port in the manifest, whatever `--port-map` made of it. */
  readonly listenerPort: number
  readonly encrypted: boolean
  /** SNI, lower case. */
  readonly serverName: string | undefined
  /** Bytes of the body as the client announced them; 0: there is none; undefined: a body of unknown length. */
  readonly bodyLength: number | undefined
  readonly reply: Reply
  /**
   * Starts the delivery of the body (and tells a client that asked for it to continue). Called at most once; of a body
   * that nobody receives a bounded part is read and thrown away, then the connection is closed.
   */
  receive(sink: BodySink): void
  pause(): void
  resume(): void
}

/** The answer to one request. Calls after the end or after the client left do nothing. */
export interface Reply {
  readonly headSent: boolean
  /**
   * Announces the answer, once. Goes out together with the first body bytes; without them at the end of this turn of
   * the event loop, unless the body's length is known and its first bytes will follow.
   */
  head(status: number, rawHeaders: readonly string[]): void
  /** @returns false when the client is slower than we are: stop until `onDrain` */
  write(chunk: Uint8Array): boolean
  end(chunk?: Uint8Array, trailers?: readonly string[]): void
  /** Cuts the connection: the client must not take what it has for a whole answer. */
  destroy(): void
  onDrain: (() => void) | undefined
  /** Called once: the answer's last byte was handed to the socket (`sent`), or the client left or was cut (`gone`). */
  onDone: ((how: 'sent' | 'gone') => void) | undefined
}

export interface UpstreamRequest {
  readonly method: string
  readonly target: string
  /** Names and values in turn, Host included; no hop-by-hop headers. The length of a whole body is put in. */
  readonly rawHeaders: readonly string[]
  /** The pieces of a whole one, none, or a stream that the caller writes by the call's `write` and `endBody`. */
  readonly body: readonly Uint8Array[] | 'stream' | undefined
  /** Milliseconds until the answer's head must be there; 0 or absent: no limit. */
  readonly headTimeoutMs?: number
}

/** Hears of one upstream request. After `onError` or `onEnd` nothing comes; exactly one of the two does. */
export interface UpstreamHandler {
  onHead(status: number, rawHeaders: readonly string[]): void
  onData(chunk: Uint8Array): void
  onEnd(trailers: readonly string[]): void
  /** Nothing (more) will come. Before `onHead` nothing of an answer was received. */
  onError(error: GatewayError): void
  /** For `body: 'stream'`: the upstream takes more. */
  onDrain?(): void
}

export interface UpstreamCall {
  /** Ends the request, running or still queued. The handler hears nothing of it. */
  abort(): void
  pause(): void
  resume(): void
  write(chunk: Uint8Array): boolean
  endBody(trailers?: readonly string[]): void
}

/** Connections to one endpoint. */
export interface Upstream {
  /** `host:port` as the backend names it. */
  readonly address: string
  readonly host: string
  readonly port: number
  send(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall
}
