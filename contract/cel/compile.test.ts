import { compileExpression } from './compile.ts'
import type { CelPhase, CelProblem, Program } from './program.ts'

function problemOf(source: string, phase: CelPhase = 'end'): CelProblem {
  const compiled = compileExpression(source, { phase })
  if (compiled.ok) throw new Error(`${source} compiles`)
  return compiled.problem
}

function programOf(source: string, phase: CelPhase = 'end'): Program {
  const compiled = compileExpression(source, { phase })
  if (!compiled.ok) throw new Error(`${source}: ${compiled.problem.message}`)
  return compiled.program
}

function mentionsOf(source: string): string[] {
  return [...programOf(source).mentions].sort()
}

/** Each line: the expression with `^` before the place of the mistake, the message, the advice. */
const MISTAKES: readonly (readonly [marked: string, message: string, advice?: string])[] = [
  // names of variables
  ['^lmm.requestModel', "unknown variable 'lmm'", "did you mean 'llm'?"],
  ['"x" + ^reqest.path', "unknown variable 'reqest'", "did you mean 'request'?"],
  ['^api_kye.key', "unknown variable 'api_kye'", "did you mean 'api_key'?"],
  ['^somethingElse', "unknown variable 'somethingElse'"],
  ['llm.^requestMdel', "'requestMdel' is no field of 'llm'", "did you mean 'requestModel'?"],
  ['llm.^request_modle', "'request_modle' is no field of 'llm'", "did you mean 'request_model'?"],
  ['llm["^inputToken"]', "'inputToken' is no field of 'llm'", "did you mean 'inputTokens'?"],
  ['source.identity.^namespce', "'namespce' is no field of 'source.identity'", "did you mean 'namespace'?"],
  ['llm.^zzz', "'zzz' is no field of 'llm'"],
  ['[1].map(x, ^somebody)', "unknown variable 'somebody'"],
  ['llm.toolCalls.map(call, ^cal.name)', "unknown variable 'cal'", "did you mean 'call'?"],
  ['[1].map(x, x) + [^x]', "unknown variable 'x'"],
  ['default(^lmm.requestModel, "")', "unknown variable 'lmm'", "did you mean 'llm'?"],
  // names of functions
  ['^flaten(llm.params)', "unknown function 'flaten'", "did you mean 'flatten'?"],
  ['^flatten_recursiv(llm.prompt)', "unknown function 'flatten_recursiv'", "did you mean 'flatten_recursive'?"],
  ['request.path.^startWith("/")', "unknown function 'startWith'", "did you mean 'startsWith'?"],
  ['base64.^encod("a")', "unknown function 'base64.encod'", "did you mean 'base64.encode'?"],
  ['base64.^zzzzzzzz("a")', "unknown function 'base64.zzzzzzzz'"],
  ['llm.prompt.^mapp(m, m)', "unknown function 'mapp'", "did you mean 'map'?"],
  // types
  ['^request.path + 1', 'no such overload: string + int'],
  ['true && ^request.path.size() + "a" == ""', 'no such overload: int + string'],
  ['^llm.inputTokens == "5"', 'no such overload: int == string'],
  ['^flatten(request.path)', "found no matching overload for 'flatten(string)'"],
  ['^indexOf("a")', "found no matching overload for 'indexOf(string)'"],
  ['llm.streaming && ^request.path', "Logical operator requires bool operands, got 'string'"],
  ['^llm.inputTokens || llm.streaming', "Logical operator requires bool operands, got 'int'"],
  ['^llm.inputTokens ? 1 : 2', "Ternary condition must be bool, got 'int'"],
  ['llm.prompt.filter(m, ^m.role)', "filter(var, predicate) predicate must return bool, got 'string'"],
  ['request.path.^name', "Cannot index type 'string'"],
  ['^!request.path', 'no such overload: !string'],
  ['[1].map(^1 + 1, 2)', 'map(var, transform) invalid predicate iteration variable'],
  ['{"a": 1, ^"a": 2}', 'this key of the map stands there twice'],
  ['{^1.5: 1}', 'a key of a map is a text, an int, a uint or a bool'],
  ['^b"é\\x41" == b""', 'bytes hold escapes or characters beyond ASCII, not both'],
  ['has(^llm)', 'has() takes a field, such as has(request.headers.host)'],
  ['"a".matches(^"(")', 'invalid regular expression: error parsing regexp: missing closing ): `(`'],
  // syntax
  ['1 +^', 'the expression ends too early'],
  ['(1^', "expected ')', found the end"],
  ['llm.requestModel ^= "x"', "unexpected '='", "write '==' to compare"],
  ['true ^& false', "unexpected '&'", "write '&&' for and"],
  ['1 ^2', "unexpected '2'"],
  ['f(1^;', "unexpected ';'", 'an expression has no statements'],
  ['^"abc', 'Unterminated string'],
  ['request.^', 'expected a name, found the end'],
  ['^', 'the expression ends too early'],
]

