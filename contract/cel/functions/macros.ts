import { CelFault, failureOf, NO_SUCH_KEY, TYPE_ERROR } from '../fault.ts'
import type { CheckedType, Checker, Evaluator, LoopScope, Macro, Node, Scope } from '../library.ts'
import { LIMITS } from '../limits.ts'
import { charge } from '../meter.ts'
import { readerOf } from '../path.ts'
import type { CelFunction, MacroCall, Overload } from './table.ts'

/** A macro that opens a scope with one variable, the first argument, for its body, the second one. */
abstract class ScopeMacro implements Macro {
  readonly async = false
  scope?: LoopScope
  readonly variable: string
  readonly receiver: Node
  readonly body: Node

  constructor({ args, receiver }: MacroCall) {
    const [variable, body] = args as [Node, Node]
    // A macro whose variable is no name is reported by link.ts.
    this.variable = variable.op === 'id' ? (variable.args as string) : ''
    this.receiver = receiver as Node
    this.body = body
  }

  /** The type of the variable, given that of the receiver. */
  abstract variableType(checker: Checker, receiver: CheckedType): CheckedType

  abstract resultType(checker: Checker, body: CheckedType): CheckedType

  abstract run(evaluator: Evaluator, receiver: unknown, scope: LoopScope): unknown

  typeCheck(checker: Checker, _macro: Macro, scope: Scope): CheckedType {
    const receiver = checker.check(this.receiver, scope)
    this.scope = scope.forkWithVariable(this.variable, this.variableType(checker, receiver))
    return this.resultType(checker, checker.check(this.body, this.scope as unknown as Scope))
  }

  evaluate(evaluator: Evaluator, _macro: Macro, scope: Scope): unknown {
    const receiver = evaluator.run(this.receiver, scope)
    return this.run(evaluator, receiver, (this.scope as LoopScope).reuse(scope))
  }
}

function mustBe(checker: Checker, type: CheckedType, kinds: readonly string[], what: string, node: Node): void {
  if (!kinds.includes(type.kind)) throw checker.createError('no_such_overload', `${what}, not ${type.name}`, node)
}

class With extends ScopeMacro {
  variableType(_checker: Checker, receiver: CheckedType): CheckedType {
    return receiver
  }

  resultType(_checker: Checker, body: CheckedType): CheckedType {
    return body
  }

  run(evaluator: Evaluator, receiver: unknown, scope: LoopScope): unknown {
    return evaluator.run(this.body, scope.setIterValue(receiver, evaluator))
  }
}

function entriesOf(value: unknown): Iterable<readonly [unknown, unknown]> {
  if (value instanceof Map) return value
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw TYPE_ERROR
  if (value.constructor !== Object && value.constructor !== undefined) throw TYPE_ERROR
  return Object.entries(value)
}

class MapValues extends ScopeMacro {
  variableType(checker: Checker, receiver: CheckedType): CheckedType {
    mustBe(checker, receiver, ['map', 'dyn'], 'mapValues() takes a map', this.receiver)
    return receiver.valueType ?? checker.getType('dyn')
  }

  resultType(checker: Checker): CheckedType {
    return checker.getType('map')
  }

  run(evaluator: Evaluator, receiver: unknown, scope: LoopScope): unknown {
    const made = new Map<unknown, unknown>()
    for (const [key, value] of entriesOf(receiver)) {
      charge(1)
      if (value !== undefined) made.set(key, evaluator.run(this.body, scope.setIterValue(value, evaluator)))
    }
    return made
  }
}

class FilterKeys extends ScopeMacro {
  variableType(checker: Checker, receiver: CheckedType): CheckedType {
    mustBe(checker, receiver, ['map', 'dyn'], 'filterKeys() takes a map', this.receiver)
    return receiver.keyType ?? checker.getType('dyn')
  }

  resultType(checker: Checker, body: CheckedType): CheckedType {
    if (body.name !== 'bool') mustBe(checker, body, ['dyn'], 'filterKeys() needs a condition that is a bool', this.body)
    return checker.getType('map')
  }

  run(evaluator: Evaluator, receiver: unknown, scope: LoopScope): unknown {
    const kept = new Map<unknown, unknown>()
    for (const [key, value] of entriesOf(receiver)) {
      charge(1)
      const keep = evaluator.run(this.body, scope.setIterValue(key, evaluator))
      if (typeof keep !== 'boolean') throw TYPE_ERROR
      if (keep) kept.set(key, value)
    }
    return kept
  }
}

class ExistsOne extends ScopeMacro {
  variableType(checker: Checker, receiver: CheckedType): CheckedType {
    mustBe(checker, receiver, ['list', 'map', 'dyn'], 'existsOne() takes a list or a map', this.receiver)
    return (receiver.kind === 'map' ? receiver.keyType : receiver.valueType) ?? checker.getType('dyn')
  }

  resultType(checker: Checker, body: CheckedType): CheckedType {
    if (body.name !== 'bool') mustBe(checker, body, ['dyn'], 'existsOne() needs a condition that is a bool', this.body)
    return checker.getType('bool')
  }

