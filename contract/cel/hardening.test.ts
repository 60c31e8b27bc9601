import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { compileExpression, compileFor } from './compile.ts'
import { celData } from './data.ts'
import type { LinkTarget } from './link.ts'
import type { CelResult, CelVariables, Program } from './program.ts'

/*
 * What hostile expressions and hostile data may not do. None of these looks at a clock: work that is out of bounds must
 * end in an error of the compiler or of the budget.
 */

const ANY: LinkTarget = {
  names: {
    find: (name) =>
      /^[a-z]\w*\d$/.test(name) ? { name, type: 'dyn', phase: 'request', built: true, doc: '' } : undefined,
    spellings: [],
  },
  phase: 'end',
}

function programOf(source: string): Program {
  const compiled = compileFor(source, ANY)
  if (!compiled.ok) throw new Error(`${source.slice(0, 80)}: ${compiled.problem.message}`)
  return compiled.program
}

function evaluate(source: string, variables: CelVariables = {}): CelResult {
  return programOf(source).evaluate(variables)
}

function refusal(source: string): string {
  const compiled = compileFor(source, ANY)
  if (compiled.ok) throw new Error(`${source.slice(0, 80)} compiles`)
  return compiled.problem.message
}

const OVER: CelResult = { ok: false, failure: 'budget_exceeded' }
const ABSENT: CelResult = { ok: false, failure: 'no_such_key' }

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

describe('the shape of an expression', () => {
  const shapes: { readonly [what: string]: string } = {
    'parentheses, 1000 deep': `${'('.repeat(1000)}1${')'.repeat(1000)}`,
    'lists, 1000 deep': `${'['.repeat(1000)}${']'.repeat(1000)}`,
    '4000 times !': `${'!'.repeat(4000)}true`,
    '4000 times -': `${'-'.repeat(4000)}1`,
    '2000 terms': `1${'+1'.repeat(1999)}`,
    '1000 ternaries': `${'true ? 1 : '.repeat(300)}0`,
    '1000 fields': `x1${'.x'.repeat(1500)}`,
    '400 loops in a row': `l1${'.map(x,x)'.repeat(400)}`,
    'a list of 300': `[${'1,'.repeat(300)}1]`,
    'a map of 300': `{${numbers(300)
      .map((key) => `"${key}":1`)
      .join(',')}}`,
    '20 arguments': `math.least(${'1,'.repeat(19)}1)`,
    '4097 characters': `${' '.repeat(4096)}1`,
  }
  for (const [what, source] of Object.entries(shapes)) {
    it(`${what} is refused`, () => {
      expect(refusal(source)).toMatch(/too large|longer than/)
    })
  }

  it('does not matter as long as it is within the limits', () => {
    expect(evaluate(`${'('.repeat(60)}1${')'.repeat(60)}`)).toEqual({ ok: true, value: 1n })
    expect(evaluate(`1${'+1'.repeat(900)}`)).toEqual({ ok: true, value: 901n })
    expect(evaluate(`${'!'.repeat(1900)}true`)).toEqual({ ok: true, value: true })
  })

  it('has loops two deep at most', () => {
    expect(refusal('l1.map(a, l1.map(b, l1.map(c, 1)))')).toBe('loops stand inside each other more than 2 deep')
    expect(refusal('l1.exists(a, l1.all(b, l1.mapValues(c, true)))')).toContain('more than 2 deep')
    expect(evaluate('l1.map(a, l1.map(b, a + b)).map(c, c)', { l1: [1] })).toEqual({ ok: true, value: [[2]] })
  })
})

