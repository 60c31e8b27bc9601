import type { ChatParams } from '../exchange.ts'
import { GatewayError } from '../fault.ts'
import { QUOTE, skipSpace, stringText } from './json-bytes.ts'
import { MemberReader } from './member-reader.ts'

/** A part of the body, by offsets in bytes. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** What the gateway needs to know of a chat completion request. */
export interface RequestScan {
  /** Undefined when the body names none, or null. */
  readonly model: string | undefined
  /** Where model values stand; more than one when the key is there more than once. */
  readonly modelValues: readonly Range[]
  readonly stream: boolean
  /** `stream_options.include_usage` is true. */
  readonly includeUsage: boolean
  readonly streamOptions: StreamOptionsPlace | undefined
  /** The value of `messages`. */
  readonly messages: Range | undefined
  readonly params: ChatParams
  /** The offset behind the opening brace. */
  readonly bodyStart: number
  readonly hasMembers: boolean
}

/** Where `stream_options` stands, for whoever will change it. */
export interface StreamOptionsPlace {
  readonly value: Range
  readonly kind: 'object' | 'null' | 'other'
  readonly hasMembers: boolean
  /** The value of `include_usage` inside of it. */
  readonly includeUsageValue: Range | undefined
}

/** A body that says its model oftener than this is made to confuse somebody. */
const MAX_MODELS = 8
const DOUBLES = new Set(['temperature', 'top_p', 'frequency_penalty', 'presence_penalty'])
const INTEGERS = new Set(['seed', 'max_tokens', 'max_completion_tokens', 'dimensions'])
const TEXTS = new Set(['encoding_format'])

/**
 * Reads a chat completion request without parsing it: only the members of the outermost object are looked at, what is
 * inside of their values is skipped. A key that is there twice counts as JSON.parse has it: the last one.
 * @returns `invalid_request` when the body is no JSON object, with the offset at which it stops being one
 */
export function scanRequest(body: Buffer): RequestScan | GatewayError {
  const reader = new MemberReader(body, 0, body.length)
  const bodyStart = skipSpace(body, 0, body.length) + 1
  const models: Range[] = []
  const params: { [name: string]: number | bigint | string } = {}
  let hasMembers = false
  let stream = false
  let streamOptions: Range | undefined
  let messages: Range | undefined
  while (reader.next()) {
    hasMembers = true
    const value = { start: reader.valueStart, end: reader.valueEnd }
    const key = reader.key()
    if (key === 'model') models.push(value)
    else if (key === 'stream') stream = body.toString('latin1', value.start, value.end) === 'true'
    else if (key === 'stream_options') streamOptions = value
    else if (key === 'messages') messages = value
    else setParam(params, key, body, value)
    if (models.length > MAX_MODELS) return new GatewayError('invalid_request', "the key 'model' is there too often")
  }
  if (reader.faultAt >= 0) return invalidJson(reader.faultAt, body)
  const rest = skipSpace(body, reader.end, body.length)
  if (rest < body.length) return invalidJson(rest, body)
  const model = modelOf(body, models.at(-1))
  if (model instanceof GatewayError) return model
  const place = streamOptions === undefined ? undefined : streamOptionsPlace(body, streamOptions)
  return {
    model,
    modelValues: models,
    stream,
    includeUsage: isTrue(body, place?.includeUsageValue),
    streamOptions: place,
    messages,
    params: withOneName(params),
    bodyStart,
    hasMembers,
  }
}

function invalidJson(at: number, body: Buffer): GatewayError {
  const what = at >= body.length ? 'it ends too early' : 'a JSON object is expected'
  return new GatewayError('invalid_request', `invalid JSON at byte ${at}: ${what}`)
}

function modelOf(body: Buffer, value: Range | undefined): string | undefined | GatewayError {
  if (value === undefined || body.toString('latin1', value.start, value.end) === 'null') return undefined
  const text = body[value.start] === QUOTE ? stringText(body, value.start + 1, value.end - 1) : undefined
  return text ?? new GatewayError('invalid_request', "'model' must be a string")
}

function streamOptionsPlace(body: Buffer, value: Range): StreamOptionsPlace {
  const reader = new MemberReader(body, value.start, value.end)
  let hasMembers = false
  let includeUsageValue: Range | undefined
  while (reader.next()) {
    hasMembers = true
    if (reader.key() === 'include_usage') includeUsageValue = { start: reader.valueStart, end: reader.valueEnd }
  }
  const isNull = body.toString('latin1', value.start, value.end) === 'null'
  const kind = reader.end >= 0 ? 'object' : isNull ? 'null' : 'other'
  return { value, kind, hasMembers, includeUsageValue }
}

function isTrue(body: Buffer, value: Range | undefined): boolean {
  return value !== undefined && body.toString('latin1', value.start, value.end) === 'true'
}

/** Numbers that are no numbers, and texts that are none, are the provider's to complain about: they are left out. */
function setParam(params: { [name: string]: number | bigint | string }, key: string, body: Buffer, value: Range): void {
  if (TEXTS.has(key)) {
    const text = body[value.start] === QUOTE ? stringText(body, value.start + 1, value.end - 1) : undefined
    if (text === undefined) delete params[key]
    else params[key] = text
    return
  }
  if (!DOUBLES.has(key) && !INTEGERS.has(key)) return
  const number = numberOf(body, value)
  if (number === undefined || !Number.isFinite(number)) delete params[key]
  else if (DOUBLES.has(key)) params[key] = number
  else if (Number.isSafeInteger(number)) params[key] = BigInt(number)
  else delete params[key]
}

function numberOf(body: Buffer, value: Range): number | undefined {
  const first = body[value.start]
  const isNumber = first === 0x2d || (first !== undefined && first >= 0x30 && first <= 0x39)
  return isNumber ? Number(body.toString('latin1', value.start, value.end)) : undefined
}

/** `max_completion_tokens` is the newer name of `max_tokens`; what reads parameters knows the one. */
function withOneName(params: { [name: string]: number | bigint | string }): ChatParams {
  const { max_completion_tokens: newer, ...rest } = params
  if (newer === undefined || rest['max_tokens'] !== undefined) return rest
  return { ...rest, max_tokens: newer }
}
