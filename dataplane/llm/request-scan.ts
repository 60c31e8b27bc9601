import type { ChatParams } from '../exchange.ts'
import { GatewayError } from '../fault.ts'
import { QUOTE, skipSpace, stringText } from './json/json-bytes.ts'
import { KeyTable } from './json/key-table.ts'
import { MemberReader } from './json/member-reader.ts'

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

/** No model's name, and no number that means anything, is longer. */
const MAX_TEXT_BYTES = 1024
/** A body that says its model oftener than this is made to confuse somebody. */
const MAX_MODELS = 8

/** The members that are looked at; those that are parameters with their type. */
const MEMBERS = new KeyTable({
  model: 'model',
  stream: 'stream',
  stream_options: 'streamOptions',
  messages: 'messages',
  temperature: { name: 'temperature', type: 'double' },
  top_p: { name: 'top_p', type: 'double' },
  frequency_penalty: { name: 'frequency_penalty', type: 'double' },
  presence_penalty: { name: 'presence_penalty', type: 'double' },
  seed: { name: 'seed', type: 'int' },
  max_tokens: { name: 'max_tokens', type: 'int' },
  max_completion_tokens: { name: 'max_completion_tokens', type: 'int' },
  dimensions: { name: 'dimensions', type: 'int' },
  encoding_format: { name: 'encoding_format', type: 'text' },
} as const)
const INCLUDE_USAGE = new KeyTable({ include_usage: true })

interface Param {
  readonly name: string
  readonly type: 'double' | 'int' | 'text'
}

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
    const member = reader.lookUp(MEMBERS)
    if (member === undefined) continue
    if (member === 'model') models.push(value)
    else if (member === 'stream') stream = isTrue(body, value)
    else if (member === 'streamOptions') streamOptions = value
    else if (member === 'messages') messages = value
    else setParam(params, member, body, value)
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
  if (value === undefined || isWord(body, value, 'null')) return undefined
  if (value.end - value.start > MAX_TEXT_BYTES) {
    return new GatewayError('invalid_request', `'model' is longer than ${MAX_TEXT_BYTES} bytes`)
  }
  return textOf(body, value) ?? new GatewayError('invalid_request', "'model' must be a string")
}

function streamOptionsPlace(body: Buffer, value: Range): StreamOptionsPlace {
  const reader = new MemberReader(body, value.start, value.end)
  let hasMembers = false
  let includeUsageValue: Range | undefined
  while (reader.next()) {
    hasMembers = true
    if (reader.lookUp(INCLUDE_USAGE) === true) includeUsageValue = { start: reader.valueStart, end: reader.valueEnd }
  }
  const kind = reader.end >= 0 ? 'object' : isWord(body, value, 'null') ? 'null' : 'other'
  return { value, kind, hasMembers, includeUsageValue }
}

function isTrue(body: Buffer, value: Range | undefined): boolean {
  return value !== undefined && isWord(body, value, 'true')
}

function isWord(body: Buffer, { start, end }: Range, word: string): boolean {
  return end - start === word.length && body.toString('latin1', start, end) === word
}

/** What has another type, or is endless, is the provider's to complain about: it is left out. */
function setParam(
  params: { [name: string]: number | bigint | string },
  { name, type }: Param,
  body: Buffer,
  at: Range,
): void {
  const short = at.end - at.start <= MAX_TEXT_BYTES
  const value = !short ? undefined : type === 'text' ? textOf(body, at) : numberOf(body, at)
  if (value === undefined || value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) {
    delete params[name]
  } else if (type !== 'int') params[name] = value
  else if (Number.isSafeInteger(value)) params[name] = BigInt(value)
  else delete params[name]
}

function textOf(body: Buffer, value: Range): string | undefined {
  return body[value.start] === QUOTE ? stringText(body, value.start + 1, value.end - 1) : undefined
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
