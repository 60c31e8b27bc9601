import type { Exchange, Recorder } from '../exchange.ts'
import type { ErrorDialect, GatewayError } from '../fault.ts'
import type { InboundRequest, RequestHead } from './transport.ts'

/** One request on its way to the backend that routing chose. */
export interface Call {
  readonly exchange: Exchange
  readonly inbound: InboundRequest
  readonly recorder: Recorder
  /** The request's head after the filters of rule and backendRef; hop-by-hop headers are gone. */
  readonly head: RequestHead
  /** From the rule's timeouts; 0: none. `requestMs` is kept by http itself, `attemptMs` (backendRequest) by the relay. */
  readonly attemptMs: number
  /** Applied to the head of every answer that comes from an upstream. */
  filterResponse(rawHeaders: readonly string[]): readonly string[]
  /** Answers with an error in the handler's dialect (or cuts the answer when its head is out). */
  fail(error: GatewayError): void
  /**
   * Has `action` called once when nothing more is wanted: the request failed, its answer is out, or the client left.
   * Abort what still runs, give back what was held. It comes before the exchange's outcome is set; at once when that
   * point is passed already.
   */
  whenOver(action: () => void): void
  /**
   * Keeps the exchange from `recorder.end` until the returned function is called (again: without effect), for facts
   * that come later than the answer. The client waits for nothing.
   */
  holdRecord(): () => void
}

/** What serves a backend: llm, mcp or service. */
export interface Handler {
  readonly errors: ErrorDialect
  handle(call: Call): void
}
