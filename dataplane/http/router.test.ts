import fc from 'fast-check'
import type { ListenerResource, RouteMatch, RouteResource } from '../../contract/snapshot.ts'
import { listenerOf, routeOf } from '../../test/support/gateway-rig.ts'
import { compileMatch, type RoutingRequest } from './route-match.ts'
import { buildRouter, type Routable, type Router } from './router.ts'

const rule = (resource: RouteResource): Routable => ({ resource, matches: resource.matches.map(compileMatch) })

function routerOf(listeners: readonly ListenerResource[], routes: readonly RouteResource[]): Router<Routable> {
  return buildRouter(listeners, routes.map(rule))
}

function request(target: string, rest: Partial<RoutingRequest> = {}): RoutingRequest {
  const [path = '', query = ''] = target.split('?')
  return { method: 'GET', path, query, rawHeaders: [], ...rest }
}

/** `name#ruleIndex` of the rule that takes a request on the one listener. */
function taken(routes: readonly RouteResource[], host: string, asked: RoutingRequest): string | undefined {
  const found = routerOf([listenerOf()], routes).listener(80, false, undefined, host)
  if (typeof found !== 'object') throw new Error('no listener')
  const matched = found.match(host, asked)
  return matched && `${matched.rule.resource.name}#${matched.rule.resource.ruleIndex}`
}

type Path = RouteMatch['path']
const prefix = (value: string): Path => ({ type: 'PathPrefix', value })
const exact = (value: string): Path => ({ type: 'Exact', value })
const regex = (value: string): Path => ({ type: 'RegularExpression', value })
const match = (path: Path, rest: Partial<RouteMatch> = {}): RouteMatch => ({
  path,
  headers: [],
  queryParams: [],
  ...rest,
})
const header = (name: string, value: string, type: 'Exact' | 'RegularExpression' = 'Exact') => ({ type, name, value })

describe('listeners', () => {
  const listeners = [
    listenerOf({ name: 'any', key: 'any' }),
    listenerOf({ name: 'wild', key: 'wild', hostname: '*.example.com' }),
    listenerOf({ name: 'deep', key: 'deep', hostname: '*.foo.example.com' }),
    listenerOf({ name: 'exact', key: 'exact', hostname: 'A.foo.example.com' }),
    listenerOf({ name: 'other-port', key: 'other-port', port: 81, hostname: 'only.here' }),
  ]
  const router = routerOf(listeners, [])
  const keyOf = (port: number, host: string) => {
    const found = router.listener(port, false, undefined, host)
    return typeof found === 'object' ? found.listener.key : found
  }

  it.each([
    [80, 'a.foo.example.com', 'exact'],
    [80, 'b.foo.example.com', 'deep'],
    [80, 'b.c.foo.example.com', 'deep'],
    [80, 'foo.example.com', 'wild'],
    [80, 'example.com', 'any'],
    [80, '.example.com', 'any'],
    [80, '', 'any'],
    [80, 'badexample.com', 'any'],
    [81, 'only.here', 'other-port'],
    [81, 'a.foo.example.com', undefined],
    [82, 'only.here', undefined],
  ])('port %i, host %s: %s', (port, host, key) => {
    expect(keyOf(port, host)).toBe(key)
  })

  it('isolates listeners: a host that one listener has never falls through to another', () => {
    const routes = [routeOf({ listener: 'any' })]
    const found = routerOf(listeners, routes).listener(80, false, undefined, 'a.example.com')
    expect(typeof found === 'object' && found.match('a.example.com', request('/'))).toBeUndefined()
  })
})

describe('TLS listeners', () => {
  const tls = { protocol: 'HTTPS', port: 443 } as const
  const router = routerOf(
    [
      listenerOf({ ...tls, name: 'wild', key: 'wild', hostname: '*.example.com' }),
      listenerOf({ ...tls, name: 'exact', key: 'exact', hostname: 'a.example.com' }),
      // A plain listener of the same name must not count.
      listenerOf({ name: 'plain', key: 'plain', hostname: 'b.example.com' }),
    ],
    [],
  )
  const result = (name: string | undefined, host: string) => {
    const found = router.listener(443, true, name, host)
    return typeof found === 'object' ? found.listener.key : found
  }

  it.each([
    ['a.example.com', 'a.example.com', 'exact'],
    ['b.example.com', 'b.example.com', 'wild'],
    ['b.example.com', 'c.example.com', 'wild'],
    ['b.example.com', 'a.example.com', 'misdirected'],
    ['a.example.com', 'b.example.com', 'misdirected'],
    ['a.example.com', 'elsewhere.org', undefined],
    [undefined, 'a.example.com', 'misdirected'],
  ])('name %s, host %s: %s', (name, host, expected) => {
    expect(result(name, host)).toBe(expected)
  })

  it('takes a client without a name at the listener without a hostname', () => {
    const open = routerOf([listenerOf({ ...tls, name: 'any', key: 'any' })], [])
    expect(open.listener(443, true, undefined, 'x.org')).toMatchObject({ listener: { key: 'any' } })
  })
})

