import { movedMessage } from './engine.ts'
import type { LinkTarget } from './link.ts'
import type { CelFailure, CelResult, CelVariables, CompileResult } from './program.ts'

type CompileFor = (source: string, target: LinkTarget) => CompileResult

/**
 * This folder leans on internals of the library and of the regular expressions. Each line fails when one of them is no
 * longer what it was, before any traffic does.
 * @throws Error naming what moved
 */
export function selfTest(compile: CompileFor): void {
  const target: LinkTarget = {
    names: { find: (name) => ({ name, type: 'dyn', phase: 'request', built: true, doc: '' }), spellings: [] },
    phase: 'end',
  }
  const evaluate = (source: string, variables: CelVariables): CelResult => {
    const compiled = compile(source, target)
    if (!compiled.ok) throw new Error(movedMessage(`'${source}' does not compile: ${compiled.problem.message}`))
    try {
      return compiled.program.evaluate(variables)
    } catch (error) {
      throw new Error(movedMessage(`'${source}' throws`), { cause: error })
    }
  }
  const yields = (what: string, source: string, variables: CelVariables, expected: string): void => {
    const result = evaluate(source, variables)
    const actual = result.ok ? JSON.stringify(result.value) : result.failure
    if (actual !== expected) throw new Error(movedMessage(`${what}: '${source}' yields ${actual}, not ${expected}`))
  }
  const fails = (what: string, source: string, variables: CelVariables, failure: CelFailure): void => {
    yields(what, source, variables, failure)
  }
  const thousand = Array.from({ length: 1000 }, () => 0)

  yields('chains of fields', 'a.b["c"].d', { a: { b: { c: { d: 'x' } } } }, '"x"')
  fails('what is absent', 'a.b.c', { a: {} }, 'no_such_key')
  yields('has()', 'has(a[0].b) && !has(a[0].c)', { a: [{ b: 1 }] }, 'true')
  yields('default()', 'default(a[1].b, "x")', { a: [] }, '"x"')
  yields('scopes of macros', 'a.map(x, x.with(y, [x, y])).size() == 2', { a: ['p', 'q'] }, 'true')
  yields('map literals', '{"constructor": 1.0, true: 2.0}.size() == 2', {}, 'true')
  fails('the budget of loops', 'a.map(x, a.map(y, 0))', { a: thousand }, 'budget_exceeded')
  fails('the budget of lists', `a${'.map(x, x + x)'.repeat(20)}`, { a: [[0]] }, 'budget_exceeded')
  fails('the budget of texts', `a${'.map(x, x + x)'.repeat(30)}`, { a: ['0'] }, 'budget_exceeded')
  yields('regular expressions', 'a.matches("(?i)^GPT")', { a: 'gpt-4o' }, 'true')
  yields('captures', 'a.regexReplace("(x*)y(z)?", "<$1|$2>")', { a: 'axxyb' }, '"a<xx|>b"')
}
