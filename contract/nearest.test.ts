import { didYouMean, editDistance, nearest } from './nearest.ts'

describe('nearest', () => {
  const fields = ['name', 'namespace', 'hostname', 'port', 'protocol', 'tls']

  it.each([
    ['nmae', 'name'],
    ['Port', 'port'],
    ['hostnames', 'hostname'],
    ['protcol', 'protocol'],
    ['names', 'name'],
    ['tsl', 'tls'],
    ['proto', 'protocol'],
  ])('takes %s for %s', (typed, meant) => {
    expect(nearest(typed, fields)).toBe(meant)
  })

  it('knows nothing near a word of its own', () => {
    expect(nearest('weight', fields)).toBeUndefined()
    expect(nearest('', fields)).toBeUndefined()
    expect(nearest('x'.repeat(5000), [...fields, 'x'.repeat(5001)])).toBeUndefined()
  })
})

describe('didYouMean', () => {
  it.each([
    ['edeg', ['edge', 'hedge'], "did you mean 'edge'?"],
    ['agentgatway', ['agentgateway', 'agent'], "did you mean 'agentgateway'?"],
    ['tow', ['one', 'two'], "did you mean 'two'?"],
    ['HTTP', ['https', 'http'], "did you mean 'http'?"],
  ])('finds what %s was meant to be', (name, known, advice) => {
    expect(didYouMean(name, known)).toBe(advice)
  })

  it.each([
    ['web', ['api', 'admin']],
    ['production', ['staging']],
    ['anything', []],
  ])('says nothing where nothing is near %s', (name, known) => {
    expect(didYouMean(name, known)).toBeUndefined()
  })

  it('does not compare names as long as a line', () => {
    const long = 'a'.repeat(101)
    expect(didYouMean(long, [`${long}b`])).toBeUndefined()
  })
})

describe('editDistance', () => {
  it('counts inserted, deleted, replaced and swapped characters', () => {
    const pairs: readonly (readonly [string, string, number])[] = [
      ['', '', 0],
      ['', 'abc', 3],
      ['abc', '', 3],
      ['abc', 'abc', 0],
      ['abc', 'abd', 1],
      ['abc', 'acb', 1],
      ['abc', 'ab', 1],
      ['abc', 'xabc', 1],
      ['kitten', 'sitting', 3],
      ['ca', 'abc', 3],
    ]
    for (const [a, b, edits] of pairs) {
      expect([a, b, editDistance(a, b)]).toEqual([a, b, edits])
      expect([b, a, editDistance(b, a)]).toEqual([b, a, edits])
    }
  })
})

describe('nearest, of many', () => {
  const known = ['request', 'response', 'llm', 'source', 'requestModel']

  it('finds what was meant', () => {
    expect(nearest('reqeust', known)).toBe('request')
    expect(nearest('LLM', known)).toBe('llm')
    expect(nearest('respons', known)).toBe('response')
    expect(nearest('requestmodl', known)).toBe('requestModel')
  })

  it('finds nothing where nothing is near', () => {
    expect(nearest('x', known)).toBeUndefined()
    expect(nearest('lxx', known)).toBeUndefined()
    expect(nearest('unrelated', known)).toBeUndefined()
    expect(nearest('a'.repeat(100_000), known)).toBeUndefined()
    expect(nearest('request', [])).toBeUndefined()
  })

  it('prefers the nearer one', () => {
    expect(nearest('sourse', ['sourest', 'source', 'courses'])).toBe('source')
  })
})
