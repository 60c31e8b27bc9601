import { snakeCase } from './spelling.ts'

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
