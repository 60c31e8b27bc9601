import type { KubeObject } from '../../api/inventory.ts'
import type { TrafficPolicySpec, TrafficPolicyTargetRef } from '../../api/traffic-policy.ts'
import { indexInventory } from '../lookup.ts'
import { type EffectivePolicy, findTrafficPolicies, type TargetChain } from './traffic-policies.ts'

/* What goldens (test/golden/traffic-policy-*) cannot show as long as nothing reads it: what policies say together. */

const GATEWAY_API = 'gateway.networking.k8s.io'

const OBJECTS: readonly KubeObject[] = [
  object(`${GATEWAY_API}/v1`, 'Gateway', 'edge', { listeners: [{ name: 'http' }, { name: 'alt' }] }),
  object(`${GATEWAY_API}/v1`, 'HTTPRoute', 'chat', { rules: [{ name: 'models' }, {}] }),
  object('gateway.kgateway.dev/v1alpha1', 'Backend', 'model', {}),
]

function object(apiVersion: string, kind: string, name: string, spec: object, createdSecond = 0): KubeObject {
  const creationTimestamp = new Date(createdSecond * 1000).toISOString()
  return { apiVersion, kind, metadata: { name, namespace: 'edge', generation: 1, creationTimestamp }, spec }
}

function policy(
  name: string,
  targets: readonly TrafficPolicyTargetRef[],
  fields: TrafficPolicySpec,
  createdSecond = 0,
): KubeObject {
  const spec = { targetRefs: targets, ...fields }
  return object('gateway.kgateway.dev/v1alpha1', 'TrafficPolicy', name, spec, createdSecond)
}

const ofGateway: TrafficPolicyTargetRef = { group: GATEWAY_API, kind: 'Gateway', name: 'edge' }
const ofListener: TrafficPolicyTargetRef = { ...ofGateway, sectionName: 'http' }
const ofRoute: TrafficPolicyTargetRef = { group: GATEWAY_API, kind: 'HTTPRoute', name: 'chat' }
const ofRule: TrafficPolicyTargetRef = { ...ofRoute, sectionName: 'models' }
const ofBackend: TrafficPolicyTargetRef = { group: 'gateway.kgateway.dev', kind: 'Backend', name: 'model' }

const WHOLE_WAY: Required<TargetChain> = {
  gateway: { namespace: 'edge', name: 'edge' },
  listener: 'http',
  route: { namespace: 'edge', name: 'chat' },
  rule: 'models',
  backend: { namespace: 'edge', name: 'model' },
}

function effective(policies: readonly KubeObject[], chain: TargetChain = WHOLE_WAY): EffectivePolicy {
  return findTrafficPolicies(indexInventory({ objects: [...OBJECTS, ...policies], problems: [] })).policiesFor(chain)
}

