import { compileRule, type Rule } from './rule.ts'

function ruleOf(source: string): Rule {
  const compiled = compileRule(source)
  if (!compiled.ok) throw new Error(`${source}: ${compiled.problem.message}`)
  return compiled.rule
}

describe('rules of CRDs', () => {
  it('judge objects as an API server does', () => {
    const cases: readonly (readonly [rule: string, self: unknown, verdict: boolean | undefined])[] = [
      ['has(self.host) == has(self.port)', { host: 'a', port: 1 }, true],
      ['has(self.host) == has(self.port)', { host: 'a' }, false],
      ['self.min <= self.max', { min: 1, max: 2 }, true],
      ['self.weight % 10 == 0', { weight: 15 }, false],
      ['self.ratio > 0.0 && self.ratio < 1.0', { ratio: 0.5 }, true],
      ['self.ratio / 2.0 == 0.5', { ratio: 1 }, true],
      ['size(self) <= 2', [1, 2, 3], false],
      ['self.all(p, p.port in [80, 443])', [{ port: 80 }, { port: 443 }], true],
      ['self.exists_one(p, p.default)', [{ default: true }, { default: true }], false],
      ['self.matches("^[a-z]+$")', 'abc', true],
      ['self.name.startsWith("a") || !has(self.name)', {}, true],
      ['self.namespace == "x" && self.type == "y"', { namespace: 'x', type: 'y' }, true],
      ['self == 3', 3, true],
      ['self.port > 0', {}, undefined],
      ['self.port', { port: 1 }, undefined],
      ['self.constructor == "x"', JSON.parse('{"constructor": "x"}'), true],
    ]
    for (const [rule, self, verdict] of cases) expect([rule, ruleOf(rule).check(self)]).toEqual([rule, verdict])
  })

  it('about a change are obeyed where there was nothing before', () => {
    const rule = ruleOf('self.name == oldSelf.name')
    expect(rule.check({ name: 'a' })).toBe(true)
    expect(rule.check({ name: 'a' }, { name: 'a' })).toBe(true)
    expect(rule.check({ name: 'a' }, { name: 'b' })).toBe(false)
    expect(ruleOf('[1].exists(oldSelf, oldSelf == self)').check(1)).toBe(true)
  })

  it('know nothing but self and oldSelf', () => {
    expect(compileRule('slf.a == 1')).toMatchObject({
      ok: false,
      problem: { line: 1, column: 1, advice: "did you mean 'self'?" },
    })
    expect(compileRule('request.path == ""').ok).toBe(false)
    expect(compileRule('size(variables()) == 0').ok).toBe(false)
    expect(compileRule('self.a ==')).toMatchObject({ ok: false, problem: { message: 'the expression ends too early' } })
  })

  it('do not follow data that is nested too deep', () => {
    const deep: unknown = JSON.parse(`${'['.repeat(100)}${']'.repeat(100)}`)
    expect(ruleOf('size(self) == 1').check(deep)).toBeUndefined()
  })
})
