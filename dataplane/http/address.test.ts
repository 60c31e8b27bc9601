import { parseAuthority } from './address.ts'

describe('parseAuthority', () => {
  it.each([
    ['example.com', 'example.com', undefined],
    ['Example.COM.:8080', 'example.com', 8080],
    ['127.0.0.1:1', '127.0.0.1', 1],
    ['[::1]', '::1', undefined],
    ['[2001:DB8::1]:443', '2001:db8::1', 443],
    ['host:', 'host', undefined],
    ['', '', undefined],
    ['a_b-c.d', 'a_b-c.d', undefined],
  ])('reads %s', (text, host, port) => {
    expect(parseAuthority(text)).toEqual({ host, port })
  })

  it.each(['a b', 'user@host', 'host:x', 'host:99999', '::1', 'a/b', 'a?b', 'a#b', '[::1', 'a,b c', 'a:1:2', 'a\tb'])(
    'refuses %s',
    (text) => {
      expect(parseAuthority(text)).toBeUndefined()
    },
  )
})