describe('policiesFor', () => {
  /** The least specific one is the oldest: age must not count between places. */
  const everywhere = [ofGateway, ofListener, ofRoute, ofRule, ofBackend].map((target, level) =>
    policy(`level-${level}`, [target], { timeouts: { request: `${level}s` }, retry: { attempts: level } }, level),
  )

  it.each([0, 1, 2, 3, 4])('lets the more specific of %i and the places before it win', (level) => {
    for (const policies of [everywhere.slice(0, level + 1), everywhere.slice(0, level + 1).reverse()]) {
      const { fields, origins } = effective(policies)
      expect(fields).toEqual({ timeouts: { request: `${level}s` }, retry: { attempts: level } })
      expect(origins.get('timeouts.request')).toBe(`edge/level-${level}`)
    }
  })

  it('asks only the places that a request comes by', () => {
    const { gateway, route, backend } = WHOLE_WAY
    const requestOf = (chain: TargetChain) => effective(everywhere, chain).fields.timeouts?.request
    expect(requestOf({ gateway })).toBe('0s')
    expect(requestOf({ gateway, listener: 'alt' })).toBe('0s')
    expect(requestOf({ gateway, listener: 'http' })).toBe('1s')
    expect(requestOf({ gateway, listener: 'http', route })).toBe('2s')
    expect(requestOf({ gateway, listener: 'http', route, rule: 'other' })).toBe('2s')
    expect(requestOf({ gateway, backend })).toBe('4s')
    expect(effective(everywhere, { gateway: { namespace: 'other', name: 'edge' } }).fields).toEqual({})
  })

  it('merges field by field, and says where each comes from', () => {
    const { fields, origins } = effective([
      policy('base', [ofGateway], { timeouts: { request: '30s', idle: '1m' }, retry: { attempts: 2, codes: [503] } }),
      policy('route', [ofRoute], { timeouts: { request: '5s', firstByte: '1s' } }),
      policy('backend', [ofBackend], { retry: { attempts: 0 } }),
    ])
    expect(fields).toEqual({
      timeouts: { request: '5s', idle: '1m', firstByte: '1s' },
      retry: { attempts: 0, codes: [503] },
    })
    expect(Object.fromEntries(origins)).toEqual({
      'timeouts.request': 'edge/route',
      'timeouts.idle': 'edge/base',
      'timeouts.firstByte': 'edge/route',
      'retry.attempts': 'edge/backend',
      'retry.codes': 'edge/base',
    })
  })

  it('takes what decides who gets in as a whole', () => {
    const { fields } = effective([
      policy('base', [ofGateway], {
        cors: { allowOrigins: ['*'], allowMethods: ['GET'] },
        rbac: { policy: { matchExpressions: ['jwt.sub == "alice"'] } },
      }),
      policy('route', [ofRoute], {
        cors: { allowCredentials: true },
        rbac: { policy: { matchExpressions: ['false'] } },
      }),
    ])
    expect(fields).toEqual({
      cors: { allowCredentials: true },
      rbac: { policy: { matchExpressions: ['false'] } },
    })
  })

  it('merges attributes by their names', () => {
    const { fields, origins } = effective([
      policy('base', [ofGateway], { tracing: { fields: { add: { team: '"a"', 'gen_ai.system': '"x"' } } } }),
      policy('route', [ofRoute], {
        tracing: { fields: { add: { __proto__tenant: '"t"', 'http.path': '"p"' }, remove: ['team', 'http.path'] } },
      }),
    ])
    expect(fields.tracing?.fields).toEqual({
      add: { 'gen_ai.system': '"x"', __proto__tenant: '"t"', 'http.path': '"p"' },
      remove: ['team', 'http.path'],
    })
    expect(origins.get('tracing.fields["team"]')).toBe('edge/route')
    expect(origins.get('tracing.fields["gen_ai.system"]')).toBe('edge/base')
  })

  it('keeps an attribute whose name means something to JavaScript', () => {
    const add = JSON.parse('{"__proto__": "1"}') as { readonly [name: string]: string }
    const { fields } = effective([
      policy('odd', [ofGateway], { tracing: { fields: { add, remove: ['constructor'] } } }),
    ])
    expect(Object.keys(fields.tracing?.fields?.add ?? {})).toEqual(['__proto__'])
    expect(fields.tracing?.fields?.remove).toEqual(['constructor'])
  })

  it('takes the oldest policy of one place, then the first by name, whatever the order of reading', () => {
    const policies = [
      policy('c', [ofRoute], { timeouts: { request: '3s', idle: '3s', firstByte: '3s' } }, 1),
      policy('b', [ofRoute], { timeouts: { request: '2s', idle: '2s' } }, 1),
      policy('old', [ofRoute], { timeouts: { request: '1s' } }, 0),
    ]
    for (const order of [policies, policies.toReversed()]) {
      expect(effective(order).fields).toEqual({ timeouts: { request: '1s', idle: '2s', firstByte: '3s' } })
    }
  })

  it('leaves out what a target does not have, what weir will not have, and what nobody says', () => {
    const documented = {
      timeouts: { streamIdle: '1h' },
      transformation: {},
      ai: { promptGuard: {} },
    } as TrafficPolicySpec
    expect(
      effective([
        policy('missing', [{ ...ofGateway, sectionName: 'nowhere' }], { timeouts: { request: '1s' } }),
        policy('documented', [ofGateway], documented),
        policy('empty', [ofGateway], { timeouts: {}, tracing: { fields: {} } }),
      ]),
    ).toEqual({ fields: {}, origins: new Map() })
  })

  it('shares nothing that a caller could change with what was read', () => {
    const read = policy('base', [ofGateway], { timeouts: { request: '1s' } })
    const { fields } = effective([read])
    expect(fields.timeouts).not.toBe((read.spec as TrafficPolicySpec).timeouts)
  })
})

describe('findTrafficPolicies', () => {
  const findings = (...policies: readonly KubeObject[]) =>
    findTrafficPolicies(indexInventory({ objects: [...OBJECTS, ...policies], problems: [] })).policies

  it('says which fields are lost to whom, target by target', () => {
    const [, , loser] = findings(
      policy('first', [ofGateway, ofRoute], { timeouts: { request: '1s' } }, 1),
      policy('second', [ofGateway], { timeouts: { idle: '1s' } }, 2),
      policy('loser', [ofGateway, ofRoute, ofBackend], { timeouts: { request: '2s', idle: '2s' } }, 3),
    )
    expect(
      loser?.targets.map(({ conflicts, isOverridden }) => [conflicts.map((one) => one.message), isOverridden]),
    ).toEqual([
      [
        [
          'edge/first is older and says timeouts.request for this target',
          'edge/second is older and says timeouts.idle for this target',
        ],
        true,
      ],
      [['edge/first is older and says timeouts.request for this target'], false],
      [[], false],
    ])
  })

  it('lets a policy that names a target twice not lose to itself', () => {
    const [twice] = findings(policy('twice', [ofGateway, ofGateway], { timeouts: { request: '1s' } }))
    expect(twice?.targets.flatMap(({ conflicts }) => conflicts)).toEqual([])
  })
})
