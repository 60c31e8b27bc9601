import { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator'
import { compileFor } from '../../contract/cel/compile.ts'
import { isReservedName } from '../../contract/cel/engine.ts'
import type { LinkTarget } from '../../contract/cel/link.ts'
import { CelDuration, CelFlattened, CelTimestamp, type CelValue } from '../../contract/cel/program.ts'
import { parseDurationText } from '../../contract/cel/time.ts'
import type { Neutral } from './neutral.ts'

/** Any name that is none of CEL's own is a variable whose type is known only when it is there. */
const ANYTHING: LinkTarget = {
  names: {
    find: (name) =>
      isReservedName(name)
        ? undefined
        : { name, type: 'dyn', phase: 'request', built: true, doc: 'a variable of a test' },
    spellings: [],
  },
  phase: 'end',
}

/** What weir yields for an expression; an Error where it yields nothing, or does not take the expression. */
export function evaluateByWeir(source: string, variables: { readonly [name: string]: unknown }): Neutral | Error {
  const compiled = compileFor(source, ANYTHING)
  if (!compiled.ok) return new Error(compiled.problem.message)
  const result = compiled.program.evaluate(variables)
  return result.ok ? neutralOf(result.value) : new Error(result.failure)
}

const NANOS = 1_000_000_000n

export function neutralOf(value: CelValue): Neutral {
  if (value === null) return { kind: 'null' }
  if (typeof value === 'boolean') return { kind: 'bool', value }
  if (typeof value === 'string') return { kind: 'string', value }
  if (typeof value === 'number') return { kind: 'double', value }
  if (typeof value === 'bigint') return { kind: 'int', value }
  if (value instanceof Uint8Array) return { kind: 'bytes', value }
  if (value instanceof CelTimestamp) return { kind: 'timestamp', value: BigInt(Date.parse(value.rfc3339)) * 1_000_000n }
  if (value instanceof CelDuration) {
    const { seconds, nanos } = parseDurationText(value.text) as Duration
    return { kind: 'duration', value: seconds * NANOS + BigInt(nanos) }
  }
  if (value instanceof CelFlattened) return neutralOf(value.value)
  if (Array.isArray(value)) return { kind: 'list', value: value.map(neutralOf) }
  const entries = Object.entries(value as { readonly [key: string]: CelValue })
  return { kind: 'map', value: entries.map(([key, element]) => [{ kind: 'string', value: key }, neutralOf(element)]) }
}

/** A neutral value as weir's variables may hold it. */
export function variableOf(value: Neutral, unsigned = false): unknown {
  switch (value.kind) {
    case 'null':
      return null
    case 'int':
      return unsigned ? new UnsignedInt(value.value) : value.value
    case 'list':
      return value.value.map((element) => variableOf(element))
    case 'map':
      return new Map(value.value.map(([key, element]) => [variableOf(key), variableOf(element)]))
    case 'timestamp':
      return new Date(Number(value.value / 1_000_000n))
    case 'duration':
      return new Duration(value.value / NANOS, Number(value.value % NANOS))
    default:
      return value.value
  }
}
