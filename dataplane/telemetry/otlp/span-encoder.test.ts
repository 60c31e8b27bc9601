import { SpanKind as ApiSpanKind, createTraceState } from '@opentelemetry/api'
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import fc from 'fast-check'
import {
  type DecodedSpan,
  decodeJsonRequest,
  decodeProtobufRequest,
  reencodeProtobufRequest,
} from '../../../test/support/otlp-decoding.ts'
import { anyAttributes, anySpan, anyText, attributesOf, sampleSpan } from '../../../test/support/otlp-spans.ts'
import { Attributes } from '../attributes.ts'
import type { Span } from '../span.ts'
import { traceRequestToJson } from './otlp-json.ts'
import { ProtobufWriter } from './protobuf-writer.ts'
import { writeSpan } from './span-encoder.ts'
import { TraceBatch } from './trace-batch.ts'

const NO_LIMITS = { attributes: 1000, attributeBytes: 1 << 20 }
const RESOURCE = [{ name: 'service.name', value: 'gâteau' }]

function encoded(spans: readonly Span[], limits = NO_LIMITS): Uint8Array {
  const batch = new TraceBatch(limits, RESOURCE)
  expect(batch.add(spans, Number.MAX_SAFE_INTEGER)).toBe(true)
  return batch.seal().bytes
}

function decoded(span: Partial<Span>, limits = NO_LIMITS): DecodedSpan {
  return decodeProtobufRequest(encoded([sampleSpan(span)], limits))[0] as DecodedSpan
}

/** Nanoseconds of a double of milliseconds, 0 or from 1 on, rounded to the nearest: exact, as it has 52 bits of fraction at most. */
function exactNanoseconds(ms: number): bigint {
  const whole = Math.floor(ms)
  const fraction = BigInt((ms - whole) * 2 ** 52)
  return BigInt(whole) * 1_000_000n + ((fraction * 1_000_000n + (1n << 51n)) >> 52n)
}

/** The same span as the SDK holds it. */
function sdkSpan(span: Span): ReadableSpan {
  const context = (one: { traceId: string; spanId: string; traceState: string | undefined; flags: number }) => ({
    traceId: one.traceId,
    spanId: one.spanId,
    traceFlags: one.flags,
    ...(one.traceState !== undefined && { traceState: createTraceState(one.traceState) }),
  })
  const hrTime = (ms: number): [number, number] => {
    const ns = exactNanoseconds(ms)
    return [Number(ns / 1_000_000_000n), Number(ns % 1_000_000_000n)]
  }
  const { keys, values } = span.attributes
  return {
    name: span.name,
    kind: [ApiSpanKind.INTERNAL, ApiSpanKind.SERVER, ApiSpanKind.CLIENT][span.kind - 1] as ApiSpanKind,
    spanContext: () => context(span),
    ...(span.parentSpanId !== undefined && {
      parentSpanContext: {
        traceId: span.traceId,
        spanId: span.parentSpanId,
        traceFlags: 1,
        isRemote: span.parentIsRemote,
      },
    }),
    startTime: hrTime(span.startEpochMs),
    endTime: hrTime(span.endEpochMs),
    status: { code: span.status, message: span.statusMessage },
    // Without a prototype, as `__proto__` is a key like any other.
    attributes: Object.assign(Object.create(null), Object.fromEntries(keys.map((key, i) => [key, values[i]]))),
    links: span.links.map((link) => ({ context: { ...context(link), isRemote: link.isRemote } })),
    events: [],
    duration: [0, 0],
    ended: true,
    resource: resourceFromAttributes(Object.fromEntries(RESOURCE.map(({ name, value }) => [name, value]))),
    instrumentationScope: { name: 'weir' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}

/** Objects order keys that look like array indexes first; the order is weir's own promise, tested below. */
function sortedAttributes(spans: readonly DecodedSpan[]): DecodedSpan[] {
  return spans.map((span) => ({
    ...span,
    attributes: [...span.attributes].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)),
  }))
}

