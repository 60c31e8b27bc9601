import { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator'
import { INVALID_ARGUMENT } from '../fault.ts'
import { DURATION, TIMESTAMP } from '../library.ts'
import { durationText, timestampText } from '../time.ts'
import { CIDR_TYPE, type CidrRange, IP_TYPE, type IpAddress } from './network.ts'
import type { CelFunction, Overload } from './table.ts'

function inherited(parameters: readonly string[], returns: string, receiver?: string): Overload {
  return { parameters, returns, ...(receiver !== undefined && { receiver }) }
}

function from(type: string, returns: string, run: (value: never) => unknown): Overload {
  return { parameters: [type], returns, run }
}

const MOST_INT = 2n ** 63n - 1n

function intOf(value: number): bigint {
  // A double has no value between 2^63 - 1024 and 2^63.
  if (!(value > -(2 ** 63) && value < 2 ** 63)) throw INVALID_ARGUMENT
  return BigInt(Math.trunc(value))
}

function intOfUint(value: UnsignedInt): bigint {
  if (value.valueOf() > MOST_INT) throw INVALID_ARGUMENT
  return value.valueOf()
}

function intOfText(text: string): bigint {
  if (!/^[+-]?\d{1,19}$/.test(text)) throw INVALID_ARGUMENT
  const value = BigInt(text.replace('+', ''))
  if (BigInt.asIntN(64, value) !== value) throw INVALID_ARGUMENT
  return value
}

function uintOf(value: bigint): UnsignedInt {
  if (BigInt.asUintN(64, value) !== value) throw INVALID_ARGUMENT
  return new UnsignedInt(value)
}

function uintOfDouble(value: number): UnsignedInt {
  if (!(value > -1 && value < 2 ** 64)) throw INVALID_ARGUMENT
  return new UnsignedInt(BigInt(Math.trunc(value)))
}

function uintOfText(text: string): UnsignedInt {
  if (!/^\d{1,20}$/.test(text)) throw INVALID_ARGUMENT
  return uintOf(BigInt(text))
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function textOfBytes(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) throw INVALID_ARGUMENT
    throw error
  }
}

function textOfDouble(value: number): string {
  if (value === Infinity) return '+Inf'
  return value === -Infinity ? '-Inf' : String(value)
}

/** RFC 3339 with seconds, as CEL reads timestamps: from year 1 to 9999. */
const RFC3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/
const FIRST_MS = -62_135_596_800_000
const LAST_MS = 253_402_300_799_999

function timestampOf(text: string): Date {
  const date = RFC3339.test(text) ? new Date(text.toUpperCase()) : undefined
  if (date === undefined || !(date.getTime() >= FIRST_MS && date.getTime() <= LAST_MS)) throw INVALID_ARGUMENT
  return date
}

function timestampOfSeconds(seconds: bigint): Date {
  const ms = Number(seconds) * 1000
  if (ms < FIRST_MS || ms > LAST_MS) throw INVALID_ARGUMENT
  return new Date(ms)
}

const NANOS_PER_UNIT: { readonly [unit: string]: bigint } = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}
/** Ten thousand years (google/protobuf/duration.proto). */
const MOST_NANOS = 315_576_000_000n * 1_000_000_000n
const DURATION_PART = /^(\d*)(?:\.(\d*))?(ns|us|µs|ms|s|m|h)/

/** As Go reads durations: `-1h30m`, `1.5s`, `0`. */
function durationOf(text: string): Duration {
  if (text.length > 64) throw INVALID_ARGUMENT
  const unsigned = text.replace(/^[+-]/, '')
  if (unsigned === '') throw INVALID_ARGUMENT
  let nanos = 0n
  for (let rest = unsigned === '0' ? '' : unsigned; rest !== ''; ) {
    const [whole, digits = '', fraction = '', unit = ''] = DURATION_PART.exec(rest) ?? []
    if (whole === undefined || (digits === '' && fraction === '')) throw INVALID_ARGUMENT
    const scale = NANOS_PER_UNIT[unit] as bigint
    nanos += BigInt(digits || '0') * scale + (BigInt(fraction || '0') * scale) / 10n ** BigInt(fraction.length)
    rest = rest.slice(whole.length)
  }
  if (nanos > MOST_NANOS) throw INVALID_ARGUMENT
  const sign = text.startsWith('-') ? -1n : 1n
  return new Duration((nanos / 1_000_000_000n) * sign, Number((nanos % 1_000_000_000n) * sign))
}

const containers = ['string', 'bytes', 'list', 'map']

