import { SCOPE_NAME } from '../../../contract/names.ts'
import type { Span } from '../span.ts'
import { ProtobufWriter, varintSize } from './protobuf-writer.ts'
import { type SpanLimits, writeAttribute, writeSpan } from './span-encoder.ts'

/** An attribute of the OTLP resource. */
export interface ResourceAttribute {
  readonly name: string
  readonly value: string
}

/** A finished ExportTraceServiceRequest and what is in it. */
export interface SealedBatch {
  /** They have a buffer of their own, of their size, that can be given away. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** How many bytes it had when it was sealed. */
  readonly size: number
  readonly exchanges: number
  readonly spans: number
}

/** Tag bytes of ExportTraceServiceRequest and of what is round the spans. */
const RESOURCE_SPANS = 0x0a
const RESOURCE = 0x0a
const RESOURCE_ATTRIBUTES = 0x0a
const SCOPE_SPANS = 0x12
const SCOPE = 0x0a
const SCOPE_NAME_FIELD = 0x0a

/** Two tags and two lengths, those of ResourceSpans and ScopeSpans, which are known only when the batch is sealed. */
const HEAD_BYTES = 2 * (1 + 5)
/** A batch of 512 spans with 22 attributes takes about this much. */
const USUAL_BYTES = 512 * 1024
/** Memory that an idle exporter keeps at most. */
const KEPT_BYTES = 8 * 1024 * 1024

/**
 * The spans of one exporter, written as they end into the bytes of the request that will carry them. The buffer is used
 * for one batch after the other, so that its memory stays warm.
 */
export class TraceBatch {
  readonly #limits: SpanLimits
  readonly #resource: Buffer
  readonly #scope: Buffer
  readonly #writer: ProtobufWriter
  /** Where the spans begin; before them is room for what is round them. */
  readonly #spansAt: number
  #exchanges = 0
  #spans = 0

  constructor(limits: SpanLimits, resource: readonly ResourceAttribute[]) {
    this.#limits = limits
    this.#resource = encodeResource(resource)
    this.#scope = encodeScope()
    this.#spansAt = HEAD_BYTES + this.#resource.length + this.#scope.length
    this.#writer = new ProtobufWriter(this.#spansAt + USUAL_BYTES)
    this.#writer.length = this.#spansAt
  }

  get exchanges(): number {
    return this.#exchanges
  }

  get spans(): number {
    return this.#spans
  }

  /** What the request takes now, rounded up by less than {@link HEAD_BYTES}; 0 when there is nothing to send. */
  get byteLength(): number {
    return this.#exchanges === 0 ? 0 : this.#writer.length
  }

  /**
   * Adds all spans of one exchange, or none.
   * @returns false when {@link byteLength} would become more than `maxBytes`
   */
  add(spans: readonly Span[], maxBytes: number): boolean {
    const writer = this.#writer
    const before = writer.length
    let fits = false
    try {
      for (const span of spans) {
        writeSpan(writer, span, this.#limits, maxBytes)
        if (writer.length > maxBytes) return false
      }
      fits = true
    } finally {
      if (!fits) writer.length = before
    }
    this.#exchanges++
    this.#spans += spans.length
    return true
  }

  /** The request, ready to send; the batch is empty afterwards. */
  seal(): SealedBatch {
    const { bytes, length } = this.#writer
    const scopeSpansSize = length - this.#spansAt + this.#scope.length
    const resourceSpansSize = this.#resource.length + 1 + varintSize(scopeSpansSize) + scopeSpansSize
    const start = HEAD_BYTES - (2 + varintSize(scopeSpansSize) + varintSize(resourceSpansSize))
    this.#writer.length = start
    this.#writer.byte(RESOURCE_SPANS)
    this.#writer.varint(resourceSpansSize)
    this.#writer.length += this.#resource.copy(bytes, this.#writer.length)
    this.#writer.byte(SCOPE_SPANS)
    this.#writer.varint(scopeSpansSize)
    this.#scope.copy(bytes, this.#writer.length)
    const sealed = {
      size: length - start,
      bytes: new Uint8Array(bytes.buffer.slice(start, length) as ArrayBuffer),
      exchanges: this.#exchanges,
      spans: this.#spans,
    }
    this.#writer.restart(this.#spansAt, this.#spansAt + KEPT_BYTES)
    this.#exchanges = 0
    this.#spans = 0
    return sealed
  }
}

/** The field ResourceSpans.resource. */
function encodeResource(attributes: readonly ResourceAttribute[]): Buffer {
  const writer = new ProtobufWriter(1024)
  const start = writer.open(RESOURCE, 2)
  const limits = { attributeBytes: Number.MAX_SAFE_INTEGER }
  for (const { name, value } of attributes)
    writeAttribute(writer, RESOURCE_ATTRIBUTES, name, 'string', value, limits, Number.MAX_SAFE_INTEGER)
  writer.close(start, 2)
  return writer.bytes.subarray(0, writer.length)
}

/** The field ScopeSpans.scope. */
function encodeScope(): Buffer {
  const writer = new ProtobufWriter(64)
  const start = writer.open(SCOPE, 1)
  writer.string(SCOPE_NAME_FIELD, SCOPE_NAME, Number.MAX_SAFE_INTEGER)
  writer.close(start, 1)
  return writer.bytes.subarray(0, writer.length)
}
