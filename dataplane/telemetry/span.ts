import type { Attributes } from './attributes.ts'

/** OTLP's SpanKind numbers. */
export const SpanKind = { internal: 1, server: 2, client: 3 } as const
export type SpanKind = (typeof SpanKind)[keyof typeof SpanKind]

/** OTLP's StatusCode numbers. */
export const StatusCode = { unset: 0, ok: 1, error: 2 } as const
export type StatusCode = (typeof StatusCode)[keyof typeof StatusCode]

/** A finished span as it will be encoded. Ids are lower-case hex; times are milliseconds since 1970 with fractions. */
export interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly traceState: string | undefined
  /** W3C trace flags in the low byte. */
  readonly flags: number
  /** Whether the parent is in another process (OTLP's IS_REMOTE bits); meaningless without a parent. */
  readonly parentIsRemote: boolean
  readonly name: string
  readonly kind: SpanKind
  readonly startEpochMs: number
  readonly endEpochMs: number
  readonly attributes: Attributes
  readonly status: StatusCode
  readonly statusMessage: string
  readonly links: readonly SpanLink[]
}

export interface SpanLink {
  readonly traceId: string
  readonly spanId: string
  readonly traceState: string | undefined
  /** W3C trace flags in the low byte. */
  readonly flags: number
  /** Whether the linked span is in another process. */
  readonly isRemote: boolean
}