  run(evaluator: Evaluator, receiver: unknown, scope: LoopScope): unknown {
    const elements = Array.isArray(receiver) ? receiver : Array.from(entriesOf(receiver), ([key]) => key)
    let count = 0
    for (const element of elements) {
      charge(1)
      const holds = evaluator.run(this.body, scope.setIterValue(element, evaluator))
      if (typeof holds !== 'boolean') throw TYPE_ERROR
      if (holds) count++
    }
    return count === 1
  }
}

function unified(checker: Checker, types: readonly CheckedType[]): CheckedType {
  let common = types[0] as CheckedType
  for (const type of types) common = common.unify(checker.registry, type) ?? checker.getType('dyn')
  return common
}

class Default implements Macro {
  readonly async = false
  readonly #wanted: Node
  readonly #fallback: Node

  constructor({ args }: MacroCall) {
    this.#wanted = args[0] as Node
    this.#fallback = args[1] as Node
  }

  typeCheck(checker: Checker, _macro: Macro, scope: Scope): CheckedType {
    return unified(checker, [checker.check(this.#wanted, scope), checker.check(this.#fallback, scope)])
  }

  evaluate(evaluator: Evaluator, _macro: Macro, scope: Scope): unknown {
    const reader = readerOf(this.#wanted)
    const value = reader === undefined ? this.#attempt(evaluator, scope) : reader(scope)
    return value === undefined || value === null ? evaluator.run(this.#fallback, scope) : value
  }

  #attempt(evaluator: Evaluator, scope: Scope): unknown {
    try {
      return evaluator.run(this.#wanted, scope)
    } catch (error) {
      if (failureOf(error) === 'no_such_key') return undefined
      throw error
    }
  }
}

class Coalesce implements Macro {
  readonly async = false
  readonly #choices: readonly Node[]

  constructor({ args }: MacroCall) {
    this.#choices = args
  }

  typeCheck(checker: Checker, _macro: Macro, scope: Scope): CheckedType {
    return unified(
      checker,
      this.#choices.map((choice) => checker.check(choice, scope)),
    )
  }

  evaluate(evaluator: Evaluator, _macro: Macro, scope: Scope): unknown {
    let sawNull = false
    let error: unknown
    for (const choice of this.#choices) {
      try {
        const reader = readerOf(choice)
        const value = reader === undefined ? evaluator.run(choice, scope) : reader(scope)
        if (value === undefined) error = NO_SUCH_KEY
        else if (value !== null) return value
        else sawNull = true
      } catch (thrown) {
        // A failure of the evaluation as a whole, unlike one of a value, is not a choice's own.
        if (thrown instanceof CelFault && thrown.failure === 'budget_exceeded') throw thrown
        error = thrown
      }
    }
    if (sawNull) return null
    throw error
  }
}

function inScope(receiver: string, returns: string): Overload[] {
  return [{ receiver, parameters: ['ast', 'ast'], returns }]
}

/** Functions whose arguments are evaluated only when they are needed, or with one variable more. */
export const MACROS: readonly CelFunction[] = [
  {
    name: 'default',
    overloads: [{ parameters: ['ast', 'ast'], returns: 'dyn' }],
    expand: (call) => new Default(call),
    doc: 'the first value, or the second one when the first is null or absent; any other error stays an error',
    example: ['default({"a": 1}.b, 2)', '2'],
  },
  {
    name: 'coalesce',
    overloads: Array.from({ length: LIMITS.variadicArguments }, (_, index) => ({
      parameters: Array.from({ length: index + 1 }, () => 'ast'),
      returns: 'dyn',
    })),
    expand: (call) => new Coalesce(call),
    doc: 'the first of up to eight values that is neither null nor an error; null when one was null, else the last error',
    example: ['coalesce(1 / 0, null, "c")', '"c"'],
  },
  {
    name: 'with',
    overloads: inScope('dyn', 'dyn'),
    expand: (call) => new With(call),
    doc: 'the second argument, in which the first is a name for what stands before the dot',
    example: ['[1, 2].with(a, a + a)', '[1,2,1,2]'],
  },
  {
    name: 'mapValues',
    overloads: inScope('map', 'map'),
    expand: (call) => new MapValues(call),
    doc: 'the map with each value computed anew',
    example: ['{"a": 1, "b": 2}.mapValues(v, v * 2)', '{"a":2,"b":4}'],
  },
  {
    name: 'filterKeys',
    overloads: inScope('map', 'map'),
    expand: (call) => new FilterKeys(call),
    doc: 'the map without the entries for whose key the condition is false',
    example: ['{"a": 1, "b": 2}.filterKeys(k, k != "b")', '{"a":1}'],
  },
  {
    name: 'existsOne',
    also: ['existsOne'],
    overloads: inScope('list', 'bool'),
    expand: (call) => new ExistsOne(call),
    doc: 'as `exists_one`',
    example: ['[1, 2, 2].existsOne(x, x == 2)', 'false'],
  },
]
