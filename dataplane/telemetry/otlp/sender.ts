import type { OtlpEndpoint } from '../../../contract/otlp-endpoint.ts'
import type { ConnectTo } from '../../../runtime/connect-to.ts'

/** One try at delivering a request: what came of it. Causes are for people and hold no secret. */
export type SendResult =
  | { readonly kind: 'accepted' }
  /** The receiver took the request but not all of its spans. */
  | { readonly kind: 'partial'; readonly rejectedSpans: number; readonly cause: string }
  /** Trying again would not help. */
  | { readonly kind: 'refused'; readonly cause: string }
  /** Trying again may help, after `delayMs` where the receiver said when. */
  | { readonly kind: 'failed'; readonly cause: string; readonly delayMs: number | undefined }

/** A way to the receiver of one exporter. */
export interface Sender {
  /** Never rejects. Several requests may be on their way at once. */
  send(request: Uint8Array): Promise<SendResult>
  /** Cuts what is on its way. */
  close(): void
}

/** All that a sender has to know; plain data, so that it can be handed to the worker thread. */
export interface SenderSettings {
  readonly endpoint: OtlpEndpoint
  readonly headers: readonly { readonly name: string; readonly value: string }[]
  readonly connectTo: readonly ConnectTo[]
  readonly userAgent: string
  readonly timeouts: SendTimeouts
}

export interface SendTimeouts {
  readonly connectMs: number
  /** From the connection to the last byte of the answer. */
  readonly sendMs: number
}

/** When to try again, and for how long. */
export interface RetrySettings {
  readonly initialDelayMs: number
  readonly maxDelayMs: number
  /** From the first try on; then the batch is given up. 0: one try. */
  readonly maxTimeMs: number
}

export const DEFAULT_TIMEOUTS: SendTimeouts = { connectMs: 1000, sendMs: 5000 }

/** Answers are a few bytes; more than this is not read. */
export const MAX_ANSWER_BYTES = 64 * 1024

/** What came of a request that was answered as OTLP says. */
export function acceptedOr(response: { readonly rejectedSpans: number; readonly message: string }): SendResult {
  if (response.rejectedSpans === 0) return { kind: 'accepted' }
  const { rejectedSpans, message } = response
  return { kind: 'partial', rejectedSpans, cause: `${rejectedSpans} spans rejected: ${message}` }
}
