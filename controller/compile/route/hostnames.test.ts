import fc from 'fast-check'
import { intersection } from './hostnames.ts'

describe('intersection', () => {
  it.each([
    { route: [], listener: undefined, common: [] },
    { route: [], listener: '*.example.com', common: ['*.example.com'] },
    { route: ['a.example.com'], listener: undefined, common: ['a.example.com'] },
    { route: ['a.example.com'], listener: '', common: ['a.example.com'] },
    { route: ['A.Example.COM.'], listener: 'a.example.com', common: ['a.example.com'] },
    { route: ['a.example.com', 'b.example.com'], listener: 'b.example.com', common: ['b.example.com'] },
    { route: ['a.b.example.com'], listener: '*.example.com', common: ['a.b.example.com'] },
    { route: ['*.example.com'], listener: 'a.example.com', common: ['a.example.com'] },
    { route: ['*.example.com'], listener: '*.b.example.com', common: ['*.b.example.com'] },
    { route: ['*.b.example.com', '*.example.com'], listener: '*.b.example.com', common: ['*.b.example.com'] },
  ])('of $route and $listener is $common', ({ route, listener, common }) => {
    expect(intersection(route, listener)).toEqual(common)
  })

  it.each([
    { route: ['example.com'], listener: '*.example.com' },
    { route: ['notexample.com'], listener: '*.example.com' },
    { route: ['*.example.com'], listener: 'example.com' },
    { route: ['*.example.org', 'example.org'], listener: '*.example.com' },
    { route: ['a.example.com'], listener: 'b.example.com' },
  ])('of $route and $listener is nothing', ({ route, listener }) => {
    expect(intersection(route, listener)).toBeUndefined()
  })

  it('is what both sides cover, for any names', () => {
    const name = fc
      .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 })
      .map((labels) => labels.join('.'))
    const pattern = fc.oneof(
      name,
      name.map((suffix) => `*.${suffix}`),
    )
    const matches = (one: string, host: string): boolean =>
      one.startsWith('*.') ? host.endsWith(one.slice(1)) && host !== one.slice(2) : one === host
    fc.assert(
      fc.property(pattern, pattern, name, (route, listener, host) => {
        const common = intersection([route], listener) ?? []
        expect(common.some((one) => matches(one, host))).toBe(matches(route, host) && matches(listener, host))
      }),
    )
  })
})
