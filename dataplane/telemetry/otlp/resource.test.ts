import { resourceAttributes } from './resource.ts'

const PROCESS = { hostName: 'host-1', instanceId: '7b0c' }

function attributes(env: { [name: string]: string }, configured: { [name: string]: string } = {}): object {
  const list = Object.entries(configured).map(([name, value]) => ({ name, value }))
  const identity = { namespace: 'prod', name: 'edge', version: '1.2.3', env }
  const result = resourceAttributes(list, identity, PROCESS)
  expect(new Set(result.map(({ name }) => name)).size).toBe(result.length)
  return Object.fromEntries(result.map(({ name, value }) => [name, value]))
}

describe('resourceAttributes', () => {
  it('say which Gateway and which process it is', () => {
    expect(attributes({})).toEqual({
      'service.name': 'edge',
      'service.namespace': 'prod',
      'service.version': '1.2.3',
      'service.instance.id': '7b0c',
      'host.name': 'host-1',
      'telemetry.sdk.name': 'weir',
      'telemetry.sdk.language': 'nodejs',
      'telemetry.sdk.version': '1.2.3',
    })
  })

  it('say which pod it is', () => {
    const env = { POD_NAME: 'edge-5f', POD_NAMESPACE: 'ns', POD_UID: 'u-1', INSTANCE_IP: '10.0.0.9', NODE_NAME: 'n1' }
    expect(attributes(env)).toMatchObject({
      'service.instance.id': 'ns.edge-5f',
      'k8s.pod.name': 'edge-5f',
      'k8s.namespace.name': 'ns',
      'k8s.pod.uid': 'u-1',
      'k8s.pod.ip': '10.0.0.9',
      'k8s.node.name': 'n1',
    })
  })

  it('follow what is configured, then OTEL_SERVICE_NAME, then OTEL_RESOURCE_ATTRIBUTES', () => {
    const env = { OTEL_RESOURCE_ATTRIBUTES: 'service.name=listed,service.version=9,a=b%20c' }
    expect(attributes(env)).toMatchObject({ 'service.name': 'listed', 'service.version': '9', a: 'b c' })
    const named = { ...env, OTEL_SERVICE_NAME: 'named' }
    expect(attributes(named)).toMatchObject({ 'service.name': 'named', 'service.version': '9' })
    const configured = { 'service.name': 'configured', a: '' }
    expect(attributes(named, configured)).toMatchObject({ 'service.name': 'configured' })
    expect(attributes(named, configured)).not.toHaveProperty('a')
  })

  it('are without what cannot be read', () => {
    expect(attributes({ OTEL_RESOURCE_ATTRIBUTES: 'service.name=x,broken' })).toMatchObject({ 'service.name': 'edge' })
  })
})
