import { randomUUID } from 'node:crypto'
import { celData } from '../data.ts'
import { INVALID_ARGUMENT, NO_SUCH_KEY } from '../fault.ts'
import { charge, chargeList, chargeReading } from '../meter.ts'
import { CelFlattened } from '../program.ts'
import { jsonText } from '../value.ts'
import type { CelFunction, Overload } from './table.ts'

/** The name of the marker's type in expressions. */
export const FLATTENED_TYPE = 'weir.Flattened'

const utf8 = new TextDecoder('utf-8', { fatal: true })

function textOf(value: string | Uint8Array): string {
  chargeReading(value.length)
  if (typeof value === 'string') return value
  try {
    return utf8.decode(value)
  } catch (error) {
    if (error instanceof TypeError) throw INVALID_ARGUMENT
    throw error
  }
}

/** @throws CelFault when it is no JSON, or nested deeper than JSON may be */
function parseJson(value: string | Uint8Array): unknown {
  // What is made of a text may take many times its memory.
  charge(value.length >> 6)
  let parsed: unknown
  try {
    parsed = JSON.parse(textOf(value))
  } catch (error) {
    if (error instanceof SyntaxError) throw INVALID_ARGUMENT
    throw error
  }
  const data = celData(parsed)
  if (data === undefined) throw INVALID_ARGUMENT
  return data
}

function jsonField(value: string | Uint8Array, name: string): unknown {
  const data = parseJson(value)
  if (typeof data !== 'object' || data === null || Array.isArray(data)) throw INVALID_ARGUMENT
  if (data instanceof Map ? !data.has(name) : !Object.hasOwn(data, name)) throw NO_SUCH_KEY
  return data instanceof Map ? data.get(name) : (data as Record<string, unknown>)[name]
}

/** RFC 7519: the second of three segments, base64url. */
function jwtPayload(token: string): unknown {
  const segments = token.split('.', 4)
  const payload = segments[1]
  if (segments.length !== 3 || payload === undefined || !/^[\w-]+$/.test(payload)) throw INVALID_ARGUMENT
  const data = parseJson(Buffer.from(payload, 'base64url'))
  if (typeof data !== 'object' || data === null || Array.isArray(data)) throw INVALID_ARGUMENT
  return data
}

function entriesOf(map: object): [unknown, unknown][] {
  return map instanceof Map ? [...map] : Object.entries(map)
}

function merge(map: object, other: object): Map<unknown, unknown> {
  const merged = new Map([...entriesOf(map), ...entriesOf(other)])
  chargeList(merged.size)
  return merged
}

function fail(): never {
  throw INVALID_ARGUMENT
}

/** A function on a list or a map. */
function onContainer(run: (value: never) => unknown): Overload[] {
  return ['list', 'map'].map((type) => ({ parameters: [type], returns: FLATTENED_TYPE, run }))
}

const textOrBytes = ['string', 'bytes']

/** JSON, maps, and what telemetry needs. */
export const DATA_FUNCTIONS: readonly CelFunction[] = [
  {
    name: 'flatten',
    overloads: onContainer((value) => new CelFlattened(value, false)),
    doc: 'marks a list or a map to be spread into one attribute for each entry, `KEY.0` or `KEY.name`; lists and maps inside become JSON. Only the outermost result of an expression, or an entry of one, is spread',
    example: ['flatten({"a": 1, "b": [2]})', '{"a":1,"b":[2]}'],
  },
  {
    name: 'flattenRecursive',
    overloads: onContainer((value) => new CelFlattened(value, true)),
    doc: 'the same through all levels, `KEY.0.role`',
    example: ['flattenRecursive([{"role": "user"}])', '[{"role":"user"}]'],
  },
  {
    name: 'json',
    replaces: true,
    overloads: textOrBytes.map((type) => ({ parameters: [type], returns: 'dyn', run: parseJson })),
    doc: 'the value of a JSON text; its numbers are doubles',
    example: ['json("{\\"hi\\": 1}").hi', '1'],
  },
  {
    name: 'toJson',
    overloads: [{ parameters: ['dyn'], returns: 'string', run: jsonText }],
    doc: 'compact JSON of any value: bytes as base64, timestamps as RFC 3339, durations like `"1.5s"`',
    example: ['toJson({"a": [1, 2.5, null]})', '"{\\"a\\":[1,2.5,null]}"'],
  },
  {
    name: 'jsonField',
    overloads: textOrBytes.map((type) => ({ parameters: [type, 'string'], returns: 'dyn', run: jsonField })),
    doc: 'one field of a JSON object',
    example: ['jsonField("{\\"hi\\": 1}", "hi")', '1'],
  },
  {
    name: 'unvalidatedJwtPayload',
    overloads: [{ parameters: ['string'], returns: 'map<string, dyn>', run: jwtPayload }],
    doc: 'the claims of a JSON web token, without checking who signed it',
    example: ['unvalidatedJwtPayload("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjMifQ.").sub', '"123"'],
  },
  {
    name: 'merge',
    overloads: [{ receiver: 'map', parameters: ['map'], returns: 'map', run: merge }],
    doc: 'the entries of both maps; those of the second win',
    example: ['{"a": 1, "b": 1}.merge({"b": 2})', '{"a":1,"b":2}'],
  },
  {
    name: 'variables',
    overloads: [{ parameters: [], returns: 'map<string, dyn>', run: fail }],
    doc: 'all variables that have a value, as a map; makes weir keep bodies, prompts and completions',
    example: ['size(variables()) >= 0', 'true'],
  },
  {
    name: 'random',
    overloads: [{ parameters: [], returns: 'double', run: Math.random }],
    doc: 'a number from 0 to 1, another one each time',
    example: ['random() < 2.0', 'true'],
  },
  {
    name: 'uuid',
    overloads: [{ parameters: [], returns: 'string', run: () => randomUUID() }],
    doc: 'a random UUID (version 4)',
    example: ['size(uuid())', '36'],
  },
  {
    name: 'fail',
    overloads: [
      { parameters: [], returns: 'dyn', run: fail },
      { parameters: ['string'], returns: 'dyn', run: fail },
    ],
    doc: 'always an error; the text is for the reader',
    example: ['coalesce(fail("never"), "used")', '"used"'],
  },
]