describe('the budget', () => {
  it('bounds loops', () => {
    const l1 = numbers(1000)
    expect(evaluate('l1.map(a, l1.map(b, 1))', { l1 })).toEqual(OVER)
    expect(evaluate('l1.exists(a, l1.exists(b, false))', { l1 })).toEqual(OVER)
    expect(evaluate('l1.map(a, a)', { l1: numbers(100_001) })).toEqual(OVER)
    expect(evaluate('m1.mapValues(v, l1.existsOne(x, x == 5))', { m1: Object.fromEntries(l1.entries()), l1 })).toEqual(
      OVER,
    )
    expect(evaluate('l1.filter(a, l1.filter(b, b == a).size() == 1).size()', { l1: numbers(100) })).toEqual({
      ok: true,
      value: 100n,
    })
  })

  it('cannot be hidden behind || or coalesce', () => {
    const l1 = numbers(1000)
    expect(evaluate('l1.map(a, l1.map(b, 1)).size() == 0 || true', { l1 })).toEqual(OVER)
    expect(evaluate('coalesce(l1.map(a, l1.map(b, 1)), 1)', { l1 })).toEqual(OVER)
    expect(evaluate('default(l1.map(a, l1.map(b, 1)), 1)', { l1 })).toEqual(OVER)
  })

  it('is whole again for the next evaluation', () => {
    const program = programOf('l1.map(a, l1.map(b, 1)).size()')
    expect(program.evaluate({ l1: numbers(1000) })).toEqual(OVER)
    expect(program.evaluate({ l1: numbers(10) })).toEqual({ ok: true, value: 10n })
  })

  it('bounds lists and texts that grow', () => {
    expect(evaluate(`m1${'.map(x, x + x)'.repeat(26)}`, { m1: [[1]] })).toEqual(OVER)
    expect(evaluate(`s1${'.map(x, x + x)'.repeat(30)}`, { s1: ['a'] })).toEqual(OVER)
    expect(evaluate('b1 + b1', { b1: new Uint8Array(700_000) })).toEqual(OVER)
    expect(evaluate('t1.replace("", t1)', { t1: 'x'.repeat(10_000) })).toEqual(OVER)
    expect(evaluate('l1.join(t1)', { l1: ['', '', ''], t1: 'x'.repeat(600_000) })).toEqual(OVER)
    expect(evaluate('t1.split("")', { t1: 'x'.repeat(20_000) })).toEqual(OVER)
    expect(evaluate('toJson(l1)', { l1: Array.from({ length: 200 }, () => 'x'.repeat(10_000)) })).toEqual(OVER)
    expect(evaluate('l1.map(x, t1.replace("x", "yy"))', { l1: numbers(10_000), t1: 'x'.repeat(100_000) })).toEqual(OVER)
  })

  it('bounds lists and maps that loops write out', () => {
    const list = `[${'1,'.repeat(255)}1]`
    expect(evaluate(`l1.map(x, ${list})`, { l1: numbers(5000) })).toEqual(OVER)
    const map = `{${numbers(200)
      .map((key) => `"k${key}": x`)
      .join(',')}}`
    expect(evaluate(`l1.map(x, ${map})`, { l1: numbers(5000) })).toEqual(OVER)
  })

  it('bounds work on long texts inside loops', () => {
    const variables = { l1: numbers(10_000), t1: 'x'.repeat(1_000_000) }
    for (const call of [
      't1.contains("y")',
      't1.matches("y$")',
      't1.lowerAscii() == ""',
      'size(t1) == 0',
      't1.trim() == ""',
    ]) {
      expect([call, evaluate(`l1.map(x, ${call})`, variables)]).toEqual([call, OVER])
    }
    expect(evaluate('l1.map(x, json(t1))', { ...variables, t1: `[${'1,'.repeat(100_000)}1]` })).toEqual(OVER)
  })

  it('lets through what is large and ordinary', () => {
    const prompt = Array.from({ length: 2000 }, (_, index) => ({ role: 'user', content: `message ${index}` }))
    const compiled = compileExpression('flattenRecursive(llm.prompt.map(c, {"message": c}))', { phase: 'end' })
    expect(compiled.ok && compiled.program.evaluate({ llm: { prompt } }).ok).toBe(true)
    expect(
      evaluate('b1 == b1 && string(b1).contains("needle")', { b1: Buffer.from(`${'x'.repeat(2_000_000)}needle`) }),
    ).toEqual({
      ok: true,
      value: true,
    })
  })
})

