import { forwardableHeaders, headerValue, joinedHeader, withoutHeaders } from './headers.ts'

describe('headers', () => {
  it('finds values without case of the name', () => {
    const raw = ['X-A', '1', 'x-a', '2', 'xa', '3']
    expect(headerValue(raw, 'x-a')).toBe('1')
    expect(joinedHeader(raw, 'x-a')).toBe('1,2')
    expect(headerValue(raw, 'x-b')).toBeUndefined()
    expect(joinedHeader(raw, 'x-b')).toBeUndefined()
    expect(withoutHeaders(raw, new Set(['x-a']))).toEqual(['xa', '3'])
  })

  it('does not copy what stays as it is', () => {
    const raw = ['a', '1', 'b', '2']
    expect(forwardableHeaders(raw)).toBe(raw)
    expect(withoutHeaders(raw, new Set(['c']))).toBe(raw)
  })

  it('takes out hop-by-hop headers and those that Connection names, and keeps the order of the rest', () => {
    const raw = [
      'a',
      '1',
      'Connection',
      'close, X-Hop',
      'x-hop',
      '1',
      'Keep-Alive',
      'timeout=5',
      'b',
      '2',
      'Upgrade',
      'h2c',
    ]
    const more = [
      'Transfer-Encoding',
      'chunked',
      'Proxy-Connection',
      'x',
      'Proxy-Authorization',
      'x',
      'Expect',
      '100-continue',
    ]
    expect(forwardableHeaders([...raw, ...more, 'c', '3'])).toEqual(['a', '1', 'b', '2', 'c', '3'])
  })

  it('takes a header out that Connection names only after it', () => {
    expect(forwardableHeaders(['x-hop', '1', 'connection', 'x-hop'])).toEqual([])
  })

  it.each([
    ['trailers', ['te', 'trailers']],
    ['deflate, trailers;q=0.5', ['te', 'trailers']],
    ['deflate', []],
    ['trailersx', []],
  ])('of TE: %s keeps trailers alone', (value, kept) => {
    expect(forwardableHeaders(['te', value, 'connection', 'te'])).toEqual(kept)
  })

  it('does not let Connection take away what makes the message', () => {
    const raw = ['host', 'h', 'content-length', '5', 'authorization', 'Bearer x']
    expect(forwardableHeaders([...raw, 'connection', 'host, content-length, authorization'])).toEqual(raw)
  })
})
