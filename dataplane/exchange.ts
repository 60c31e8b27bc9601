import type { BackendResource, ListenerResource, RouteResource } from '../contract/snapshot.ts'
import type { GatewayError } from './fault.ts'

/**
 * The record of one request and its answer. Its sections are set once, by the part that owns them, in the order in
 * which they are declared here; after `outcome` is set nothing changes any more, and telemetry is a pure function of
 * it. All times are readings of runtime/clock's `nowMs`.
 */
export class Exchange {
  readonly startMs: number
  /** Set by http, from the request's head. */
  readonly request: RequestFacts
  /** Set by http: the listener that took the request; absent when no listener is there for the host. */
  listener: ListenerResource | undefined
  /** Set by telemetry, when the request is sampled. */
  trace: TraceContext | undefined
  /** Set by telemetry: what of the bodies somebody will read. */
  capture: Capture = NO_CAPTURE
  /** Set by http, from the routing tables. */
  route: RouteResource | undefined
  /** Set by http: the chosen backend. */
  backend: BackendResource | undefined
  /** Added by http, one for each try at an upstream, in order. */
  readonly attempts: Attempt[] = []
  /** Set by llm, on AI backends. */
  llm: LlmFacts | undefined
  /** Set by http, when the head of the answer is sent. */
  response: ResponseFacts | undefined
  /** Set by http, last. */
  outcome: Outcome | undefined

  constructor(startMs: number, request: RequestFacts) {
    this.startMs = startMs
    this.request = request
  }
}

export interface RequestFacts {
  readonly method: string
  /** Path and query as received. */
  readonly target: string
  readonly path: string
  /** The Host header without its port, lower case; empty when there was none. */
  readonly host: string
  /** The Host header as received. */
  readonly authority: string
  readonly scheme: 'http' | 'https'
  /** `1.1`, `1.0`. */
  readonly httpVersion: string
  /** Names and values in turn, as received. */
  readonly rawHeaders: readonly string[]
  readonly peer: SocketAddress
  readonly local: SocketAddress
  /** Bytes of the body that were received so far. */
  bodyBytes: number
  /** The collected body, kept only where `capture.requestBody` asks for it. */
  body: Uint8Array | undefined
}

export interface SocketAddress {
  readonly address: string
  readonly port: number
}

/** What some expression, preset or filter will read of the messages; nothing else is parsed or kept. */
export interface Capture {
  readonly prompt: boolean
  readonly completion: boolean
  readonly toolCalls: boolean
  readonly params: boolean
  readonly requestBody: boolean
  readonly responseBody: boolean
}

export const NO_CAPTURE: Capture = {
  prompt: false,
  completion: false,
  toolCalls: false,
  params: false,
  requestBody: false,
  responseBody: false,
}

/** The context of the exchange's root span. Ids are lower-case hex. */
export interface TraceContext {
  readonly traceId: string
  readonly spanId: string
  /** The caller's span, when the caller sent a context. */
  readonly parentSpanId: string | undefined
  /** W3C trace flags as they are sent on. */
  readonly flags: number
  readonly traceState: string | undefined
  /** Whether a span is made and exported. In profile `semconv` a context exists without one. */
  readonly exported: boolean
}

/** One try at one upstream. */
export interface Attempt {
  /** `host:port` as the backend names it, whatever `--connect-to` made of it. */
  readonly endpoint: string
  readonly host: string
  readonly port: number
  readonly method: string
  /** 16 hex digits. */
  readonly spanId: string
  readonly startMs: number
  /** When the answer's head came. */
  headMs: number | undefined
  endMs: number | undefined
  status: number | undefined
  error: GatewayError | undefined
}

/** What is known of a model call; counts are absent when the provider did not say. */
export interface LlmFacts {
  /** weir's short name: `openai`, `gemini` … */
  readonly provider: string
  /** The model that the client asked for; may be empty; undefined when the body named none. */
  readonly requestModel: string | undefined
  /** The model that was asked of the provider. */
  upstreamModel: string | undefined
  readonly streaming: boolean
  /** `chat` and such: the operation names of the GenAI conventions. */
  readonly operation: string
  responseModel: string | undefined
  responseId: string | undefined
  finishReasons: string[]
  serviceTier: string | undefined
  inputTokens: number | undefined
  outputTokens: number | undefined
  totalTokens: number | undefined
  cachedInputTokens: number | undefined
  cacheCreationInputTokens: number | undefined
  reasoningTokens: number | undefined
  inputAudioTokens: number | undefined
  outputAudioTokens: number | undefined
  /** Streams: when the first event that carried a choice was received. */
  firstTokenMs: number | undefined
  /** Present where `capture` asks for them. */
  prompt: readonly ChatMessage[] | undefined
  completion: readonly string[] | undefined
  toolCalls: readonly ToolCall[] | undefined
  /** `temperature`, `top_p`, `max_tokens` …: only what the client sent. */
  params: ChatParams | undefined
}

export interface ChatMessage {
  readonly role: string
  readonly content: string
}

export interface ToolCall {
  readonly id: string
  readonly name: string
  readonly arguments: string
}

/** Ints are bigint, doubles number, as CEL has them. */
export type ChatParams = { readonly [name: string]: number | bigint | string }

export interface ResponseFacts {
  readonly status: number
  readonly rawHeaders: readonly string[]
  /** When the head was handed to the socket. */
  readonly headMs: number
  bodyBytes: number
  body: Uint8Array | undefined
}

export interface Outcome {
  /** When the last byte of the answer was handed to the socket, or when it became clear that it never will be. */
  readonly endMs: number
  /** The gateway itself failed to serve the request. */
  readonly error: GatewayError | undefined
  /** The answer was not sent whole: who cut it. */
  readonly cut: 'downstream' | 'upstream' | undefined
}

/**
 * What telemetry is to the rest of the data plane. One recorder belongs to one generation of the telemetry
 * configuration; an exchange stays with the one that it began with.
 */
export interface Recorder {
  /** The request's head is known and nothing has been sent: reads the caller's context, samples, sets `trace` and `capture`. */
  begin(exchange: Exchange): void
  /**
   * Trace headers (names and values in turn) to put on this attempt's request in place of the ones that came in;
   * undefined: the caller's headers pass untouched.
   */
  contextHeaders(exchange: Exchange, attempt: Attempt): readonly string[] | undefined
  /** `outcome` is set: makes spans, log line and samples. Never throws, never waits. */
  end(exchange: Exchange): void
}
