/** What an attribute can hold. An int beyond 2^53 is its digits, bytes are base64. */
export type AttributeValue =
  | null
  | string
  | number
  | boolean
  | readonly AttributeValue[]
  | { readonly [key: string]: AttributeValue }

/** A span as it was received. Ids are lower-case hex; `parentSpanId` is empty for a root. */
export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly name: string
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer'
  /** Nanoseconds since 1970. */
  readonly startNs: bigint
  readonly endNs: bigint
  readonly status: 'unset' | 'ok' | 'error'
  readonly statusMessage: string
  /** `service.name` of the resource. */
  readonly service: string
  /** In the order of the message. */
  readonly attributes: readonly { readonly key: string; readonly value: AttributeValue }[]
}

/** All spans received of one trace, in the order in which they came. */
export interface ReceivedTrace {
  readonly traceId: string
  readonly spans: readonly ReceivedSpan[]
}