describe('mistakes', () => {
  for (const [marked, message, advice] of MISTAKES) {
    it(`${JSON.stringify(marked)} is one`, () => {
      const offset = marked.indexOf('^')
      const { column, ...rest } = problemOf(marked.replace('^', ''))
      expect(rest).toEqual({ severity: 'error', line: 1, message, ...(advice !== undefined && { advice }) })
      expect(column).toBe(offset + 1)
    })
  }

  it('are placed by line and by character', () => {
    expect(problemOf('true &&\n  "🎉é" == lmm.x')).toMatchObject({
      line: 2,
      column: 11,
      message: "unknown variable 'lmm'",
    })
    expect(problemOf('"""\n\n""" + 1\n')).toMatchObject({ line: 1, column: 1 })
    expect(problemOf('1 +\n  2 +\n')).toMatchObject({ line: 3, column: 1, message: 'the expression ends too early' })
  })

  it('in a phase name the variable that is known too late', () => {
    expect(problemOf('request.path == "/" && response.code == 200', 'request')).toEqual({
      severity: 'error',
      message: "'response' is only known at the end of a request",
      line: 1,
      column: 24,
    })
    expect(problemOf('request.body_prefix == b""', 'request').message).toBe(
      "'request.bodyPrefix' is only known at the end of a request",
    )
  })

  it('are never thrown, whatever the text', () => {
    const pieces = [
      '(',
      ')',
      '[',
      ']',
      '{',
      '}',
      '"',
      "'",
      '.',
      ',',
      ':',
      '?',
      '!',
      '-',
      '+',
      '&&',
      '||',
      '==',
      'in ',
      'llm',
      'has',
      'map',
      '1',
      '1u',
      'b"',
      'x',
      '\\',
      '\n',
      '🎉',
      '\0',
      '$',
      '`',
      '//',
    ]
    let seed = 1
    const next = (): number => {
      seed = (seed * 48271) % 2147483647
      return seed
    }
    for (let round = 0; round < 5000; round++) {
      const source = Array.from({ length: 1 + (next() % 9) }, () => pieces[next() % pieces.length]).join('')
      const compiled = compileExpression(source, { phase: 'end' })
      if (compiled.ok) compiled.program.evaluate({})
      else expect(compiled.problem.line).toBeGreaterThan(0)
    }
  })
})

