import type { AttributeKind, Attributes, AttributeValue } from '../attributes.ts'
import type { Span, SpanLink } from '../span.ts'
import { type ProtobufWriter, varintSize } from './protobuf-writer.ts'

/** What of a span is written at most. */
export interface SpanLimits {
  /** Attributes of one span; the rest is left out and counted, with what never came in, as `dropped_attributes_count`. */
  readonly attributes: number
  /** UTF-8 bytes of one string: a key, a value, an element of a list, the name, the status message. */
  readonly attributeBytes: number
}

/** Room for the fields of a span that have a fixed size, or for an attribute that is no string, beside its key. */
const FIXED_FIELDS = 128

/** Bits 8 and 9 of OTLP's span flags: that it is known whether the parent is remote, and that it is. */
const HAS_IS_REMOTE = 0x100
const IS_REMOTE = 0x200

const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n

/** Tag bytes of opentelemetry.proto.trace.v1.Span and of the messages in it. */
const SPANS = 0x12
const TRACE_ID = 0x0a
const SPAN_ID = 0x12
const TRACE_STATE = 0x1a
const PARENT_SPAN_ID = 0x22
const NAME = 0x2a
const KIND = 0x30
const START_TIME = 0x39
const END_TIME = 0x41
const ATTRIBUTES = 0x4a
const DROPPED_ATTRIBUTES = 0x50
const LINKS = 0x6a
const STATUS = 0x7a
const STATUS_MESSAGE = 0x12
const STATUS_CODE = 0x18
/** Field 16, whose tag takes two bytes. */
const FLAGS = [0x85, 0x01] as const
const LINK_FLAGS = 0x35
const KEY = 0x0a
const VALUE = 0x12
const STRING_VALUE = 0x0a
const BOOL_VALUE = 0x10
const INT_VALUE = 0x18
const DOUBLE_VALUE = 0x21
const ARRAY_VALUE = 0x2a
const ARRAY_VALUES = 0x0a

/**
 * Writes a finished span as one element of ScopeSpans.spans, fields in the order of their numbers, as the OpenTelemetry
 * SDK would send it. Once the writer is longer than `stopAt` bytes no more attributes are written: the caller is going
 * to throw the span away and must not be made to hold all of it first.
 */
export function writeSpan(writer: ProtobufWriter, span: Span, limits: SpanLimits, stopAt: number): void {
  writer.reserve(FIXED_FIELDS)
  const start = writer.open(SPANS, 2)
  writeIds(writer, span.traceId, span.spanId)
  if (span.traceState) writer.string(TRACE_STATE, span.traceState, limits.attributeBytes)
  writer.reserve(FIXED_FIELDS)
  if (span.parentSpanId) writeId(writer, PARENT_SPAN_ID, span.parentSpanId)
  writer.string(NAME, span.name, limits.attributeBytes)
  writer.reserve(FIXED_FIELDS)
  writer.byte(KIND)
  writer.byte(span.kind)
  writer.byte(START_TIME)
  writer.nanoseconds(span.startEpochMs)
  writer.byte(END_TIME)
  writer.nanoseconds(span.endEpochMs)
  writeAttributes(writer, span.attributes, limits, stopAt)
  for (const link of span.links) writeLink(writer, link, limits)
  writeStatus(writer, span, limits)
  writer.reserve(FIXED_FIELDS)
  writer.byte(FLAGS[0])
  writer.byte(FLAGS[1])
  writer.fixed32(flagsOf(span.flags, span.parentIsRemote))
  writer.close(start, 2)
}

function flagsOf(traceFlags: number, isRemote: boolean): number {
  return (traceFlags & 0xff) | HAS_IS_REMOTE | (isRemote ? IS_REMOTE : 0)
}

function writeIds(writer: ProtobufWriter, traceId: string, spanId: string): void {
  writeId(writer, TRACE_ID, traceId)
  writeId(writer, SPAN_ID, spanId)
}

function writeId(writer: ProtobufWriter, tag: number, id: string): void {
  writer.byte(tag)
  writer.byte(id.length >>> 1)
  writer.hex(id)
}

function writeLink(writer: ProtobufWriter, link: SpanLink, limits: SpanLimits): void {
  writer.reserve(FIXED_FIELDS)
  const start = writer.open(LINKS, 1)
  writeIds(writer, link.traceId, link.spanId)
  if (link.traceState) writer.string(TRACE_STATE, link.traceState, limits.attributeBytes)
  writer.reserve(FIXED_FIELDS)
  writer.byte(LINK_FLAGS)
  writer.fixed32(flagsOf(link.flags, link.isRemote))
  writer.close(start, 1)
}

