import type { GatewayParameters, KubeParameters } from '../../api/gateway-parameters.ts'
import { mergeParameters } from './gateway-parameters.ts'

function parameters(name: string, spec: GatewayParameters['spec']): GatewayParameters {
  return {
    apiVersion: 'gateway.kgateway.dev/v1alpha1',
    kind: 'GatewayParameters',
    metadata: { name, namespace: 'infra', creationTimestamp: '2026-01-01T00:00:00Z' },
    ...(spec === undefined ? {} : { spec }),
  }
}

function mergedKube(ofClass: KubeParameters, ofGateway: KubeParameters): KubeParameters | undefined {
  return mergeParameters(parameters('class', { kube: ofClass }), parameters('gateway', { kube: ofGateway })).kube
}

interface Merge {
  readonly rule: string
  readonly ofClass: KubeParameters
  readonly ofGateway: KubeParameters
  readonly merged: KubeParameters
}

const MERGES: readonly Merge[] = [
  {
    rule: 'fields of both',
    ofClass: { deployment: { replicas: 2 } },
    ofGateway: { service: { type: 'ClusterIP' } },
    merged: { deployment: { replicas: 2 }, service: { type: 'ClusterIP' } },
  },
  {
    rule: "a value: the Gateway's",
    ofClass: { deployment: { replicas: 2 }, floatingUserId: true },
    ofGateway: { deployment: { replicas: 0 }, floatingUserId: false },
    merged: { deployment: { replicas: 0 }, floatingUserId: false },
  },
  {
    rule: 'labels, key by key',
    ofClass: { podTemplate: { extraLabels: { a: 'class', b: 'class' } } },
    ofGateway: { podTemplate: { extraLabels: { b: 'gateway', c: 'gateway' } } },
    merged: { podTemplate: { extraLabels: { a: 'class', b: 'gateway', c: 'gateway' } } },
  },
  {
    rule: 'maps of Kubernetes, field by field',
    ofClass: { agentgateway: { resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '2' } } } },
    ofGateway: { agentgateway: { resources: { requests: { cpu: '3' } } } },
    merged: { agentgateway: { resources: { requests: { cpu: '3', memory: '1Gi' }, limits: { cpu: '2' } } } },
  },
  {
    rule: 'parts of an image',
    ofClass: { agentgateway: { image: { registry: 'mirror.example.com', tag: '1' } } },
    ofGateway: { agentgateway: { image: { tag: '2' } } },
    merged: { agentgateway: { image: { registry: 'mirror.example.com', tag: '2' } } },
  },
  {
    rule: "a list: the Gateway's whole",
    ofClass: { agentgateway: { env: [{ name: 'A', value: 'class' }] }, podTemplate: { tolerations: [{ key: 'a' }] } },
    ofGateway: { agentgateway: { env: [{ name: 'B', value: 'gateway' }] }, podTemplate: { tolerations: [] } },
    merged: { agentgateway: { env: [{ name: 'B', value: 'gateway' }] }, podTemplate: { tolerations: [] } },
  },
  {
    rule: "a strategy: the Gateway's whole",
    ofClass: { deployment: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 2 } } } },
    ofGateway: { deployment: { strategy: { type: 'Recreate' } } },
    merged: { deployment: { strategy: { type: 'Recreate' } } },
  },
  {
    rule: "a probe: the Gateway's whole",
    ofClass: { podTemplate: { livenessProbe: { httpGet: { port: 1 } }, startupProbe: { periodSeconds: 2 } } },
    ofGateway: { podTemplate: { livenessProbe: { tcpSocket: { port: 2 } } } },
    merged: { podTemplate: { livenessProbe: { tcpSocket: { port: 2 } }, startupProbe: { periodSeconds: 2 } } },
  },
  {
    rule: "a disruption budget: the Gateway's whole",
    ofClass: { podDisruptionBudget: { minAvailable: 1 } },
    ofGateway: { podDisruptionBudget: { maxUnavailable: '50%' } },
    merged: { podDisruptionBudget: { maxUnavailable: '50%' } },
  },
  {
    rule: 'an autoscaler, field by field',
    ofClass: { horizontalPodAutoscaler: { minReplicas: 2, maxReplicas: 4 } },
    ofGateway: { horizontalPodAutoscaler: { maxReplicas: 8 } },
    merged: { horizontalPodAutoscaler: { minReplicas: 2, maxReplicas: 8 } },
  },
  {
    rule: "no image of another product, not even a part of the other's",
    ofClass: {
      agentgateway: { image: { registry: 'ghcr.io/agentgateway', repository: 'agentgateway', tag: 'v0.9.0' } },
    },
    ofGateway: { agentgateway: { image: { tag: 'v0.9.1', pullPolicy: 'Always' } } },
    merged: { agentgateway: { image: { pullPolicy: 'Always' } } },
  },
]

describe('mergeParameters', () => {
  it.each(MERGES.map((one) => [one.rule, one] as const))('takes %s', (_, { ofClass, ofGateway, merged }) => {
    expect(mergedKube(ofClass, ofGateway)).toEqual(merged)
    expect(mergedKube(merged, {})).toEqual(merged)
  })

  it('takes what only one of the two says', () => {
    const kube = { deployment: { replicas: 2 } }
    expect(mergeParameters(parameters('class', { kube }), undefined).kube).toEqual(kube)
    expect(mergeParameters(undefined, parameters('gateway', { kube })).kube).toEqual(kube)
    expect(mergeParameters(undefined, undefined).kube).toBeUndefined()
  })

  it("asks the Gateway's parameters before its class's who deploys", () => {
    const own = parameters('one', { kube: { deployment: { replicas: 2 } } })
    const self = parameters('other', { selfManaged: {} })
    expect(mergeParameters(own, self)).toMatchObject({ kube: undefined, selfManaged: true })
    expect(mergeParameters(self, own)).toMatchObject({ kube: { deployment: { replicas: 2 } }, selfManaged: false })
  })
})
