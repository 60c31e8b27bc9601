import type { Value } from '@bufbuild/cel-spec/cel/expr/value_pb.js'
import { getConformanceSuite, type IncrementalTest } from '@bufbuild/cel-spec/testdata/tests.js'
import { createRegistry } from '@bufbuild/protobuf'
import { anyUnpack, DurationSchema, TimestampSchema } from '@bufbuild/protobuf/wkt'
import type { Neutral } from './neutral.ts'

/** One test of the official suite that weir can attempt. */
export interface ConformanceTest {
  /** File, section and name. */
  readonly id: string
  readonly file: string
  readonly expression: string
  readonly bindings: readonly (readonly [name: string, value: Neutral, unsigned: boolean])[]
  /** Undefined: the evaluation must fail. */
  readonly expected: Neutral | undefined
}

/** Files that are not CEL's core but extensions of it. */
export const EXTENSION_FILES: ReadonlySet<string> = new Set([
  'bindings_ext',
  'block_ext',
  'encoders_ext',
  'macros2',
  'math_ext',
  'optionals',
  'string_ext',
])

/** Files about protobuf messages, which weir has none of. */
const PROTOBUF_FILES = new Set(['enums', 'proto2', 'proto3', 'proto2_ext', 'wrappers', 'unknowns'])

const PROTOBUF =
  /TestAllTypes|NestedTestAllTypes|TestRequired|GlobalEnum|NestedEnum|cel\.expr\.|proto\.(getExt|hasExt)|google\.protobuf\.(Any|Value|Struct|ListValue|NullValue|BoolValue|BytesValue|DoubleValue|FloatValue|Int32Value|Int64Value|StringValue|UInt32Value|UInt64Value|Timestamp *\{|Duration *\{|Empty|FieldMask)/

/** A value that has no neutral form: the test is about protobuf. */
class Unsupported extends Error {}

/** The attempted tests of npm's copy of the official suite, and how many were left out. */
export function loadConformance(): { readonly tests: readonly ConformanceTest[]; readonly skipped: number } {
  const tests: ConformanceTest[] = []
  let skipped = 0
  for (const file of getConformanceSuite().suites) {
    for (const section of file.suites) {
      for (const test of section.tests) {
        const read = readTest(test, file.name, section.name)
        if (read === undefined) skipped++
        else tests.push(read)
      }
    }
  }
  return { tests, skipped }
}

function readTest({ original }: IncrementalTest, file: string, section: string): ConformanceTest | undefined {
  if (original.checkOnly || original.disableMacros || PROTOBUF_FILES.has(file) || PROTOBUF.test(original.expr)) {
    return undefined
  }
  if (original.typeEnv.some((declared) => /messageType|wrapper|ANY/.test(JSON.stringify(declared, withoutBigInts)))) {
    return undefined
  }
  try {
    const expected = expectedOf(original.resultMatcher)
    if (expected === 'none') return undefined
    const bindings = Object.entries(original.bindings).map(([name, bound]) => {
      if (bound.kind.case !== 'value') throw new Unsupported(bound.kind.case)
      return [name, neutralOfProto(bound.kind.value), bound.kind.value.kind.case === 'uint64Value'] as const
    })
    return {
      id: `${file}/${section}/${original.name}`,
      file,
      expression: original.expr,
      bindings,
      expected: expected.value,
    }
  } catch (error) {
    if (error instanceof Unsupported) return undefined
    throw error
  }
}

function withoutBigInts(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

/** What a test wants; `none` where it wants only a type or a set of unknowns. */
function expectedOf(matcher: IncrementalTest['original']['resultMatcher']): { value: Neutral | undefined } | 'none' {
  switch (matcher.case) {
    case undefined:
      return { value: { kind: 'bool', value: true } }
    case 'value':
      return { value: neutralOfProto(matcher.value) }
    case 'evalError':
    case 'anyEvalErrors':
      return { value: undefined }
    case 'typedResult':
      return matcher.value.result === undefined ? 'none' : { value: neutralOfProto(matcher.value.result) }
    default:
      return 'none'
  }
}

const wellKnown = createRegistry(TimestampSchema, DurationSchema)

function neutralOfProto({ kind }: Value): Neutral {
  switch (kind.case) {
    case 'nullValue':
      return { kind: 'null' }
    case 'boolValue':
      return { kind: 'bool', value: kind.value }
    case 'int64Value':
    case 'uint64Value':
      return { kind: 'int', value: kind.value }
    case 'doubleValue':
      return { kind: 'double', value: kind.value }
    case 'stringValue':
      return { kind: 'string', value: kind.value }
    // A type is its name to weir, and null's is `null`.
    case 'typeValue':
      return { kind: 'string', value: kind.value === 'null_type' ? 'null' : kind.value }
    case 'bytesValue':
      return { kind: 'bytes', value: kind.value }
    case 'listValue':
      return { kind: 'list', value: kind.value.values.map(neutralOfProto) }
    case 'mapValue':
      return {
        kind: 'map',
        value: kind.value.entries.map(({ key, value }) => [
          neutralOfProto(key as Value),
          neutralOfProto(value as Value),
        ]),
      }
    case 'objectValue': {
      const message = anyUnpack(kind.value, wellKnown) as
        | { $typeName: string; seconds: bigint; nanos: number }
        | undefined
      const nanos = message === undefined ? 0n : message.seconds * 1_000_000_000n + BigInt(message.nanos)
      if (message?.$typeName === 'google.protobuf.Timestamp') return { kind: 'timestamp', value: nanos }
      if (message?.$typeName === 'google.protobuf.Duration') return { kind: 'duration', value: nanos }
      throw new Unsupported(kind.value.typeUrl)
    }
    default:
      throw new Unsupported(kind.case ?? 'no value')
  }
}
