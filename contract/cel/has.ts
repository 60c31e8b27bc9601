import { failureOf } from './fault.ts'
import type { CheckedType, Checker, Evaluator, Macro, Node, Scope } from './library.ts'
import { readerOf, readKey } from './path.ts'

/**
 * The library's own takes only chains of names; this one any path, and an index that is a literal text. It is false when
 * any part of the path is absent: CEL has an error then, which nobody who asks whether something is there wants.
 */
export class Has implements Macro {
  readonly async = false
  readonly #argument: Node
  readonly #key: string

  constructor(argument: Node, key: string) {
    this.#argument = argument
    this.#key = key
  }

  typeCheck(checker: Checker, _macro: Macro, scope: Scope): CheckedType {
    checker.check(this.#argument, scope)
    return checker.getType('bool')
  }

  evaluate(evaluator: Evaluator, _macro: Macro, scope: Scope): unknown {
    const reader = readerOf(this.#argument)
    if (reader !== undefined) return reader(scope) !== undefined
    try {
      const operand = evaluator.run((this.#argument.args as [Node, unknown])[0], scope)
      return readKey(operand, this.#key) !== undefined
    } catch (error) {
      if (failureOf(error) === 'no_such_key') return false
      throw error
    }
  }
}
