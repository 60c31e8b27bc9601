import type { AttributeValue, ReceivedSpan } from './received-span.ts'

/** A request that is no OTLP. */
export class NotOtlp extends Error {}

/** Values may nest; a sender that nests deeper than this means harm. */
const MAX_DEPTH = 32
/** By OTLP's numbers. */
const KINDS = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'] as const
const STATUSES = ['unset', 'ok', 'error'] as const

type Json = { readonly [key: string]: unknown }
type Attribute = ReceivedSpan['attributes'][number]

function asObject(value: unknown): Json {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Json) : {}
}

function asObjects(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(asObject) : []
}

/** The spans of an ExportTraceServiceRequest (OTLP specification, "JSON Protobuf Encoding"). @throws NotOtlp */
export function spansOfJson(body: string): ReceivedSpan[] {
  let request: unknown
  try {
    request = JSON.parse(body)
  } catch {
    throw new NotOtlp('not JSON')
  }
  return asObjects(asObject(request)['resourceSpans']).flatMap((resourceSpans) => {
    const service = serviceOf(attributesOf(asObject(resourceSpans['resource'])['attributes'], 0))
    return asObjects(resourceSpans['scopeSpans']).flatMap((scopeSpans) =>
      asObjects(scopeSpans['spans']).map((span) => spanOf(span, service)),
    )
  })
}

function serviceOf(attributes: readonly Attribute[]): string {
  return String(attributes.find(({ key }) => key === 'service.name')?.value ?? '')
}

function spanOf(span: Json, service: string): ReceivedSpan {
  const text = (key: string): string => String(span[key] ?? '')
  const status = asObject(span['status'])
  return {
    traceId: text('traceId').toLowerCase(),
    spanId: text('spanId').toLowerCase(),
    parentSpanId: text('parentSpanId').toLowerCase(),
    name: text('name'),
    kind: KINDS[Number(span['kind'])] ?? 'internal',
    startNs: nanoseconds(span['startTimeUnixNano']),
    endNs: nanoseconds(span['endTimeUnixNano']),
    status: STATUSES[Number(status['code'])] ?? 'unset',
    statusMessage: String(status['message'] ?? ''),
    service,
    attributes: attributesOf(span['attributes'], 0),
  }
}

function nanoseconds(value: unknown): bigint {
  return /^\d{1,20}$/.test(String(value)) ? BigInt(String(value)) : 0n
}

function attributesOf(value: unknown, depth: number): Attribute[] {
  return asObjects(value).map((entry) => ({
    key: String(entry['key'] ?? ''),
    value: anyValueOf(asObject(entry['value']), depth),
  }))
}

function anyValueOf(any: Json, depth: number): AttributeValue {
  if (depth > MAX_DEPTH) throw new NotOtlp('values are nested too deeply')
  if (any['intValue'] !== undefined) {
    const digits = String(any['intValue'])
    return Number.isSafeInteger(Number(digits)) ? Number(digits) : digits
  }
  if (any['arrayValue'] !== undefined) {
    return asObjects(asObject(any['arrayValue'])['values']).map((value) => anyValueOf(value, depth + 1))
  }
  if (any['kvlistValue'] !== undefined) {
    const entries = attributesOf(asObject(any['kvlistValue'])['values'], depth + 1)
    return Object.fromEntries(entries.map((entry) => [entry.key, entry.value]))
  }
  const scalar = any['stringValue'] ?? any['boolValue'] ?? any['doubleValue'] ?? any['bytesValue'] ?? null
  return typeof scalar === 'object' ? null : (scalar as AttributeValue)
}