describe('mentions', () => {
  it('are canonical and two levels deep', () => {
    expect(mentionsOf('llm.request_model + llm["response_model"]')).toEqual(['llm.requestModel', 'llm.responseModel'])
    expect(mentionsOf('request["headers"]["x-a"] + request.headers.host')).toEqual(['request.headers'])
    expect(mentionsOf('jwt.sub == "x" && jwt["groups"].size() > 0')).toEqual(['jwt.groups', 'jwt.sub'])
    expect(mentionsOf('proxy.route.name + source.unverified_workload.name')).toEqual([
      'proxy.route',
      'source.unverifiedWorkload',
    ])
  })

  it('see into macros, loops, has() and default()', () => {
    expect(mentionsOf('llm.prompt.map(m, m.content + request.path)')).toEqual(['llm.prompt', 'request.path'])
    expect(mentionsOf('has(llm.completion) || default(llm.params.top_p, 1.0) > 0.5')).toEqual([
      'llm.completion',
      'llm.params',
    ])
    expect(mentionsOf('[1].map(llm, llm)')).toEqual([])
  })

  it('name every field of a variable that is read as a whole', () => {
    const mentions = mentionsOf('backend.with(b, b.name)')
    expect(mentions).toEqual(['backend', 'backend.name', 'backend.protocol', 'backend.type'])
    expect(mentionsOf('toJson(llm)')).toContain('llm.prompt')
    expect(mentionsOf('jwt')).toEqual(['jwt'])
  })

  it('are all for variables()', () => {
    expect(mentionsOf('variables()')).toEqual(['*'])
  })
})

describe('programs', () => {
  it('tell their source', () => {
    expect(programOf(' llm.requestModel ').source).toBe(' llm.requestModel ')
  })

  it('yield plain values', () => {
    const llm = { requestModel: 'm', params: { top_p: 0.5 } }
    expect(programOf('{"n": [1u, 2, 3.5], "m": llm.params}').evaluate({ llm })).toEqual({
      ok: true,
      value: { n: [1n, 2n, 3.5], m: { top_p: 0.5 } },
    })
    expect(programOf('type(llm.requestModel)').evaluate({ llm })).toEqual({ ok: true, value: 'string' })
    expect(programOf('base64').evaluate({})).toEqual({ ok: false, failure: 'type_error' })
  })

  it('keep the order of keys, and drop what is undefined', () => {
    const jwt = { z: 1, a: undefined, b: null }
    const result = programOf('jwt').evaluate({ jwt })
    expect(result.ok && JSON.stringify(result.value)).toBe('{"z":1,"b":null}')
  })

  it('leave the data of the request as it is', () => {
    const jwt = Object.freeze({ list: Object.freeze([1, 2]), map: Object.freeze({ a: 1 }) })
    for (const source of [
      'jwt.list + [3.0]',
      'jwt.map.merge({"b": 2.0})',
      'jwt.list.map(x, x + 1)',
      'jwt.map.mapValues(v, 0)',
    ]) {
      expect(programOf(source).evaluate({ jwt }).ok).toBe(true)
    }
    expect(jwt).toEqual({ list: [1, 2], map: { a: 1 } })
  })

  it('treat a decided || or && as decided', () => {
    expect(programOf('jwt.a == 1 || true').evaluate({})).toEqual({ ok: true, value: true })
    expect(programOf('false && jwt.a == 1').evaluate({})).toEqual({ ok: true, value: false })
    expect(programOf('jwt.a == 1 || false').evaluate({})).toEqual({ ok: false, failure: 'no_such_key' })
  })

  it('know bytes by their UTF-8', () => {
    expect(programOf("b\"é\" == b\"\\303\\251\" && size(b'''ü''') == 2").evaluate({})).toEqual({
      ok: true,
      value: true,
    })
  })

  it('compare across kinds of numbers, lists and maps', () => {
    for (const source of [
      '1 == 1.0',
      '[1] == [1.0]',
      '{"a": 1u} == {"a": 1}',
      '3u in [1, 2, 3]',
      '1.0 in {1: true}',
      '{1: "a"}[1u] == "a"',
    ]) {
      expect([source, programOf(source).evaluate({})]).toEqual([source, { ok: true, value: true }])
    }
    expect(programOf('jwt.n == "1"').evaluate({ jwt: { n: 1 } })).toEqual({ ok: true, value: false })
  })
})