describe('paths', () => {
  it.each([
    ['/abc', '/abc', true],
    ['/abc', '/abc/', true],
    ['/abc', '/abc/d', true],
    ['/abc', '/abcd', false],
    ['/abc', '/ABC', false],
    ['/abc/', '/abc', true],
    ['/abc/', '/abc/d', true],
    ['/abc/', '/abcd', false],
    ['/', '/', true],
    ['/', '/anything', true],
    ['/', '*', false],
    ['/a%20b', '/a%20b/c', true],
    ['/a', '/a//b', true],
  ])('prefix %s, path %s: %s', (value, path, fits) => {
    expect(taken([routeOf({ matches: [match(prefix(value))] })], 'h', request(path))).toBe(fits ? 'route#0' : undefined)
  })

  it.each([
    ['/v[0-9]+/x', '/v12/x', true],
    ['/v[0-9]+', '/v12/x', false],
    ['v[0-9]+', '/v1', false],
    ['/v[0-9]+.*', '/v1/x', true],
  ])('expression %s, path %s: %s, as a whole', (value, path, fits) => {
    expect(taken([routeOf({ matches: [match(regex(value))] })], 'h', request(path))).toBe(fits ? 'route#0' : undefined)
  })

  it('gives the prefix that took the request', () => {
    const routes = [routeOf({ matches: [match(exact('/x')), match(prefix('/a/')), match(prefix('/'))] })]
    const found = routerOf([listenerOf()], routes).listener(80, false, undefined, 'h')
    const prefixOf = (path: string) => typeof found === 'object' && found.match('h', request(path))?.prefix
    expect(['/a/b', '/a', '/b', '/x'].map(prefixOf)).toEqual(['/a', '/a', '', undefined])
  })
})

describe('headers, query and method', () => {
  it.each<[string, Partial<RouteMatch>, Partial<RoutingRequest> & { target?: string }, boolean]>([
    ['a header without case of its name', { headers: [header('X-A', '1')] }, { rawHeaders: ['x-a', '1'] }, true],
    ['a header with case of its value', { headers: [header('x-a', 'a')] }, { rawHeaders: ['x-a', 'A'] }, false],
    ['an absent header', { headers: [header('x-a', '')] }, {}, false],
    ['all headers', { headers: [header('a', '1'), header('b', '2')] }, { rawHeaders: ['a', '1'] }, false],
    ['the first entry of a name', { headers: [header('a', '1'), header('A', '2')] }, { rawHeaders: ['a', '1'] }, true],
    ['repeated headers as one list', { headers: [header('a', '1,2')] }, { rawHeaders: ['a', '1', 'A', '2'] }, true],
    [
      'an expression as a whole',
      { headers: [header('a', '1.*', 'RegularExpression')] },
      { rawHeaders: ['a', '12'] },
      true,
    ],
    ['part of an expression', { headers: [header('a', '1', 'RegularExpression')] }, { rawHeaders: ['a', '12'] }, false],
    ['a query parameter', { queryParams: [header('q', '1')] }, { target: '/?q=1' }, true],
    ['the case of a parameter', { queryParams: [header('Q', '1')] }, { target: '/?q=1' }, false],
    ['the first of repeated parameters', { queryParams: [header('q', '2')] }, { target: '/?q=1&q=2' }, false],
    ['an encoded parameter', { queryParams: [header('q', 'a b')] }, { target: '/?q=a%20b' }, true],
    ['a broken encoding', { queryParams: [header('q', '%zz')] }, { target: '/?q=%zz' }, true],
    ['a method', { method: 'GET' }, {}, true],
    ['another method', { method: 'GET' }, { method: 'HEAD' }, false],
  ])('%s', (_name, rest, asked, fits) => {
    const { target = '/', ...fields } = asked
    const routes = [routeOf({ matches: [match(prefix('/'), rest)] })]
    expect(taken(routes, 'h', request(target, fields))).toBe(fits ? 'route#0' : undefined)
  })
})

