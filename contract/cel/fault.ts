import type { CelFailure } from './program.ts'

/**
 * Why an evaluation ends without a value. Thrown through the library, which knows it as an Error; made once for each
 * reason, because a miss is ordinary (an attribute that is absent) and a stack trace would cost more than the evaluation.
 */
export class CelFault extends Error {
  readonly failure: CelFailure
  constructor(failure: CelFailure) {
    super(failure)
    this.failure = failure
  }
}

export const NO_SUCH_KEY = new CelFault('no_such_key')
export const TYPE_ERROR = new CelFault('type_error')
export const BUDGET_EXCEEDED = new CelFault('budget_exceeded')
export const INVALID_ARGUMENT = new CelFault('invalid_argument')

/** Codes of the library's errors that say that something is not there. */
const ABSENT = new Set(['no_such_key', 'unknown_variable', 'index_out_of_bounds', 'optional_value_missing'])

/** Codes of the library's errors that are about values rather than about their types. */
const INVALID = new Set([
  'bool_conversion_error',
  'double_conversion_error',
  'int_conversion_error',
  'uint_conversion_error',
  'numeric_overflow',
  'division_by_zero',
  'modulo_by_zero',
  'index_out_of_range',
  'invalid_timestamp',
  'invalid_duration',
  'invalid_list_element_type',
])

/** What an error thrown during an evaluation means. Its message may hold data of the request and is not kept. */
export function failureOf(error: unknown): CelFailure {
  if (error instanceof CelFault) return error.failure
  if (error instanceof RangeError) return error.message.includes('call stack') ? 'budget_exceeded' : 'invalid_argument'
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (typeof code !== 'string') return 'other'
  if (ABSENT.has(code)) return 'no_such_key'
  return INVALID.has(code) ? 'invalid_argument' : 'type_error'
}
