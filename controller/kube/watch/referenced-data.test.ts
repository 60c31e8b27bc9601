import { CONTROLLER_NAME } from '../../../contract/names.ts'
import { type ApiObject, apiObject } from '../../../test/support/kube-api.ts'
import type { KubeObject } from '../../api/inventory.ts'
import { dataKey, referencedData } from './referenced-data.ts'

const refs = (...objects: readonly ApiObject[]): readonly string[] =>
  referencedData(objects as unknown as readonly KubeObject[]).map(dataKey)

const gatewayClass = (name: string, spec: object = {}): ApiObject =>
  apiObject('GatewayClass', name, { spec: { controllerName: CONTROLLER_NAME, ...spec } })
const gateway = (spec: object): ApiObject => apiObject('Gateway', 'g', { spec: { gatewayClassName: 'weir', ...spec } })
const https = (...certificateRefs: readonly object[]): object => ({
  listeners: [{ name: 'https', port: 443, protocol: 'HTTPS', tls: { certificateRefs } }],
})

describe('referencedData', () => {
  it('names the tokens of all providers of a Backend, and only those that are in Secrets', () => {
    const token = (name: string): object => ({ authToken: { kind: 'SecretRef', secretRef: { name } } })
    const spec = {
      type: 'AI',
      ai: {
        priorityGroups: [
          {
            providers: [
              { name: 'a', openai: token('one') },
              { name: 'b', gemini: token('two'), host: 'h' },
            ],
          },
          {
            providers: [
              { name: 'c', vertexai: token('one') },
              { name: 'd', openai: { authToken: { kind: 'Passthrough' } } },
            ],
          },
          {
            providers: [
              { name: 'e', azureopenai: { authToken: { kind: 'Inline', inline: 'x', secretRef: { name: 'no' } } } },
            ],
          },
        ],
      },
    }
    expect(refs(apiObject('Backend', 'b', { spec }))).toEqual(['Secret/ns/one', 'Secret/ns/two'])
    expect(refs(apiObject('Backend', 'b', { spec: { type: 'Static', static: { hosts: [] } } }))).toEqual([])
    expect(refs(apiObject('Backend', 'b', { spec: { type: 'AI', ai: { llm: { openai: token('') } } } }))).toEqual([])
  })

  it("names certificates of HTTPS listeners, of weir's Gateways alone", () => {
    const all = gateway(https({ name: 'c' }, { kind: 'ConfigMap', name: 'no' }, { group: 'x', name: 'no' }))
    expect(refs(gatewayClass('weir'), all)).toEqual(['Secret/ns/c'])
    expect(refs(all)).toEqual([])
    expect(refs(gatewayClass('weir', { controllerName: 'another' }), all)).toEqual([])
    const http = { listeners: [{ name: 'h', port: 80, protocol: 'HTTP', tls: { certificateRefs: [{ name: 'no' }] } }] }
    expect(refs(gatewayClass('weir'), gateway(http))).toEqual([])
  })

  const from = { group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: 'ns' }
  const to = { group: '', kind: 'Secret' }
  it.each([
    ['no grant', undefined, false],
    ['one for all Secrets', { from: [from], to: [to] }, true],
    ['one for this Secret', { from: [from], to: [{ ...to, name: 'c' }] }, true],
    ['one for another Secret', { from: [from], to: [{ ...to, name: 'd' }] }, false],
    ['one for another kind', { from: [from], to: [{ ...to, kind: 'ConfigMap' }] }, false],
    ['one for another group', { from: [from], to: [{ ...to, group: 'x' }] }, false],
    ['one for another namespace', { from: [{ ...from, namespace: 'x' }], to: [to] }, false],
    ['one for routes', { from: [{ ...from, kind: 'HTTPRoute' }], to: [to] }, false],
    ['one for another group of Gateways', { from: [{ ...from, group: 'x' }], to: [to] }, false],
  ])('across namespaces, with %s', (_, spec, isNamed) => {
    const objects = [gatewayClass('weir'), gateway(https({ name: 'c', namespace: 'secrets' }))]
    const grant = (namespace: string): ApiObject => apiObject('ReferenceGrant', 'r', { spec, metadata: { namespace } })
    expect(refs(...objects, ...(spec === undefined ? [] : [grant('secrets')]))).toEqual(
      isNamed ? ['Secret/secrets/c'] : [],
    )
    expect(refs(...objects, ...(spec === undefined ? [] : [grant('elsewhere')]))).toEqual([])
  })

  it("names the tracing ConfigMap of a Gateway's own parameters, else of its class's", () => {
    const group = 'gateway.kgateway.dev'
    const parameters = (name: string, namespace: string, customConfigMapName: string): ApiObject =>
      apiObject('GatewayParameters', name, {
        metadata: { namespace },
        spec: { kube: { agentgateway: { customConfigMapName } } },
      })
    const ref = { group, kind: 'GatewayParameters', name: 'p' }
    const ofClass = gatewayClass('weir', { parametersRef: { ...ref, namespace: 'system' } })
    const own = gateway({ listeners: [], infrastructure: { parametersRef: ref } })
    const plain = gateway({ listeners: [] })
    const both = [parameters('p', 'ns', 'own'), parameters('p', 'system', 'shared')]
    expect(refs(ofClass, own, ...both)).toEqual(['ConfigMap/ns/own'])
    expect(refs(ofClass, plain, ...both)).toEqual(['ConfigMap/ns/shared'])
    expect(refs(ofClass, own, parameters('p', 'ns', ''), both[1] as ApiObject)).toEqual(['ConfigMap/ns/shared'])
    expect(refs(gatewayClass('weir'), plain, ...both)).toEqual([])
    const foreign = gateway({ listeners: [], infrastructure: { parametersRef: { ...ref, group: 'x' } } })
    expect(refs(gatewayClass('weir'), foreign, ...both)).toEqual([])
  })

  it('names the CAs of BackendTLSPolicies', () => {
    const caCertificateRefs = [
      { group: '', kind: 'ConfigMap', name: 'ca' },
      { group: '', kind: 'Secret', name: 'no' },
    ]
    const spec = { targetRefs: [], validation: { hostname: 'h', caCertificateRefs } }
    expect(refs(apiObject('BackendTLSPolicy', 'p', { spec }))).toEqual(['ConfigMap/ns/ca'])
  })
})
