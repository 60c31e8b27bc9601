import { UnsignedInt } from '@marcbachmann/cel-js/evaluator'
import { INVALID_ARGUMENT, TYPE_ERROR } from '../fault.ts'
import { LIMITS } from '../limits.ts'
import { chargeReading } from '../meter.ts'
import { type CelFunction, type Overload, variadic } from './table.ts'

const MOST_INT = 2n ** 63n - 1n

/** A number of any of CEL's kinds, which compare with each other. */
type Numeric = bigint | number | UnsignedInt

function isNumeric(value: unknown): value is Numeric {
  return typeof value === 'bigint' || typeof value === 'number' || value instanceof UnsignedInt
}

/** The smallest (or largest) of numbers of any kind, as the kind that it has. A single list stands for its elements. */
function extreme(values: readonly unknown[], wins: (a: Numeric, b: Numeric) => boolean): Numeric {
  const list = values.length === 1 && Array.isArray(values[0]) ? (values[0] as readonly unknown[]) : values
  chargeReading(list.length)
  let best: Numeric | undefined
  for (const value of list) {
    if (!isNumeric(value)) throw TYPE_ERROR
    if (best === undefined || wins(value, best)) best = value
  }
  if (best === undefined) throw INVALID_ARGUMENT
  return best
}

const least = variadic('dyn', LIMITS.variadicArguments, 'dyn', (values) => extreme(values, (a, b) => a < b))
const greatest = variadic('dyn', LIMITS.variadicArguments, 'dyn', (values) => extreme(values, (a, b) => a > b))

function onDouble(run: (value: number) => unknown, returns = 'double'): Overload {
  return { parameters: ['double'], returns, run }
}

/** Half away from zero, as CEL rounds; JavaScript rounds half up. */
function round(value: number): number {
  return value < 0 ? -Math.round(-value) : Math.round(value)
}

function absInt(value: bigint): bigint {
  if (value < -MOST_INT) throw INVALID_ARGUMENT
  return value < 0n ? -value : value
}

function signInt(value: bigint): bigint {
  if (value === 0n) return 0n
  return value < 0n ? -1n : 1n
}

/** A function on two ints or two uints, given for their bits. */
function onBits(run: (a: bigint, b: bigint) => bigint): Overload[] {
  return [
    { parameters: ['int', 'int'], returns: 'int', run: (a: bigint, b: bigint) => BigInt.asIntN(64, run(a, b)) },
    {
      parameters: ['uint', 'uint'],
      returns: 'uint',
      run: (a: UnsignedInt, b: UnsignedInt) => unsigned(run(a.valueOf(), b.valueOf())),
    },
  ]
}

function unsigned(value: bigint): UnsignedInt {
  return new UnsignedInt(BigInt.asUintN(64, value))
}

/** Shifts by so many places; by 64 or more yields 0, as the extension defines it. */
function onShift(run: (value: bigint, places: bigint) => bigint): Overload[] {
  const shift = (value: bigint, places: bigint): bigint => {
    if (places < 0n) throw INVALID_ARGUMENT
    return places >= 64n ? 0n : run(BigInt.asUintN(64, value), places)
  }
  return [
    {
      parameters: ['int', 'int'],
      returns: 'int',
      run: (value: bigint, places: bigint) => BigInt.asIntN(64, shift(value, places)),
    },
    {
      parameters: ['uint', 'int'],
      returns: 'uint',
      run: (value: UnsignedInt, places: bigint) => unsigned(shift(value.valueOf(), places)),
    },
  ]
}

