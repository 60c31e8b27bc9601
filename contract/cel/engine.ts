import { Environment } from '@marcbachmann/cel-js'
import type { UnsignedInt } from '@marcbachmann/cel-js/evaluator'
import { FLATTENED_TYPE } from './functions/data.ts'
import { CIDR_TYPE, CidrRange, IP_TYPE, IpAddress } from './functions/network.ts'
import type { CelFunction, Overload } from './functions/table.ts'
import { CEL_FUNCTIONS, libraryName, NAMESPACES, spellingsOf } from './functions.ts'
import type { Evaluator, Handle, Parsed } from './library.ts'
import { LIMITS } from './limits.ts'
import { CelFlattened } from './program.ts'

const SYNC = { async: false }

function namespaceType(name: string): string {
  return `weir.${name}`
}

/** What stands for `base64` in `base64.encode(x)`. It is no value: nothing takes it, and no result may hold it. */
function registerNamespace(environment: Environment, name: string): void {
  const Namespace = class {}
  environment.registerType(namespaceType(name), Namespace)
  environment.registerConstant(name, namespaceType(name), new Namespace())
}

function signature(known: CelFunction, overload: Overload, name: string): string {
  const dot = known.name.indexOf('.')
  const receiver = dot < 0 ? overload.receiver : namespaceType(known.name.slice(0, dot))
  return `${receiver === undefined ? '' : `${receiver}.`}${name}(${overload.parameters.join(', ')}): ${overload.returns}`
}

function registerFunction(environment: Environment, known: CelFunction): void {
  for (const overload of known.overloads) {
    if (known.expand !== undefined) registerMacro(environment, known, overload)
    else if (overload.run !== undefined) {
      const text = signature(known, overload, libraryName(known.name))
      environment.registerFunction(text, handlerOf(known, overload.run), SYNC)
    }
  }
}

/** Macros are found while the source is read, before link.ts makes all spellings one. */
function registerMacro(environment: Environment, known: CelFunction, overload: Overload): void {
  for (const spelling of spellingsOf(known)) {
    environment.registerFunction(signature(known, overload, spelling), known.expand as Handle, SYNC)
  }
}

function handlerOf(known: CelFunction, run: (...values: never[]) => unknown): Handle {
  if (!known.name.includes('.')) return run as Handle
  // The library hands the namespace over as the first value.
  return (_namespace: unknown, ...values: unknown[]) => run(...(values as never[]))
}

/**
 * Arithmetic that mixes ints and doubles, which JSON's numbers call for, and the comparisons of bytes that CEL defines and
 * the library lacks.
 */
function registerOperators(environment: Environment): void {
  const arithmetic: { readonly [operator: string]: (a: number, b: number) => number } = {
    '+': (a, b) => a + b,
    '-': (a, b) => a - b,
    '*': (a, b) => a * b,
    '/': (a, b) => a / b,
  }
  for (const [operator, run] of Object.entries(arithmetic)) {
    environment.registerOperator(`double ${operator} int: double`, (a: number, b: bigint) => run(a, Number(b)))
    environment.registerOperator(`int ${operator} double: double`, (a: bigint, b: number) => run(Number(a), b))
    environment.registerOperator(`double ${operator} uint: double`, (a: number, b: UnsignedInt) => run(a, Number(b)))
    environment.registerOperator(`uint ${operator} double: double`, (a: UnsignedInt, b: number) => run(Number(a), b))
  }
  environment.registerOperator('bytes < bytes', (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) < 0)
  environment.registerOperator('bytes <= bytes', (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) <= 0)
  environment.registerOperator('bytes > bytes', (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) > 0)
  environment.registerOperator('bytes >= bytes', (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) >= 0)
  environment.registerOperator(`${IP_TYPE} == ${IP_TYPE}`, (a: IpAddress, b: IpAddress) => a.sharesPrefix(b, a.width))
  environment.registerOperator(
    `${CIDR_TYPE} == ${CIDR_TYPE}`,
    (a: CidrRange, b: CidrRange) => a.toCelText() === b.toCelText(),
  )
}

/**
 * The library describes a value by descending through the first elements of lists and maps, and keeps the description of
 * every shape it has seen, so that a client's JSON would decide how much memory we lose. One level is enough to choose
 * an overload by.
 */
function patchShallowTyping(): void {
  const evaluator = findEvaluator() as Evaluator & { debugTypeDeep?: unknown }
  if (typeof evaluator.debugTypeDeep !== 'function') throw new Error(movedMessage('debugTypeDeep'))
  evaluator.debugTypeDeep = function (this: Evaluator, value: unknown) {
    return this.debugType(value)
  }
}

/** The message of the error for a library that is not the one that this folder was written for. */
export function movedMessage(what: string): string {
  return `@marcbachmann/cel-js is not the version that contract/cel was written for (8.0.0): ${what}`
}

/** The prototype of the library's evaluator, which it hands to macros only. */
function findEvaluator(): object {
  let found: object | undefined
  const probe = new Environment().registerFunction(
    'weir_probe(ast): dyn',
    () => ({
      async: false,
      typeCheck: (checker: { getType(name: string): unknown }) => checker.getType('dyn'),
      evaluate: (evaluator: object) => {
        found = Object.getPrototypeOf(evaluator) as object
        return true
      },
    }),
    SYNC,
  )
  probe.evaluate('weir_probe(1)')
  if (found === undefined) throw new Error(movedMessage('macros are not evaluated'))
  return found
}

function build(): Environment {
  patchShallowTyping()
  const environment = new Environment({
    homogeneousAggregateLiterals: false,
    limits: {
      maxAstNodes: LIMITS.nodes,
      maxDepth: LIMITS.depth,
      maxListElements: LIMITS.listElements,
      maxMapEntries: LIMITS.mapEntries,
      maxCallArguments: LIMITS.arguments,
    },
  })
  environment.registerType(IP_TYPE, IpAddress)
  environment.registerType(CIDR_TYPE, CidrRange)
  environment.registerType(FLATTENED_TYPE, CelFlattened)
  for (const name of NAMESPACES) registerNamespace(environment, name)
  for (const known of CEL_FUNCTIONS) registerFunction(environment, known)
  registerOperators(environment)
  return environment
}

const environment = build()

/** Parses an expression. @throws LibraryError when the text is none, or exceeds a limit */
export function parse(source: string): Parsed {
  return environment.parse(source) as unknown as Parsed
}

/** Whether a name is one of CEL's own: a type (`int`), a namespace (`math`), `google`, `cel`. */
export function isReservedName(name: string): boolean {
  // The library knows `optional` even where optional types are off.
  return name !== 'optional' && environment.hasVariable(name)
}
