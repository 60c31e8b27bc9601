import { gatewayAddresses } from './addresses.ts'
import type { LiveObject } from './manifest.ts'

function service(spec: object, status: object = {}): LiveObject {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name: 'edge', namespace: 'infra' }, spec, status }
}

function ingress(...entries: object[]): object {
  return { loadBalancer: { ingress: entries } }
}

describe('gatewayAddresses', () => {
  it.each([
    ['no Service', undefined, []],
    [
      'a load balancer without an address',
      service({ type: 'LoadBalancer', clusterIP: '10.96.0.1' }, { loadBalancer: {} }),
      [],
    ],
    [
      'a load balancer',
      service({ type: 'LoadBalancer', clusterIP: '10.96.0.1' }, ingress({ ip: '203.0.113.7' }, { ip: '2001:db8::7' })),
      ['IPAddress 203.0.113.7', 'IPAddress 2001:db8::7'],
    ],
    [
      'a load balancer with a name',
      service({ type: 'LoadBalancer' }, ingress({ hostname: 'lb.example.com' }, { ip: '', hostname: '' })),
      ['Hostname lb.example.com'],
    ],
    [
      'two families in the cluster',
      service({ type: 'ClusterIP', clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1', 'fd00::1'] }),
      ['IPAddress 10.96.0.1', 'IPAddress fd00::1'],
    ],
    ['a node port', service({ type: 'NodePort', clusterIP: '10.96.0.1' }), ['IPAddress 10.96.0.1']],
    [
      'external addresses, each once',
      service({ type: 'ClusterIP', clusterIP: '10.96.0.1', externalIPs: ['198.51.100.1', '10.96.0.1'] }),
      ['IPAddress 10.96.0.1', 'IPAddress 198.51.100.1'],
    ],
    ['a headless Service', service({ clusterIP: 'None' }), ['Hostname edge.infra.svc.cluster.local']],
    ['a Service that has none yet', service({ clusterIP: '' }), []],
  ])('says where a Gateway is: %s', (_, live, addresses) => {
    const found = gatewayAddresses(live, 'cluster.local')
    expect(found.map(({ type, value }) => `${type} ${value}`)).toEqual(addresses)
  })

  it('says at most as many as a status may have', () => {
    const many = Array.from({ length: 40 }, (_, index) => ({ ip: `203.0.113.${index}` }))
    expect(gatewayAddresses(service({ type: 'LoadBalancer' }, ingress(...many)), 'cluster.local')).toHaveLength(16)
  })
})