describe('regular expressions', () => {
  it('take linear time', () => {
    const evil1 = `${'a'.repeat(50_000)}!`
    expect(evaluate('evil1.matches("(a+)+$")', { evil1 })).toEqual({ ok: true, value: false })
    expect(evaluate('evil1.matches("^(([a-z])+.)+[A-Z]([a-z])+$")', { evil1 })).toEqual({ ok: true, value: false })
    expect(evaluate('evil1.regexReplace("(a+)+!", "<$1>").size() < 50003', { evil1 })).toEqual({
      ok: true,
      value: true,
    })
    expect(evaluate('evil1.regexReplace("(a|aa)+$", "")', { evil1 })).toEqual({ ok: true, value: evil1 })
  })

  it('cannot be bombs', () => {
    expect(refusal('"a".matches("((a{1,1000}){1,1000}){1,1000}")')).toContain('invalid regular expression')
    expect(evaluate('"a".matches(p1)', { p1: '((a{1,1000}){1,1000}){1,1000}' })).toEqual({
      ok: false,
      failure: 'invalid_argument',
    })
  })

  it('that data makes do not fill the memory', () => {
    const program = programOf('"a".matches(p1)')
    for (let index = 0; index < 2000; index++) expect(program.evaluate({ p1: `a${index}` }).ok).toBe(true)
  })
})

describe('prototypes', () => {
  const o1 = { a: 1, inner: { b: 2 } }

  it('cannot be reached through data', () => {
    for (const key of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'prototype']) {
      expect([key, evaluate(`o1.${key}`, { o1 })]).toEqual([key, ABSENT])
      expect([key, evaluate(`o1["${key}"]`, { o1 })]).toEqual([key, ABSENT])
      expect([key, evaluate('o1[k1]', { o1, k1: key })]).toEqual([key, ABSENT])
      expect([key, evaluate(`has(o1.${key}) || "${key}" in o1 || has(o1.inner.${key})`, { o1 })]).toEqual([
        key,
        { ok: true, value: false },
      ])
      expect([key, evaluate('o1.with(x, x[k1])', { o1, k1: key })]).toEqual([key, ABSENT])
    }
    expect(evaluate('l1.length', { l1: [1] }).ok).toBe(false)
    expect(evaluate('s1.length', { s1: 'text' }).ok).toBe(false)
    expect(refusal('[1].map(x, x.constructor)')).toBe("Cannot index type 'int'")
  })

  it('cannot be reached through names', () => {
    for (const name of ['constructor', 'toString', 'hasOwnProperty', 'valueOf']) {
      const compiled = compileExpression(name, { phase: 'end' })
      expect(compiled.ok ? 'compiles' : compiled.problem.message).toBe(`unknown variable '${name}'`)
    }
    expect(compileExpression('__proto__', { phase: 'end' }).ok).toBe(false)
    expect(compileExpression('llm.constructor', { phase: 'end' }).ok).toBe(false)
    expect(compileExpression('llm.__proto__', { phase: 'end' }).ok).toBe(false)
  })

  it('cannot be changed', () => {
    expect(evaluate('{"__proto__": {"polluted": 1}}["__proto__"].polluted')).toEqual({ ok: true, value: 1n })
    expect(evaluate('l1.map(__proto_1, 1).size()', { l1: [1] })).toEqual({ ok: true, value: 1n })
    const merged = evaluate('json(t1).merge({"a": 1})', { t1: '{"__proto__": {"polluted": 1}}' })
    expect(merged.ok && Object.keys(merged.value as object)).toEqual(['__proto__', 'a'])
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })

  it('leave keys of their names to data', () => {
    const hostile = celData(
      JSON.parse(
        '{"model":"m","constructor":"x","__proto__":{"a":1},"deep":[{"constructor":{"name":"Object"},"b":2}]}',
      ),
    )
    expect(evaluate('[d1.model, d1.constructor, d1["__proto__"].a, d1.deep[0].b, size(d1)]', { d1: hostile })).toEqual({
      ok: true,
      value: ['m', 'x', 1, 2, 4n],
    })
    expect(evaluate('json(t1).constructor', { t1: '{"constructor": "x"}' })).toEqual({ ok: true, value: 'x' })
    const whole = evaluate('d1', { d1: hostile })
    expect(whole.ok && JSON.stringify(whole.value)).toBe(
      '{"model":"m","constructor":"x","__proto__":{"a":1},"deep":[{"constructor":{"name":"Object"},"b":2}]}',
    )
  })
})

