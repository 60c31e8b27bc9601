import { connectTarget, parseConnectTo } from './connect-to.ts'

describe('--connect-to', () => {
  it.each([
    ['a.org:443:127.0.0.1:8443', 'a.org', 443, '127.0.0.1', 8443],
    ['A.org:443:127.0.0.1:8443', 'a.org.', 443, '127.0.0.1', 8443],
    ['a.org:443:127.0.0.1:8443', 'a.org', 80, 'a.org', 80],
    ['a.org:443:127.0.0.1:8443', 'b.org', 443, 'b.org', 443],
    ['::127.0.0.1:8443', 'anything', 1, '127.0.0.1', 8443],
    ['a.org::b.org:', 'a.org', 443, 'b.org', 443],
    [':443::8443', 'a.org', 443, 'a.org', 8443],
    ['[::1]:443:[::2]:8443', '::1', 443, '::2', 8443],
  ])('%s sends %s:%i to %s:%i', (text, host, port, toHost, toPort) => {
    const rule = parseConnectTo(text)
    if (typeof rule === 'string') throw new Error(rule)
    expect(connectTarget([rule], host, port)).toEqual({ host: toHost, port: toPort })
  })

  it('takes the first rule that fits', () => {
    const rules = ['a.org:443:first:1', '::second:2'].map((text) => parseConnectTo(text))
    const parsed = rules.filter((rule) => typeof rule !== 'string')
    expect(connectTarget(parsed, 'a.org', 443)).toEqual({ host: 'first', port: 1 })
    expect(connectTarget(parsed, 'a.org', 80)).toEqual({ host: 'second', port: 2 })
  })

  it.each(['', 'a.org:443', 'a:b:c:d', 'a:1:b:99999', 'a:0:b:1', 'a:1:b:1:c', '::1:443:b:1', 'https://a:443:b:1'])(
    'refuses %s by naming it',
    (text) => {
      const rule = parseConnectTo(text)
      expect(typeof rule).toBe('string')
      expect(rule).toContain(`'${text}'`)
    },
  )
})