describe('precedence', () => {
  const named = (name: string, path: Path, rest: Partial<RouteMatch> = {}, more: Partial<RouteResource> = {}) =>
    routeOf({ name, matches: [match(path, rest)], ...more })

  it.each([
    ['an exact path', [named('p', prefix('/a')), named('r', regex('/a')), named('e', exact('/a'))], 'e'],
    ['an expression over a prefix', [named('p', prefix('/a')), named('r', regex('/a'))], 'r'],
    ['the longer prefix', [named('short', prefix('/')), named('long', prefix('/a'))], 'long'],
    [
      'the longer prefix over a method',
      [named('m', prefix('/'), { method: 'GET' }), named('long', prefix('/a'))],
      'long',
    ],
    [
      'a method over headers',
      [named('h', prefix('/a'), { headers: [header('x', '1')] }), named('m', prefix('/a'), { method: 'GET' })],
      'm',
    ],
    [
      'more headers',
      [
        named('one', prefix('/a'), { headers: [header('x', '1')] }),
        named('two', prefix('/a'), { headers: [header('x', '1'), header('y', '2')] }),
      ],
      'two',
    ],
    [
      'headers over parameters',
      [
        named('q', prefix('/a'), { queryParams: [header('q', '1')] }),
        named('h', prefix('/a'), { headers: [header('x', '1')] }),
      ],
      'h',
    ],
    [
      'the older route',
      [named('a', prefix('/a'), {}, { creationTimestamp: '2026-02-01T00:00:00Z' }), named('b', prefix('/a'))],
      'b',
    ],
    ['the first name', [named('b', prefix('/a')), named('a', prefix('/a'))], 'a'],
    ['the first rule', [named('a', prefix('/a'), {}, { ruleIndex: 1 }), named('a', prefix('/a'))], 'a'],
    [
      'an exact host over a better path',
      [
        named('e', exact('/a'), {}, { hostnames: ['*.h.org'] }),
        named('host', prefix('/'), {}, { hostnames: ['x.h.org'] }),
      ],
      'host',
    ],
    [
      'the longer wildcard',
      [
        named('short', prefix('/a'), {}, { hostnames: ['*.org'] }),
        named('long', prefix('/a'), {}, { hostnames: ['*.h.org'] }),
      ],
      'long',
    ],
    ['any host last', [named('any', exact('/a')), named('wild', prefix('/'), {}, { hostnames: ['*.org'] })], 'wild'],
  ])('prefers %s', (_name, routes, winner) => {
    const asked = request('/a?q=1', { rawHeaders: ['x', '1', 'y', '2'] })
    expect(taken(routes, 'x.h.org', asked)).toBe(`${winner}#0`)
    expect(taken([...routes].reverse(), 'x.h.org', asked)).toBe(`${winner}#0`)
  })

  it('goes on to a less specific rule when the more specific one does not match', () => {
    const routes = [
      named('e', exact('/a'), { method: 'POST' }),
      named('host', prefix('/b'), {}, { hostnames: ['x.org'] }),
      named('p', prefix('/')),
    ]
    expect(taken(routes, 'x.org', request('/a'))).toBe('p#0')
  })

  it('keeps a rule that takes no traffic for want of a listener out', () => {
    expect(taken([routeOf({ listener: 'listener/gone' })], 'h', request('/'))).toBeUndefined()
  })
})

/** The rules of Gateway API word for word: filter all, then sort all. */
function naive(routes: readonly RouteResource[], host: string, asked: RoutingRequest): string | undefined {
  const candidates = routes.flatMap((route) => {
    const hosts = (route.hostnames.length === 0 ? ['*'] : route.hostnames).filter((name) => hostFits(name, host))
    if (hosts.length === 0) return []
    const bestHost = Math.max(...hosts.map(hostRank))
    return route.matches.filter((one) => fits(one, asked)).map((one, index) => ({ route, one, index, bestHost }))
  })
  candidates.sort(
    (a, b) =>
      b.bestHost - a.bestHost ||
      kindRank(a.one.path) - kindRank(b.one.path) ||
      lengthOf(b.one.path) - lengthOf(a.one.path) ||
      Number(b.one.method !== undefined) - Number(a.one.method !== undefined) ||
      distinct(b.one.headers).length - distinct(a.one.headers).length ||
      distinct(b.one.queryParams).length - distinct(a.one.queryParams).length ||
      a.route.creationTimestamp.localeCompare(b.route.creationTimestamp) ||
      a.route.name.localeCompare(b.route.name) ||
      a.route.ruleIndex - b.route.ruleIndex ||
      a.index - b.index,
  )
  const [first] = candidates
  return first && `${first.route.name}#${first.route.ruleIndex}`
}

