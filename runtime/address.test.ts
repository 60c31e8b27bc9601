import { formatHostPort, parseListenAddress } from './address.ts'

describe('parseListenAddress', () => {
  it.each([
    ['off', { kind: 'off' }],
    ['unix:/run/weir.sock', { kind: 'unix', path: '/run/weir.sock' }],
    ['localhost:15000', { kind: 'tcp', host: 'localhost', port: 15000 }],
    ['[::]:15020', { kind: 'tcp', host: '::', port: 15020 }],
    [':8080', { kind: 'tcp', host: '::', port: 8080 }],
    ['127.0.0.1:0', { kind: 'tcp', host: '127.0.0.1', port: 0 }],
  ])('reads %s', (text, expected) => expect(parseListenAddress(text)).toEqual(expected))

  it.each(['', '15000', 'localhost:', 'localhost:70000', 'localhost:x', 'unix:relative'])(
    'says what is wrong with %p',
    (text) => {
      expect(typeof parseListenAddress(text)).toBe('string')
    },
  )

  it('writes what it reads', () => {
    expect(formatHostPort('::1', 80)).toBe('[::1]:80')
    expect(formatHostPort('10.0.0.1', 80)).toBe('10.0.0.1:80')
  })
})
