import { describeError, presentableCause } from './cause.ts'

describe('presentableCause', () => {
  it('leaves out what headers hold, whole and in parts', () => {
    const headers = [{ value: 'Bearer abcdefgh12345' }, { value: 'short' }, { value: '' }]
    expect(presentableCause('no: abcdefgh12345, Bearer abcdefgh12345, Bearer, short', headers)).toBe(
      'no: <redacted>, <redacted>, Bearer, short',
    )
  })

  it('leaves out control characters and what is too long', () => {
    expect(presentableCause('a\r\nb\u001b[31mc\u0000\u2028d', [])).toBe('a b [31mc d')
    expect(presentableCause('x'.repeat(1000), [])).toBe(`${'x'.repeat(200)}…`)
  })
})

describe('describeError', () => {
  it.each<[unknown, string]>([
    [new Error('plain'), 'plain'],
    ['thrown text', 'thrown text'],
    [Object.assign(new Error('getaddrinfo ENOTFOUND x'), { code: 'ENOTFOUND' }), 'getaddrinfo ENOTFOUND x'],
    [
      Object.assign(new Error('certificate has expired'), { code: 'CERT_HAS_EXPIRED' }),
      'CERT_HAS_EXPIRED: certificate has expired',
    ],
    [new Error('outer', { cause: new Error('inner') }), 'outer: inner'],
    [
      Object.assign(new AggregateError([new Error('connect ECONNREFUSED ::1:1')]), { code: 'ECONNREFUSED' }),
      'connect ECONNREFUSED ::1:1',
    ],
    [new AggregateError([]), 'AggregateError'],
  ])('%p', (error, expected) => expect(describeError(error)).toBe(expected))
})