/** What CEL's definition itself has. */
export const STANDARD_FUNCTIONS: readonly CelFunction[] = [
  {
    name: 'size',
    overloads: [
      ...containers.map((type) => inherited([type], 'int')),
      ...containers.map((type) => inherited([], 'int', type)),
    ],
    doc: 'characters of a text, bytes, elements of a list, entries of a map',
    example: ['size([1, 2]) + "abc".size()', '5'],
  },
  {
    name: 'has',
    overloads: [inherited(['ast'], 'bool')],
    doc: 'whether a field is there: `has(a.b)`, also `has(a["b"])`; false when any part of the path is absent',
    example: ['has({"a": 1}.a)', 'true'],
  },
  {
    name: 'all',
    overloads: [inherited(['ast', 'ast'], 'bool', 'list')],
    doc: 'whether the condition holds for every element, or for every key of a map',
    example: ['[1, 2].all(x, x > 0)', 'true'],
  },
  {
    name: 'exists',
    overloads: [inherited(['ast', 'ast'], 'bool', 'list')],
    doc: 'whether it holds for one at least',
    example: ['[1, 2].exists(x, x > 1)', 'true'],
  },
  {
    name: 'exists_one',
    overloads: [inherited(['ast', 'ast'], 'bool', 'list')],
    doc: 'whether it holds for exactly one',
    example: ['[1, 2].exists_one(x, x > 1)', 'true'],
  },
  {
    name: 'map',
    overloads: [inherited(['ast', 'ast'], 'list<dyn>', 'list'), inherited(['ast', 'ast', 'ast'], 'list<dyn>', 'list')],
    doc: 'each element computed anew; with three arguments only those for which the second holds. Of a map, its keys',
    example: ['[1, 2].map(x, x * 2)', '[2,4]'],
  },
  {
    name: 'filter',
    overloads: [inherited(['ast', 'ast'], 'list<dyn>', 'list')],
    doc: 'the elements for which the condition holds',
    example: ['[1, 2, 3].filter(x, x != 2)', '[1,3]'],
  },
  {
    name: 'string',
    replaces: true,
    overloads: [
      from('string', 'string', (value) => value),
      from('bool', 'string', String),
      from('int', 'string', String),
      from('uint', 'string', String),
      from('double', 'string', textOfDouble),
      from('bytes', 'string', textOfBytes),
      from(TIMESTAMP, 'string', timestampText),
      from(DURATION, 'string', durationText),
      from(IP_TYPE, 'string', (address: IpAddress) => address.toCelText()),
      from(CIDR_TYPE, 'string', (range: CidrRange) => range.toCelText()),
    ],
    doc: 'any scalar as text; bytes must be UTF-8',
    example: ['string(1.5) + string(duration("90s"))', '"1.590s"'],
  },
  {
    name: 'bytes',
    overloads: [inherited(['string'], 'bytes'), inherited(['bytes'], 'bytes')],
    doc: 'the UTF-8 of a text',
    example: ['size(bytes("é"))', '2'],
  },
  {
    name: 'int',
    replaces: true,
    overloads: [
      from('int', 'int', (value) => value),
      from('uint', 'int', intOfUint),
      from('double', 'int', intOf),
      from('string', 'int', intOfText),
      from(TIMESTAMP, 'int', (date: Date) => BigInt(Math.floor(date.getTime() / 1000))),
    ],
    doc: 'a signed integer of 64 bits; of a double without its fraction, of a timestamp the seconds since 1970',
    example: ['int(1.9) + int("2")', '3'],
  },
  {
    name: 'uint',
    replaces: true,
    overloads: [
      from('uint', 'uint', (value) => value),
      from('int', 'uint', uintOf),
      from('double', 'uint', uintOfDouble),
      from('string', 'uint', uintOfText),
    ],
    doc: 'an integer of 64 bits that is not negative',
    example: ['uint(2)', '2'],
  },
  {
    name: 'double',
    overloads: ['double', 'int', 'uint', 'string'].map((type) => inherited([type], 'double')),
    doc: 'a floating-point number',
    example: ['double(1) / 2.0', '0.5'],
  },
  {
    name: 'bool',
    overloads: [inherited(['bool'], 'bool'), inherited(['string'], 'bool')],
    doc: 'a boolean, or one of `true`, `True`, `TRUE`, `t`, `1` and their opposites',
    example: ['bool("true")', 'true'],
  },
  {
    name: 'timestamp',
    replaces: true,
    overloads: [
      from('string', TIMESTAMP, timestampOf),
      from('int', TIMESTAMP, timestampOfSeconds),
      from(TIMESTAMP, TIMESTAMP, (date) => date),
    ],
    doc: 'a point in time, from RFC 3339 or from seconds since 1970; weir keeps milliseconds',
    example: ['timestamp("2026-01-01T00:00:00Z") + duration("1h")', '"2026-01-01T01:00:00Z"'],
  },
  {
    name: 'duration',
    replaces: true,
    overloads: [from('string', DURATION, durationOf), from(DURATION, DURATION, (duration: Duration) => duration)],
    doc: 'a span of time, such as `1h30m`, `1.5s`, `100ms`',
    example: ['duration("1m30s")', '"90s"'],
  },
  {
    name: 'type',
    overloads: [inherited(['dyn'], 'type')],
    doc: 'the type of a value, to be compared with a name of a type',
    example: ['type(1) == int', 'true'],
  },
  {
    name: 'dyn',
    overloads: [inherited(['dyn'], 'dyn')],
    doc: 'the value, with its type known only when it is there',
    example: ['dyn(1) == 1.0', 'true'],
  },
]