describe('data', () => {
  it('of any depth is refused rather than followed', () => {
    const nested = (): unknown => {
      let deep: unknown = 1
      for (let level = 0; level < 100_000; level++) deep = [deep]
      return deep
    }
    const deep = nested()
    for (const source of ['d1', 'flatten(d1)', 'toJson(d1)', 'd1 == d2', 'd1 in [d2]']) {
      expect([source, evaluate(source, { d1: deep, d2: nested() })]).toEqual([source, OVER])
    }
    expect(celData(deep)).toBeUndefined()
    expect(evaluate('json(t1)', { t1: `${'['.repeat(5000)}${']'.repeat(5000)}` })).toEqual({
      ok: false,
      failure: 'invalid_argument',
    })
  })

  it('of any shape leaves nothing behind in the library', () => {
    // As shipped, the library keeps a description of each shape: these would take a quarter of a gigabyte.
    const program = programOf('[type(d1), size(d1) > 0, d1 + d1 == d1, d1 in [d1]].size()')
    const collect = collector()
    let seed = 1
    const shape = (): unknown => {
      let value: unknown = 1
      for (let level = 0; level < 24; level++) {
        seed = (seed * 48_271) % 2_147_483_647
        value = seed % 2 === 0 ? [value] : { k: value }
      }
      return [value]
    }
    collect()
    const before = process.memoryUsage().heapUsed
    for (let round = 0; round < 20_000; round++) expect(program.evaluate({ d1: shape() }).ok).toBe(true)
    collect()
    expect((process.memoryUsage().heapUsed - before) / 2 ** 20).toBeLessThan(40)
  })

  it('that is no data of CEL is an error, not a value', () => {
    for (const value of [
      () => 1,
      Symbol('s'),
      new Date(Number.NaN),
      new (class Secret {})(),
      Promise.resolve(1),
      new Set([1]),
    ]) {
      const result = evaluate('[d1].map(x, x)', { d1: value })
      expect(result.ok).toBe(false)
    }
  })

  it('without a prototype, or with a value that is undefined or null, is ordinary', () => {
    const bare = Object.assign(Object.create(null) as object, { model: 'm' })
    expect(evaluate('d1.model', { d1: bare })).toEqual({ ok: true, value: 'm' })
    expect(evaluate('[has(d1.x), has(d1.y), "y" in d1]', { d1: { x: undefined, y: null } })).toEqual({
      ok: true,
      value: [false, true, true],
    })
  })

  it('that looks like a value of the library stays a map', () => {
    expect(evaluate('type(d1)', { d1: { seconds: 1n, nanos: 0 } })).toEqual({ ok: true, value: 'map' })
  })
})

/** The garbage collector, which Node hands out only when asked to. */
function collector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}

describe('what is kept', () => {
  it('is nothing of the request, after loops and scopes', async () => {
    const held = [
      'l1.map(x, x.a)',
      'l1.exists(x, x.b == 1)',
      'l1.with(y, y.size())',
      'cel.bind(z, l1, z.size())',
      'l1[0].mapValues(v, v)',
    ].map(programOf)
    const forgotten = new FinalizationRegistry<string>((name) => released.add(name))
    const released = new Set<string>()
    const run = (program: Program): void => {
      const l1 = [{ a: new Array(1000).fill(0), b: 2 }]
      forgotten.register(l1, program.source)
      program.evaluate({ l1 })
    }
    for (const program of held) run(program)
    const collect = collector()
    for (let turn = 0; turn < 50 && released.size < held.length; turn++) {
      collect()
      await new Promise((done) => setImmediate(done))
    }
    expect([...released].sort()).toEqual(held.map((program) => program.source).sort())
  })

  it('is no text of the request in a failure', () => {
    const result = evaluate('s1.b + 1', { s1: { a: 'secret prompt' } })
    expect(JSON.stringify(result)).toBe('{"ok":false,"failure":"no_such_key"}')
  })
})
