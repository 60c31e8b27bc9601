import type { RouteFilter } from '../../contract/snapshot.ts'
import { compileRedirect, compileRequestFilters, compileResponseFilters } from './filters.ts'

const head = (target: string, rawHeaders: readonly string[] = []) => ({
  method: 'GET',
  target,
  httpVersion: '1.1',
  rawHeaders,
})
const modifier = (fields: { set?: string[][]; add?: string[][]; remove?: string[] }) => {
  const pairs = (list: string[][] = []) => list.map(([name = '', value = '']) => ({ name, value }))
  return { set: pairs(fields.set), add: pairs(fields.add), remove: fields.remove ?? [] }
}

describe('header modifiers', () => {
  it.each<[string, Parameters<typeof modifier>[0], string[], string[]]>([
    ['set replaces all of a name', { set: [['X-A', '9']] }, ['x-a', '1', 'b', '2', 'X-A', '3'], ['b', '2', 'X-A', '9']],
    ['set adds what is not there', { set: [['x-a', '9']] }, ['b', '2'], ['b', '2', 'x-a', '9']],
    ['add appends a further header', { add: [['x-a', '9']] }, ['X-A', '1'], ['X-A', '1', 'x-a', '9']],
    ['remove takes all of a name', { remove: ['X-A'] }, ['x-a', '1', 'b', '2', 'X-a', '3'], ['b', '2']],
    [
      'framing stays',
      {
        set: [
          ['Content-Length', '1'],
          ['Transfer-Encoding', 'chunked'],
        ],
        remove: ['content-length', 'host'],
      },
      ['host', 'h', 'content-length', '5'],
      ['host', 'h', 'content-length', '5'],
    ],
  ])('%s', (_name, fields, before, after) => {
    const request = compileRequestFilters([{ type: 'RequestHeaderModifier', ...modifier(fields) }])
    expect(request?.(head('/', before), undefined).rawHeaders).toEqual(after)
    const response = compileResponseFilters([{ type: 'ResponseHeaderModifier', ...modifier(fields) }])
    expect(response?.(before)).toEqual(after)
  })

  it.each([
    ['x', 'a\nb'],
    ['x', 'a\u0000'],
    ['x', '漢'],
    ['a b', 'x'],
    ['', 'x'],
  ])('refuses %j: %j, which cannot be sent', (name, value) => {
    const fields = modifier({ add: [[name, value]] })
    expect(() => compileRequestFilters([{ type: 'RequestHeaderModifier', ...fields }])).toThrow()
    expect(() => compileResponseFilters([{ type: 'ResponseHeaderModifier', ...fields }])).toThrow()
  })

  it('leaves what came in as it was', () => {
    const before = Object.freeze(['x-a', '1'])
    compileResponseFilters([{ type: 'ResponseHeaderModifier', ...modifier({ set: [['x-a', '2']] }) }])?.(before)
    expect(before).toEqual(['x-a', '1'])
  })

  it('is nothing where there is nothing to do', () => {
    const other: RouteFilter = { type: 'ResponseHeaderModifier', ...modifier({}) }
    expect(compileRequestFilters([other])).toBeUndefined()
    expect(compileResponseFilters([])).toBeUndefined()
    expect(compileRedirect([other])).toBeUndefined()
  })
})