const hostFits = (name: string, host: string): boolean =>
  name === '*' ||
  (name.startsWith('*.') ? host.endsWith(name.slice(1)) && host.length > name.length - 1 : name === host)
const hostRank = (name: string): number => (name === '*' ? 0 : name.startsWith('*') ? name.length : 1000 + name.length)
const kindRank = (path: Path): number => ['Exact', 'RegularExpression', 'PathPrefix'].indexOf(path.type)
const lengthOf = (path: Path): number =>
  path.value.length - (path.type === 'PathPrefix' && path.value.endsWith('/') ? 1 : 0)
const distinct = (tests: RouteMatch['headers']) =>
  tests.filter((a, i) => tests.findIndex((b) => b.name === a.name) === i)

function fits(one: RouteMatch, asked: RoutingRequest): boolean {
  const { type, value } = one.path
  const segments = (text: string) => text.split('/').slice(1)
  const wanted = segments(value.endsWith('/') ? value.slice(0, -1) : value)
  const path =
    type === 'Exact'
      ? asked.path === value
      : type === 'RegularExpression'
        ? new RegExp(`^(?:${value})$`).test(asked.path)
        : wanted.every((segment, i) => segments(asked.path)[i] === segment)
  const query = new Map(asked.query.split('&').map((pair) => pair.split('=') as [string, string]))
  const headers = new Map(
    asked.rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [[name, asked.rawHeaders[i + 1]]] : [])) as [string, string][],
  )
  return (
    path &&
    (one.method === undefined || one.method === asked.method) &&
    distinct(one.headers).every((test) => headers.get(test.name) === test.value) &&
    distinct(one.queryParams).every((test) => query.get(test.name) === test.value)
  )
}

describe('router', () => {
  const paths = ['/', '/a', '/a/', '/a/b', '/ab', '/a/b/c', '/b']
  const tests = fc.array(
    fc.record({
      type: fc.constant('Exact' as const),
      name: fc.constantFrom('x', 'y'),
      value: fc.constantFrom('1', '2'),
    }),
    { maxLength: 2 },
  )
  const path: fc.Arbitrary<Path> = fc.oneof(
    fc.constantFrom(...paths).map(exact),
    fc.constantFrom(...paths).map(prefix),
    fc.constantFrom('/a.*', '/[ab]', '/a/b').map(regex),
  )
  const aMatch: fc.Arbitrary<RouteMatch> = fc
    .record({
      path,
      method: fc.option(fc.constantFrom('GET', 'POST'), { nil: undefined }),
      headers: tests,
      queryParams: tests,
    })
    .map(({ method, ...rest }) => (method === undefined ? rest : { ...rest, method }))
  const hostnames = fc.uniqueArray(fc.constantFrom('a.x.org', '*.x.org', '*.org', 'b.org', '*.a.x.org'), {
    maxLength: 2,
  })
  const aRoute = fc
    .record({
      name: fc.constantFrom('a', 'b', 'c'),
      ruleIndex: fc.nat(3),
      creationTimestamp: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'),
      hostnames,
      matches: fc.array(aMatch, { minLength: 1, maxLength: 3 }),
    })
    .map((fields) => routeOf(fields))
  const aRequest = fc.record({
    method: fc.constantFrom('GET', 'POST'),
    path: fc.constantFrom('/', '/a', '/a/', '/a/b', '/a/b/', '/ab', '/a/b/c/d', '/b', '/c'),
    query: fc.constantFrom('', 'x=1', 'x=1&y=2', 'y=1'),
    rawHeaders: fc.constantFrom<string[]>([], ['x', '1'], ['x', '1', 'y', '2'], ['y', '1']),
  })

  it('chooses as the rules of Gateway API do, whatever the routes', () => {
    const host = fc.constantFrom('a.x.org', 'b.x.org', 'x.org', 'b.org', 'c.a.x.org', 'elsewhere')
    fc.assert(
      fc.property(
        fc.uniqueArray(aRoute, { maxLength: 8, selector: ({ name, ruleIndex }) => `${name}${ruleIndex}` }),
        host,
        aRequest,
        (routes, where, asked) => {
          // One route has one age.
          const ages = new Map(routes.map(({ name, creationTimestamp }) => [name, creationTimestamp]))
          const consistent = routes.map((route) => ({ ...route, creationTimestamp: ages.get(route.name) as string }))
          expect(taken(consistent, where, asked)).toBe(naive(consistent, where, asked))
        },
      ),
      { numRuns: 3000 },
    )
  })
})