/** CEL's math extension. */
export const MATH_FUNCTIONS: readonly CelFunction[] = [
  {
    name: 'math.least',
    overloads: least,
    doc: 'the smallest of up to eight numbers, or of a list; kinds may be mixed',
    example: ['math.least(3, 1.5, 2)', '1.5'],
  },
  {
    name: 'math.greatest',
    overloads: greatest,
    doc: 'the largest of up to eight numbers, or of a list',
    example: ['math.greatest([1, 3, 2])', '3'],
  },
  { name: 'min', overloads: least, doc: 'another name of `math.least`', example: ['min(4096, 128000)', '4096'] },
  { name: 'max', overloads: greatest, doc: 'another name of `math.greatest`', example: ['max(1, 2)', '2'] },
  { name: 'math.ceil', overloads: [onDouble(Math.ceil)], doc: 'rounded up', example: ['math.ceil(1.2)', '2'] },
  { name: 'math.floor', overloads: [onDouble(Math.floor)], doc: 'rounded down', example: ['math.floor(-1.2)', '-2'] },
  {
    name: 'math.round',
    overloads: [onDouble(round)],
    doc: 'rounded to the nearest, halves away from zero',
    example: ['math.round(-1.5)', '-2'],
  },
  {
    name: 'math.trunc',
    overloads: [onDouble(Math.trunc)],
    doc: 'without its fraction',
    example: ['math.trunc(-1.3)', '-1'],
  },
  {
    name: 'math.isInf',
    overloads: [onDouble((value) => value === Infinity || value === -Infinity, 'bool')],
    doc: 'whether it is infinite',
    example: ['math.isInf(1.0 / 0.0)', 'true'],
  },
  {
    name: 'math.isNaN',
    also: ['math.is_nan'],
    overloads: [onDouble(Number.isNaN, 'bool')],
    doc: 'whether it is no number',
    example: ['math.isNaN(0.0 / 0.0)', 'true'],
  },
  {
    name: 'math.isFinite',
    overloads: [onDouble(Number.isFinite, 'bool')],
    doc: 'whether it is neither infinite nor no number',
    example: ['math.isFinite(1.2)', 'true'],
  },
  {
    name: 'math.abs',
    overloads: [
      onDouble(Math.abs),
      { parameters: ['int'], returns: 'int', run: absInt },
      { parameters: ['uint'], returns: 'uint', run: (value: UnsignedInt) => value },
    ],
    doc: 'without its sign; an error for the smallest int',
    example: ['math.abs(-1)', '1'],
  },
  {
    name: 'math.sign',
    overloads: [
      onDouble(Math.sign),
      { parameters: ['int'], returns: 'int', run: signInt },
      { parameters: ['uint'], returns: 'uint', run: (value: UnsignedInt) => new UnsignedInt(signInt(value.valueOf())) },
    ],
    doc: '-1, 0 or 1',
    example: ['math.sign(-42)', '-1'],
  },
  {
    name: 'math.sqrt',
    overloads: [
      onDouble(Math.sqrt),
      { parameters: ['int'], returns: 'double', run: (value: bigint) => Math.sqrt(Number(value)) },
      { parameters: ['uint'], returns: 'double', run: (value: UnsignedInt) => Math.sqrt(Number(value.valueOf())) },
    ],
    doc: 'the square root; no number for one below zero',
    example: ['math.sqrt(81)', '9'],
  },
  {
    name: 'math.bitAnd',
    overloads: onBits((a, b) => a & b),
    doc: 'bits set in both',
    example: ['math.bitAnd(6, 3)', '2'],
  },
  {
    name: 'math.bitOr',
    overloads: onBits((a, b) => a | b),
    doc: 'bits set in either',
    example: ['math.bitOr(1, 2)', '3'],
  },
  {
    name: 'math.bitXor',
    overloads: onBits((a, b) => a ^ b),
    doc: 'bits set in one only',
    example: ['math.bitXor(1, 3)', '2'],
  },
  {
    name: 'math.bitNot',
    overloads: [
      { parameters: ['int'], returns: 'int', run: (value: bigint) => ~value },
      { parameters: ['uint'], returns: 'uint', run: (value: UnsignedInt) => unsigned(~value.valueOf()) },
    ],
    doc: 'every bit turned over',
    example: ['math.bitNot(1)', '-2'],
  },
  {
    name: 'math.bitShiftLeft',
    overloads: onShift((value, places) => value << places),
    doc: 'shifted left; 0 from 64 places on',
    example: ['math.bitShiftLeft(1, 2)', '4'],
  },
  {
    name: 'math.bitShiftRight',
    overloads: onShift((value, places) => value >> places),
    doc: 'shifted right, zeros coming in; 0 from 64 places on',
    example: ['math.bitShiftRight(1024, 2)', '256'],
  },
]
