import { GATEWAY_CLASSES } from '../../../contract/names.ts'
import type { KubeObject } from '../../api/inventory.ts'
import type { PolicyStatus } from '../../api/status.ts'
import { compile } from '../compile.ts'

/* The statuses of usual policies are goldens (test/golden/traffic-policy-*); here are their limits. */

const GATEWAY_API = 'gateway.networking.k8s.io'

function object(apiVersion: string, kind: string, name: string, spec: object): KubeObject {
  const creationTimestamp = '2026-01-01T00:00:00Z'
  return { apiVersion, kind, metadata: { name, namespace: 'edge', generation: 7, creationTimestamp }, spec }
}

const gateways = Array.from({ length: 20 }, (_, index) =>
  object(`${GATEWAY_API}/v1`, 'Gateway', `edge-${index}`, {
    gatewayClassName: 'weir',
    listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }],
  }),
)
const route = object(`${GATEWAY_API}/v1`, 'HTTPRoute', 'chat', {
  parentRefs: gateways.map(({ metadata }) => ({ name: metadata.name })),
  rules: [{ backendRefs: [] }],
})
const toRoute = { group: GATEWAY_API, kind: 'HTTPRoute', name: 'chat' }

function statusOf(targetRefs: readonly object[], objects: readonly KubeObject[]): PolicyStatus {
  const policy = object('gateway.kgateway.dev/v1alpha1', 'TrafficPolicy', 'limits', {
    targetRefs,
    timeouts: { request: '1s' },
  })
  const { verdicts } = compile({ objects: [...objects, policy], problems: [] }, { implicitClasses: GATEWAY_CLASSES })
  return verdicts.find(({ at }) => at.kind === 'TrafficPolicy')?.status as PolicyStatus
}

describe('the status of a TrafficPolicy', () => {
  it('has no more ancestors than Gateway API allows, and mistakes go before them', () => {
    const { ancestors } = statusOf([toRoute, { ...toRoute, name: 'caht' }], [...gateways, route])
    expect(ancestors).toHaveLength(16)
    expect(ancestors.map(({ ancestorRef }) => ancestorRef.kind)).toEqual(['HTTPRoute', ...Array(15).fill('Gateway')])
    expect(ancestors[0]?.conditions[0]).toEqual({
      type: 'Accepted',
      status: 'False',
      reason: 'TargetNotFound',
      message: "spec.targetRefs[1].name: HTTPRoute edge/caht not found (did you mean 'chat'?)",
      observedGeneration: 7,
    })
  })

  it('has no ancestor as long as no Gateway accepts the route, and has it then', () => {
    const closed = object(`${GATEWAY_API}/v1`, 'Gateway', 'edge-0', {
      gatewayClassName: 'weir',
      listeners: [{ name: 'http', port: 80, protocol: 'HTTP', allowedRoutes: { kinds: [{ kind: 'GRPCRoute' }] } }],
    })
    expect(statusOf([toRoute], [closed, route])).toEqual({ ancestors: [] })
    expect(statusOf([toRoute], [gateways[0] as KubeObject, route]).ancestors).toHaveLength(1)
  })
})
