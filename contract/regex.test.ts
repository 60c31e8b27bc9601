import { checkRegex, compileRegex } from './regex.ts'

describe('checkRegex', () => {
  it.each(['', '/v[0-9]+/.*', '^a$', '(?i)x-.*', '\\d{1,1000}'])('takes %s', (pattern) => {
    expect(checkRegex(pattern)).toBeUndefined()
    expect(() => compileRegex(pattern)).not.toThrow()
  })

  it.each([
    ['a(b', 'missing closing )'],
    ['[', 'missing closing ]'],
    ['(?=look)', 'Perl syntax'],
    ['(a)\\1', 'invalid escape'],
    ['a{2000}', 'invalid repeat count'],
    ['('.repeat(2000) + ')'.repeat(2000), 'nests too deeply'],
    ['x'.repeat(5000), 'at most 4096 characters'],
  ])('says what is wrong with %.20s', (pattern, message) => {
    expect(checkRegex(pattern)).toContain(message)
  })
})

describe('compileRegex', () => {
  it('matches whole texts only', () => {
    const regex = compileRegex('/a|/ab')
    expect([regex.matches('/a'), regex.matches('/ab'), regex.matches('/abc'), regex.matches('x/a')]).toEqual([
      true,
      true,
      false,
      false,
    ])
  })
})