describe('rewrite', () => {
  it.each([
    ['/foo', '/xyz', '/foo/bar', '/xyz/bar'],
    ['/foo', '/xyz', '/foo', '/xyz'],
    ['/foo', '/xyz', '/foo/', '/xyz/'],
    ['/foo', '/xyz/', '/foo/bar', '/xyz/bar'],
    ['/foo', '', '/foo/bar', '/bar'],
    ['/foo', '/', '/foo/bar', '/bar'],
    ['/foo', '/', '/foo', '/'],
    ['/foo', '/', '/foo/', '/'],
    ['/foo', 'xyz', '/foo/bar', '/xyz/bar'],
    ['', '/xyz', '/bar', '/xyz/bar'],
    ['/foo', '/xyz', '/foo/a%2Fb?q=%20&/foo', '/xyz/a%2Fb?q=%20&/foo'],
    ['/foo', '/xyz', '/foo?q', '/xyz?q'],
  ])('prefix %s by %s: %s becomes %s', (prefix, replacePrefixMatch, target, expected) => {
    const filter = compileRequestFilters([
      { type: 'URLRewrite', path: { type: 'ReplacePrefixMatch', replacePrefixMatch } },
    ])
    expect(filter?.(head(target), prefix).target).toBe(expected)
  })

  it('encodes what cannot stand in a request line', () => {
    const path = { type: 'ReplaceFullPath', replaceFullPath: '/a b/ä/漢%20' } as const
    const filter = compileRequestFilters([{ type: 'URLRewrite', path }])
    expect(filter?.(head('/'), undefined).target).toBe('/a%20b/%C3%A4/%E6%BC%A2%20')
  })

  it('replaces a whole path and keeps the query', () => {
    const filter = compileRequestFilters([
      { type: 'URLRewrite', path: { type: 'ReplaceFullPath', replaceFullPath: '/new' } },
    ])
    expect(filter?.(head('/a/b?c=d'), undefined).target).toBe('/new?c=d')
  })

  it('replaces Host alone, and puts filters one after the other', () => {
    const filter = compileRequestFilters([
      { type: 'URLRewrite', hostname: 'inner' },
      { type: 'RequestHeaderModifier', ...modifier({ set: [['x', '1']] }) },
    ])
    expect(filter?.(head('/', ['Host', 'outer', 'a', 'b']), undefined).rawHeaders).toEqual([
      'host',
      'inner',
      'a',
      'b',
      'x',
      '1',
    ])
  })
})

describe('redirect', () => {
  type RedirectFilter = Extract<RouteFilter, { type: 'RequestRedirect' }>
  const from = { head: head('/a/b?q=1'), scheme: 'http', host: 'h.org', listenerPort: 80, prefix: '/a' } as const
  it.each<[string, Partial<RedirectFilter>, object, string]>([
    ['nothing but a code', {}, {}, 'http://h.org/a/b?q=1'],
    ['the listener port', {}, { listenerPort: 8080 }, 'http://h.org:8080/a/b?q=1'],
    ['https on 443', {}, { scheme: 'https', listenerPort: 443 }, 'https://h.org/a/b?q=1'],
    ['http on 443', {}, { listenerPort: 443 }, 'http://h.org:443/a/b?q=1'],
    ['a scheme brings its port', { scheme: 'https' }, { listenerPort: 8080 }, 'https://h.org/a/b?q=1'],
    ['the same scheme too', { scheme: 'http' }, { listenerPort: 8080 }, 'http://h.org/a/b?q=1'],
    ['a port over all', { scheme: 'https', port: 8443 }, {}, 'https://h.org:8443/a/b?q=1'],
    ['a port that the scheme implies', { scheme: 'https', port: 443 }, {}, 'https://h.org/a/b?q=1'],
    ['port 80 with https', { scheme: 'https', port: 80 }, {}, 'https://h.org:80/a/b?q=1'],
    ['a hostname', { hostname: 'x.org' }, {}, 'http://x.org/a/b?q=1'],
    ['a whole path', { path: { type: 'ReplaceFullPath', replaceFullPath: '/n' } }, {}, 'http://h.org/n?q=1'],
    ['a prefix', { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/n' } }, {}, 'http://h.org/n/b?q=1'],
    ['an IPv6 host', {}, { host: '::1' }, 'http://[::1]/a/b?q=1'],
    ['no host', {}, { host: '' }, '/a/b?q=1'],
    ['a path that looks like a host', {}, { head: head('//evil.org/') }, 'http://h.org//evil.org/'],
  ])('%s', (_name, fields, request, location) => {
    const redirect = compileRedirect([{ type: 'RequestRedirect', statusCode: 302, ...fields }])
    expect(redirect?.statusCode).toBe(302)
    expect(redirect?.location({ ...from, ...request })).toBe(location)
  })
})