/** An unset status without a message is an absent one. */
function writeStatus(writer: ProtobufWriter, span: Span, limits: SpanLimits): void {
  if (span.status === 0 && span.statusMessage === '') return
  writer.reserve(FIXED_FIELDS)
  const start = writer.open(STATUS, 1)
  if (span.statusMessage !== '') writer.string(STATUS_MESSAGE, span.statusMessage, limits.attributeBytes)
  writer.reserve(FIXED_FIELDS)
  writer.byte(STATUS_CODE)
  writer.byte(span.status)
  writer.close(start, 1)
}

function writeAttributes(writer: ProtobufWriter, attributes: Attributes, limits: SpanLimits, stopAt: number): void {
  const { keys, kinds, values } = attributes
  const kept = Math.min(keys.length, limits.attributes)
  for (let i = 0; i < kept && writer.length <= stopAt; i++) {
    const value = values[i] as AttributeValue
    writeAttribute(writer, ATTRIBUTES, keys[i] as string, kinds[i] as AttributeKind, value, limits, stopAt)
  }
  const dropped = attributes.dropped + keys.length - kept
  if (dropped === 0) return
  writer.reserve(FIXED_FIELDS)
  writer.byte(DROPPED_ATTRIBUTES)
  writer.varint(dropped)
}

/**
 * Writes one KeyValue as a field with that tag. A value that is not what its kind says is written as what it is; an
 * integer beyond int64 as its digits, so that nothing false is said.
 */
export function writeAttribute(
  writer: ProtobufWriter,
  tag: number,
  key: string,
  kind: AttributeKind,
  value: AttributeValue,
  limits: Pick<SpanLimits, 'attributeBytes'>,
  stopAt: number,
): void {
  if (typeof value === 'string') return writeString(writer, tag, key, value, limits.attributeBytes)
  if (typeof value === 'bigint' && (value < MIN_INT64 || value > MAX_INT64))
    return writeString(writer, tag, key, value.toString(), limits.attributeBytes)
  writer.reserve(FIXED_FIELDS)
  const start = writer.open(tag, 1)
  writer.string(KEY, key, limits.attributeBytes)
  writer.reserve(FIXED_FIELDS)
  const valueStart = writer.open(VALUE, 1)
  if (typeof value === 'object') {
    writeStrings(writer, value, limits, stopAt)
  } else if (typeof value === 'boolean') {
    writer.byte(BOOL_VALUE)
    writer.byte(value ? 1 : 0)
  } else if (typeof value === 'bigint' || (kind === 'int' && Number.isSafeInteger(value))) {
    writer.byte(INT_VALUE)
    writer.int64(value)
  } else {
    writer.byte(DOUBLE_VALUE)
    writer.double(value)
  }
  writer.close(valueStart, 1)
  writer.close(start, 1)
}

/** The most frequent attribute: its lengths are known before it is written, so that nothing has to be moved. */
function writeString(writer: ProtobufWriter, tag: number, key: string, text: string, limit: number): void {
  writer.reserve(FIXED_FIELDS + Math.min(3 * key.length, limit) + Math.min(3 * text.length, limit))
  const start = writer.length
  let keySize = key.length
  let textSize = text.length
  // Nearly all keys and values are ASCII, so their sizes are guessed; where a guess was wrong both are written again.
  for (;;) {
    const valueSize = 1 + varintSize(textSize) + textSize
    writer.byte(tag)
    writer.varint(2 + varintSize(keySize) + keySize + varintSize(valueSize) + valueSize)
    writer.byte(KEY)
    writer.varint(keySize)
    const keyWritten = writer.text(key, limit)
    writer.byte(VALUE)
    writer.varint(valueSize)
    writer.byte(STRING_VALUE)
    writer.varint(textSize)
    const textWritten = writer.text(text, limit)
    if (keyWritten === keySize && textWritten === textSize) return
    keySize = keyWritten
    textSize = textWritten
    writer.length = start
  }
}

function writeStrings(
  writer: ProtobufWriter,
  texts: readonly string[],
  limits: Pick<SpanLimits, 'attributeBytes'>,
  stopAt: number,
): void {
  const start = writer.open(ARRAY_VALUE, 1)
  for (const text of texts) {
    if (writer.length > stopAt) break
    writer.reserve(FIXED_FIELDS)
    const element = writer.open(ARRAY_VALUES, 1)
    writer.string(STRING_VALUE, text, limits.attributeBytes)
    writer.close(element, 1)
  }
  writer.close(start, 1)
}
