import {
  type CelInput,
  celEnv,
  isCelError,
  isCelList,
  isCelMap,
  isCelType,
  isCelUint,
  parse,
  plan,
} from '@bufbuild/cel'
import { strings } from '@bufbuild/cel/ext'
import { create } from '@bufbuild/protobuf'
import { isReflectMessage } from '@bufbuild/protobuf/reflect'
import { type Duration, DurationSchema, type Timestamp, TimestampSchema } from '@bufbuild/protobuf/wkt'
import type { Neutral } from './neutral.ts'

const environment = celEnv({ funcs: strings })

/** What the most conformant library yields for an expression; an Error where it yields none. */
export function evaluateByOracle(source: string, variables: { readonly [name: string]: Neutral }): Neutral | Error {
  try {
    const inputs = Object.entries(variables).map(([name, value]) => [name, inputOf(value)] as const)
    const result = plan(environment, parse(source))(Object.fromEntries(inputs))
    return isCelError(result) ? new Error(result.message) : neutralOf(result)
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
}

const NANOS = 1_000_000_000n

function inputOf(value: Neutral): CelInput {
  switch (value.kind) {
    case 'null':
      return null
    case 'list':
      return value.value.map(inputOf)
    case 'map':
      return new Map(value.value.map(([key, element]) => [inputOf(key) as string, inputOf(element)]))
    case 'timestamp':
      return create(TimestampSchema, { seconds: value.value / NANOS, nanos: Number(value.value % NANOS) })
    case 'duration':
      return create(DurationSchema, { seconds: value.value / NANOS, nanos: Number(value.value % NANOS) })
    default:
      return value.value
  }
}

function neutralOf(value: unknown): Neutral {
  if (value === null) return { kind: 'null' }
  if (typeof value === 'bigint') return { kind: 'int', value }
  if (typeof value === 'number') return { kind: 'double', value }
  if (typeof value === 'string') return { kind: 'string', value }
  if (typeof value === 'boolean') return { kind: 'bool', value }
  if (isCelUint(value)) return { kind: 'int', value: value.value }
  if (value instanceof Uint8Array) return { kind: 'bytes', value }
  if (isCelList(value)) return { kind: 'list', value: [...value].map(neutralOf) }
  if (isCelMap(value)) {
    return { kind: 'map', value: [...value.entries()].map(([key, element]) => [neutralOf(key), neutralOf(element)]) }
  }
  if (isCelType(value)) return { kind: 'string', value: value.name === 'null_type' ? 'null' : value.name }
  if (isReflectMessage(value)) return neutralOfTime(value.message as unknown as Timestamp | Duration)
  throw new Error(`the oracle yields ${String(value)}`)
}

function neutralOfTime(message: Timestamp | Duration): Neutral {
  const nanos = message.seconds * NANOS + BigInt(message.nanos)
  return { kind: message.$typeName === 'google.protobuf.Timestamp' ? 'timestamp' : 'duration', value: nanos }
}