describe('encoded spans', () => {
  it('decode to what the SDK sends for the same spans', () => {
    fc.assert(
      fc.property(fc.array(anySpan, { minLength: 1, maxLength: 4 }), (spans) => {
        const ours = decodeProtobufRequest(encoded(spans))
        const theirs = ProtobufTraceSerializer.serializeRequest(spans.map(sdkSpan)) as Uint8Array
        expect(sortedAttributes(ours)).toEqual(sortedAttributes(decodeProtobufRequest(theirs)))
      }),
      { numRuns: 300 },
    )
  })

  it('are, as JSON, what the SDK sends as JSON', () => {
    fc.assert(
      fc.property(fc.array(anySpan, { minLength: 1, maxLength: 3 }), (spans) => {
        const ours = decodeJsonRequest(traceRequestToJson(encoded(spans)))
        expect(ours).toEqual(decodeProtobufRequest(encoded(spans)))
        const theirs = JsonTraceSerializer.serializeRequest(spans.map(sdkSpan)) as Uint8Array
        const decodedTheirs = decodeJsonRequest(Buffer.from(theirs).toString())
        expect(sortedAttributes(withoutLostDoubles(ours))).toEqual(sortedAttributes(withoutLostDoubles(decodedTheirs)))
      }),
      { numRuns: 200 },
    )
  })

  it('are the bytes that a generated encoder writes', () => {
    fc.assert(
      fc.property(fc.array(anySpan, { minLength: 1, maxLength: 3 }), (spans) => {
        const bytes = encoded(spans)
        expect(Buffer.from(bytes).equals(reencodeProtobufRequest(bytes))).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  it('do not depend on the room that the writer began with', () => {
    fc.assert(
      fc.property(anySpan, fc.integer({ min: 1, max: 300 }), (span, capacity) => {
        const small = new ProtobufWriter(capacity)
        const large = new ProtobufWriter(1 << 20)
        writeSpan(small, span, NO_LIMITS, Number.MAX_SAFE_INTEGER)
        writeSpan(large, span, NO_LIMITS, Number.MAX_SAFE_INTEGER)
        expect(small.bytes.subarray(0, small.length).equals(large.bytes.subarray(0, large.length))).toBe(true)
      }),
    )
  })

  it('keep the order of attributes', () => {
    fc.assert(
      fc.property(anyAttributes(30), (attributes) => {
        const { keys } = attributes
        const texts = decoded({ attributes }).attributes.map(({ key }) => key)
        expect(texts).toEqual(keys.map((key) => key.toWellFormed()))
      }),
    )
  })
})

/** The SDK's JSON says null for doubles that JSON cannot say; OTLP has words for them, which weir writes. */
function withoutLostDoubles(spans: readonly DecodedSpan[]): DecodedSpan[] {
  return spans.map((span) => ({
    ...span,
    attributes: span.attributes.filter(
      ({ kind, value }) => kind !== 'other' && (kind !== 'double' || Number.isFinite(value)),
    ),
  }))
}

describe('values', () => {
  it('hold int64 exactly', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const [attribute] = decoded({ attributes: attributesOf([['n', 'int', value]]) }).attributes
        expect(attribute?.kind).toBe('int')
        expect(BigInt(attribute?.value as bigint)).toBe(value)
      }),
    )
  })

  it.each([2n ** 63n, -(2n ** 63n) - 1n, 10n ** 30n])('write %p, which is no int64, as digits', (value) => {
    const [attribute] = decoded({ attributes: attributesOf([['n', 'int', value]]) }).attributes
    expect(attribute).toEqual({ key: 'n', kind: 'string', value: value.toString() })
  })

  it('keep doubles doubles', () => {
    const numbers = [0, -0, 3, 0.1, Number.NaN, Number.POSITIVE_INFINITY, Number.MIN_VALUE]
    const attributes = attributesOf(numbers.map((value, i) => [`n${i}`, 'double', value]))
    const read = decoded({ attributes }).attributes
    expect(read.map(({ kind }) => kind)).toEqual(numbers.map(() => 'double'))
    expect(read.map(({ value }) => value)).toEqual(numbers)
  })

  it('are what they are where their kind says otherwise', () => {
    const attributes = attributesOf([
      ['a', 'int', 1.5],
      ['b', 'int', Number.NaN],
      ['c', 'bool', 'text'],
      ['d', 'string', true],
    ])
    expect(decoded({ attributes }).attributes.map(({ kind }) => kind)).toEqual(['double', 'double', 'string', 'bool'])
  })

  it('hold times to the nanosecond', () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 1.79e13, noNaN: true }), (ms) => {
        expect(decoded({ startEpochMs: ms }).startNs).toBe(exactNanoseconds(ms))
      }),
      { numRuns: 1000 },
    )
    for (const wrong of [Number.NaN, -1, Number.POSITIVE_INFINITY])
      expect(decoded({ endEpochMs: wrong }).endNs).toBe(0n)
  })
})

describe('limits', () => {
  const longest = (text: string, limit: number): string => {
    let kept = ''
    for (const character of text.toWellFormed()) {
      if (Buffer.byteLength(kept + character) > limit) break
      kept += character
    }
    return kept
  }

  it('cut strings between characters', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 200 }), (text, attributeBytes) => {
        const attributes = attributesOf([
          ['k', 'string', text],
          ['l', 'strings', [text, text]],
        ])
        const span = decoded(
          { attributes, name: text, status: 2, statusMessage: text },
          { attributes: 9, attributeBytes },
        )
        const kept = longest(text, attributeBytes)
        expect(span.attributes.map(({ value }) => value)).toEqual([kept, [kept, kept]])
        expect([span.name, span.status.message]).toEqual([kept, kept])
      }),
      { numRuns: 300 },
    )
  })

  it('leave out and count attributes beyond the limit', () => {
    const attributes = attributesOf([1, 2, 3, 4, 5].map((n) => [`k${n}`, 'int', n]))
    const span = decoded({ attributes }, { attributes: 3, attributeBytes: 100 })
    expect(span.attributes.map(({ key }) => key)).toEqual(['k1', 'k2', 'k3'])
    expect(span.droppedAttributesCount).toBe(2)
    expect(decoded({ attributes }, { attributes: 5, attributeBytes: 100 }).droppedAttributesCount).toBe(0)
  })

  it('count attributes that never came in', () => {
    const attributes = new Attributes(2)
    for (const key of ['a', 'b', 'c', 'd', 'e']) attributes.set(key, 'int', 1)
    expect(decoded({ attributes }).droppedAttributesCount).toBe(3)
    expect(decoded({ attributes }, { attributes: 1, attributeBytes: 100 }).droppedAttributesCount).toBe(4)
  })

  it('stop a span that would not fit long before all of it is written', () => {
    const text = 'x'.repeat(60_000)
    const attributes = attributesOf(Array.from({ length: 200 }, (_, i) => [`k${i}`, 'strings', [text, text, text]]))
    const writer = new ProtobufWriter(1024)
    writeSpan(writer, sampleSpan({ attributes }), NO_LIMITS, 100_000)
    expect(writer.length).toBeLessThan(100_000 + 2 * 60_000)
  })
})
