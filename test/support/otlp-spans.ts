import fc from 'fast-check'
import { type AttributeKind, Attributes, type AttributeValue } from '../../dataplane/telemetry/attributes.ts'
import type { Span, SpanKind, SpanLink, StatusCode } from '../../dataplane/telemetry/span.ts'

/** Spans for tests: one to vary by hand, and arbitrary ones for property tests. */

/** A server span of a plain request; fields can be replaced. */
export function sampleSpan(replaced: Partial<Span> = {}): Span {
  return {
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    spanId: '00f067aa0ba902b7',
    parentSpanId: undefined,
    traceState: undefined,
    flags: 1,
    parentIsRemote: false,
    name: 'POST /v1/chat/completions',
    kind: 2,
    startEpochMs: 1_760_000_000_123.25,
    endEpochMs: 1_760_000_000_423.5,
    attributes: attributesOf([['http.status', 'int', 200]]),
    status: 0,
    statusMessage: '',
    links: [],
    ...replaced,
  }
}

export function attributesOf(entries: readonly (readonly [string, AttributeKind, AttributeValue])[]): Attributes {
  const attributes = new Attributes()
  for (const [key, kind, value] of entries) attributes.set(key, kind, value)
  return attributes
}

const hexId = (digits: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: digits / 2, maxLength: digits / 2 }).map((bytes) => Buffer.from(bytes).toString('hex'))

/** Any UTF-16 units, lone surrogates among them. */
const anyUnits = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0xd7f0, max: 0xe010 })), { maxLength: 60 })
  .map((units) => String.fromCharCode(...units))

/** Lengths at which a varint of UTF-8 bytes, or of a message round them, grows. */
const boundaryText = fc
  .tuple(
    fc.constantFrom('a', 'é', '€', '😀', '\ud83d'),
    fc.constantFrom(8, 24, 25, 42, 63, 110, 120, 127, 128, 4094, 8190, 16370, 16383, 16384),
    fc.integer({ min: -3, max: 3 }),
  )
  .map(([unit, length, off]) => unit.repeat(Math.ceil((length + off) / Buffer.byteLength(unit))))

export const anyText = fc.oneof(
  { weight: 5, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 2, arbitrary: anyUnits },
  { weight: 2, arbitrary: boundaryText },
)

const int64 = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(0, 127, 128, -1, 2 ** 31 - 1, 2 ** 31, 2 ** 32, -(2 ** 31), -(2 ** 32), -(2 ** 32) - 1),
)

export const anyAttributes = (maxLength: number): fc.Arbitrary<Attributes> =>
  fc
    .array(
      fc.tuple(
        anyText,
        fc.oneof(
          anyText.map((value) => ({ kind: 'string' as const, value })),
          int64.map((value) => ({ kind: 'int' as const, value })),
          fc
            .double()
            .filter((value) => !Number.isInteger(value))
            .map((value) => ({ kind: 'double' as const, value })),
          fc.boolean().map((value) => ({ kind: 'bool' as const, value })),
          fc.array(anyText, { maxLength: 5 }).map((value) => ({ kind: 'strings' as const, value })),
        ),
      ),
      { maxLength },
    )
    .map((entries) => attributesOf(entries.map(([key, { kind, value }]) => [key, kind, value])))

/** Milliseconds since 1970 as a clock gives them, and as none does. */
const anyTime = fc.oneof(
  fc.double({ min: 1.5e12, max: 2.5e12, noNaN: true }),
  fc.double({ min: 1, max: 1e13, noNaN: true }),
  fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1000),
)

/** What `tracestate` may hold, as the SDK would write it again: unique keys, no space. */
const traceState = fc.constantFrom(undefined, 'congo=t61rcWkgMzE', 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE')

const link: fc.Arbitrary<SpanLink> = fc.record({
  traceId: hexId(32),
  spanId: hexId(16),
  traceState,
  flags: fc.integer({ min: 0, max: 255 }),
  isRemote: fc.boolean(),
})

/** Spans whose attributes OpenTelemetry's SDK can hold too: it has no int beyond 2^53 and no double without fraction. */
export const anySpan: fc.Arbitrary<Span> = fc
  .record({
    traceId: hexId(32),
    spanId: hexId(16),
    parentSpanId: fc.option(hexId(16), { nil: undefined }),
    traceState,
    flags: fc.integer({ min: 0, max: 255 }),
    remote: fc.boolean(),
    name: anyText,
    kind: fc.constantFrom<SpanKind>(1, 2, 3),
    startEpochMs: anyTime,
    endEpochMs: anyTime,
    attributes: anyAttributes(12),
    status: fc.constantFrom<StatusCode>(0, 1, 2),
    statusMessage: fc.oneof(fc.constant(''), anyText),
    links: fc.array(link, { maxLength: 3 }),
  })
  .map(({ remote, ...span }) => ({ ...span, parentIsRemote: remote && span.parentSpanId !== undefined }))
