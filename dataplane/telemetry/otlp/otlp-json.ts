import { MalformedProtobuf, ProtobufReader } from './protobuf-reader.ts'

/**
 * Rewrites an ExportTraceServiceRequest from protobuf to OTLP/JSON (OTLP specification, "JSON Protobuf Encoding"): ids in
 * hex, 64-bit integers as decimal strings, enums as numbers, lowerCamelCase keys, absent fields left out. It knows the
 * fields that weir writes; any other is an error, so that nothing gets lost on the way.
 */
export function traceRequestToJson(request: Uint8Array): string {
  return JSON.stringify(readMessage(new ProtobufReader(request), EXPORT_TRACE_SERVICE_REQUEST))
}

type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json }

interface Field {
  readonly name: string
  readonly repeated?: true
  read(reader: ProtobufReader): Json
}

/** By tag: field number × 8 + wire type. */
type Message = { readonly [tag: number]: Field }

function readMessage(reader: ProtobufReader, message: Message): Json {
  const object: { [key: string]: Json } = {}
  while (!reader.done) {
    const tag = reader.tag()
    const field = message[tag]
    if (field === undefined) throw new MalformedProtobuf(`a field with tag ${tag} is not known`)
    const value = field.read(reader)
    if (field.repeated) {
      object[field.name] ??= []
      const list = object[field.name] as Json[]
      list.push(value)
    } else {
      object[field.name] = value
    }
  }
  return object
}

const string = (name: string): Field => ({ name, read: (reader) => reader.string() })
const id = (name: string): Field => ({ name, read: (reader) => reader.bytes().toString('hex') })
const number = (name: string): Field => ({ name, read: (reader) => reader.int32() })
const time = (name: string): Field => ({ name, read: (reader) => reader.fixed64().toString() })
const flags: Field = { name: 'flags', read: (reader) => reader.fixed32() }
const one = (name: string, message: Message): Field => ({
  name,
  read: (reader) => readMessage(reader.message(), message),
})
const many = (name: string, message: Message): Field => ({ ...one(name, message), repeated: true })

/** Protobuf's JSON has words for the doubles that JSON cannot say. */
const doubleJson = (value: number): Json => (Number.isFinite(value) ? value : String(value))

const ANY_VALUE: { [tag: number]: Field } = {
  10: string('stringValue'),
  16: { name: 'boolValue', read: (reader) => reader.uint64() !== 0n },
  24: { name: 'intValue', read: (reader) => reader.int64().toString() },
  33: { name: 'doubleValue', read: (reader) => doubleJson(reader.double()) },
}
ANY_VALUE[42] = one('arrayValue', { 10: many('values', ANY_VALUE) })

const KEY_VALUE: Message = { 10: string('key'), 18: one('value', ANY_VALUE) }

const LINK: Message = { 10: id('traceId'), 18: id('spanId'), 26: string('traceState'), 53: flags }

const SPAN: Message = {
  10: id('traceId'),
  18: id('spanId'),
  26: string('traceState'),
  34: id('parentSpanId'),
  42: string('name'),
  48: number('kind'),
  57: time('startTimeUnixNano'),
  65: time('endTimeUnixNano'),
  74: many('attributes', KEY_VALUE),
  80: number('droppedAttributesCount'),
  106: many('links', LINK),
  122: one('status', { 18: string('message'), 24: number('code') }),
  133: flags,
}

const EXPORT_TRACE_SERVICE_REQUEST: Message = {
  10: many('resourceSpans', {
    10: one('resource', { 10: many('attributes', KEY_VALUE) }),
    18: many('scopeSpans', { 10: one('scope', { 10: string('name') }), 18: many('spans', SPAN) }),
  }),
}
