import { editDistance, nearestName, snakeCase } from './spelling.ts'

describe('snakeCase', () => {
  it('separates words', () => {
    const spelled = [
      'requestModel',
      'isIP',
      'containsCIDR',
      'subjectCn',
      'toJson',
      'path',
      'HTTPRoute',
      'math.bitAnd',
    ].map(snakeCase)
    expect(spelled).toEqual([
      'request_model',
      'is_ip',
      'contains_cidr',
      'subject_cn',
      'to_json',
      'path',
      'http_route',
      'math.bit_and',
    ])
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

describe('nearestName', () => {
  const known = ['request', 'response', 'llm', 'source', 'requestModel']

  it('finds what was meant', () => {
    expect(nearestName('reqeust', known)).toBe('request')
    expect(nearestName('LLM', known)).toBe('llm')
    expect(nearestName('respons', known)).toBe('response')
    expect(nearestName('requestmodl', known)).toBe('requestModel')
  })

  it('finds nothing where nothing is near', () => {
    expect(nearestName('x', known)).toBeUndefined()
    expect(nearestName('lxx', known)).toBeUndefined()
    expect(nearestName('unrelated', known)).toBeUndefined()
    expect(nearestName('a'.repeat(100_000), known)).toBeUndefined()
    expect(nearestName('request', [])).toBeUndefined()
  })

  it('prefers the nearer one', () => {
    expect(nearestName('sourse', ['sourest', 'source', 'courses'])).toBe('source')
  })
})
