import { MalformedProtobuf, ProtobufReader } from './protobuf-reader.ts'

/** What a receiver said of a request that it took. */
export interface ExportResponse {
  readonly rejectedSpans: number
  readonly message: string
}

/** Reads an ExportTraceServiceResponse in protobuf. @returns nothing when the bytes are none */
export function parseProtobufResponse(body: Uint8Array): ExportResponse | undefined {
  return unlessMalformed(() => {
    let response: ExportResponse = { rejectedSpans: 0, message: '' }
    const reader = new ProtobufReader(body)
    while (!reader.done) {
      const tag = reader.tag()
      if (tag === 0x0a) response = readPartialSuccess(reader.message())
      else reader.skip(tag)
    }
    return response
  })
}

/** ExportTracePartialSuccess{1: int64 rejected_spans, 2: string error_message} */
function readPartialSuccess(reader: ProtobufReader): ExportResponse {
  let rejectedSpans = 0
  let message = ''
  while (!reader.done) {
    const tag = reader.tag()
    if (tag === 0x08) rejectedSpans = Math.max(0, Number(reader.int64()))
    else if (tag === 0x12) message = reader.string()
    else reader.skip(tag)
  }
  return { rejectedSpans, message }
}

/**
 * Reads an ExportTraceServiceResponse in OTLP/JSON. Receivers that have nothing to say and a JSON library say `null`.
 * @returns nothing when the text is no response
 */
export function parseJsonResponse(text: string): ExportResponse | undefined {
  if (text.trim() === 'null') return { rejectedSpans: 0, message: '' }
  const response = parseJsonObject(text)
  if (response === undefined) return undefined
  const partial = response['partialSuccess'] ?? response['partial_success']
  if (partial === undefined || partial === null) return { rejectedSpans: 0, message: '' }
  if (typeof partial !== 'object') return undefined
  const fields = partial as { [key: string]: unknown }
  const rejectedSpans = Number(fields['rejectedSpans'] ?? fields['rejected_spans'] ?? 0)
  if (!Number.isSafeInteger(rejectedSpans) || rejectedSpans < 0) return undefined
  const message = fields['errorMessage'] ?? fields['error_message']
  return { rejectedSpans, message: typeof message === 'string' ? message : '' }
}

/** What a google.rpc.Status says (protobuf): the message, and the delay of a RetryInfo among its details. */
export interface RpcStatus {
  readonly message: string
  readonly retryDelayMs: number | undefined
}

/** Reads a google.rpc.Status in protobuf. @returns nothing when the bytes are none */
export function parseRpcStatus(bytes: Uint8Array): RpcStatus | undefined {
  return unlessMalformed(() => {
    let message = ''
    let retryDelayMs: number | undefined
    const reader = new ProtobufReader(bytes)
    while (!reader.done) {
      const tag = reader.tag()
      if (tag === 0x12) message = reader.string()
      else if (tag === 0x1a) retryDelayMs = readRetryDelay(reader.message()) ?? retryDelayMs
      else reader.skip(tag)
    }
    return { message, retryDelayMs }
  })
}

/** google.protobuf.Any{1: type_url, 2: value} with google.rpc.RetryInfo{1: Duration{1: seconds, 2: nanos}} in it. */
function readRetryDelay(any: ProtobufReader): number | undefined {
  let isRetryInfo = false
  let value: Uint8Array = new Uint8Array()
  while (!any.done) {
    const tag = any.tag()
    if (tag === 0x0a) isRetryInfo = any.string().endsWith('/google.rpc.RetryInfo')
    else if (tag === 0x12) value = any.bytes()
    else any.skip(tag)
  }
  if (!isRetryInfo) return undefined
  let delayMs = 0
  const info = new ProtobufReader(value)
  while (!info.done) {
    const tag = info.tag()
    if (tag === 0x0a) delayMs = readDurationMs(info.message())
    else info.skip(tag)
  }
  return delayMs
}

function readDurationMs(duration: ProtobufReader): number {
  let ms = 0
  while (!duration.done) {
    const tag = duration.tag()
    if (tag === 0x08) ms += Number(duration.int64()) * 1000
    else if (tag === 0x10) ms += duration.int32() / 1e6
    else duration.skip(tag)
  }
  return Math.max(0, ms)
}

/** The message of an error's body: google.rpc.Status in protobuf or JSON, else the text itself. */
export function errorMessageOf(contentType: string, body: Uint8Array): string {
  if (contentType.includes('protobuf')) return parseRpcStatus(body)?.message ?? ''
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
  const message = contentType.includes('json') ? parseJsonObject(text)?.['message'] : undefined
  return typeof message === 'string' ? message : text
}

function parseJsonObject(text: string): { [key: string]: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return value !== null && typeof value === 'object' && !Array.isArray(value)
      ? (value as { [key: string]: unknown })
      : undefined
  } catch {
    return undefined
  }
}

function unlessMalformed<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof MalformedProtobuf) return undefined
    throw error
  }
}
