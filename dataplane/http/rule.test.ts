import { backendOf, routeOf } from '../../test/support/gateway-rig.ts'
import { GatewayError, TEXT_ERRORS } from '../fault.ts'
import { compileRule, type ServedBackend } from './rule.ts'

const served = (key: string): ServedBackend => ({
  resource: backendOf({ key }),
  handler: { errors: TEXT_ERRORS, handle: () => undefined },
})
const ref = (backend: string, weight: number) => ({ backend, weight, filters: [] })

describe('the choice of a backend', () => {
  const rule = compileRule(routeOf({ backendRefs: [ref('a', 1), ref('none', 0), ref('b', 3), ref('c', 4)] }), served)
  it.each([
    [0, 'a'],
    [0.1249, 'a'],
    [0.125, 'b'],
    [0.4999, 'b'],
    [0.5, 'c'],
    [0.9999, 'c'],
  ])('at %d of the weights is %s', (random, key) => {
    expect(rule.choose(random).backend?.resource.key).toBe(key)
    expect(rule.choose(random).error).toBeUndefined()
  })

  it('fails for the share of a reference that leads nowhere, and serves the rest', () => {
    const broken = { weight: 1, filters: [], broken: { status: 500, message: 'no such Service' } }
    const half = compileRule(routeOf({ backendRefs: [broken, ref('a', 1)] }), served)
    expect(half.choose(0.4).error).toMatchObject({ code: 'invalid_backend', message: 'no such Service' })
    expect(half.choose(0.6).error).toBeUndefined()
  })

  it.each([
    [500, 'invalid_backend', 500],
    [502, 'upstream_connect_failed', 502],
    [503, 'no_healthy_backend', 503],
    [418, 'invalid_backend', 500],
  ])('of a backend broken with %i is %s', (status, code, answered) => {
    const broken = { status, message: 'm' }
    const { choose } = compileRule(routeOf(), (key) => ({ ...served(key), resource: backendOf({ broken }) }))
    const { error } = choose(0)
    expect(error).toBeInstanceOf(GatewayError)
    expect([error?.code, error?.status]).toEqual([code, answered])
  })
})

describe('a rule', () => {
  it('has the timeouts of its route, none where there are none', () => {
    expect(compileRule(routeOf({ timeouts: { requestMs: 5, backendRequestMs: 3 } }), served)).toMatchObject({
      requestMs: 5,
      attemptMs: 3,
    })
    expect(compileRule(routeOf(), served)).toMatchObject({
      requestMs: 0,
      attemptMs: 0,
      error: undefined,
      redirect: undefined,
    })
  })

  it('is refused when an expression is none', () => {
    const matches = [{ path: { type: 'RegularExpression' as const, value: '(' }, headers: [], queryParams: [] }]
    expect(() => compileRule(routeOf({ matches }), served)).toThrow()
  })
})
