import type { EndpointSlice, Service, SliceEndpoint } from '../kubelet/cluster-objects.ts'
import { forwardingTable } from './forwarding-table.ts'

const API_SERVER = { address: '127.0.0.1', port: 6443 }
const metadata = (name: string, namespace = 'ns') => ({ name, namespace, uid: name, resourceVersion: '1' })

const service = (spec: Service['spec'], ip?: string): Service => ({
  metadata: metadata('web'),
  spec,
  ...(ip === undefined ? {} : { status: { loadBalancer: { ingress: [{ ip }] } } }),
})

const slice = (endpoints: readonly SliceEndpoint[], ports: EndpointSlice['ports']): EndpointSlice => ({
  metadata: { ...metadata('web-1'), labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  endpoints,
  ports: ports ?? null,
})

const listed = (services: Service[], slices: EndpointSlice[]): Record<string, string[]> =>
  Object.fromEntries(
    [...forwardingTable(services, slices, API_SERVER)].map(([key, { endpoints }]) => [
      key,
      endpoints.map(({ address, port }) => `${address}:${port}`),
    ]),
  )

describe('forwardingTable', () => {
  const ports = [
    { name: 'http', port: 80, nodePort: 30080, protocol: 'TCP' },
    { name: 'admin', port: 81, protocol: 'TCP' },
    { name: 'dns', port: 53, protocol: 'UDP' },
  ]
  const web = service({ clusterIP: '10.96.0.9', ports }, '203.0.113.7')

  it('has the cluster, node and load-balancer address of each TCP port, by the names of the ports', () => {
    const slices = [
      slice([{ addresses: ['10.244.0.1'] }], [{ name: 'http', port: 8080 }]),
      slice([{ addresses: ['10.244.0.2'] }], [{ name: 'http', port: 8081 }]),
    ]
    const both = ['10.244.0.1:8080', '10.244.0.2:8081']
    expect(listed([web], slices)).toEqual({ '10.96.0.9:80': both, '10.244.0.1:30080': both, '203.0.113.7:80': both })
  })

  it('takes ready endpoints, and those that end but serve where none is ready', () => {
    const port = [{ name: 'http', port: 80 }]
    const ready = { addresses: ['10.244.0.1'], conditions: { ready: true } }
    const starting = { addresses: ['10.244.0.2'], conditions: { ready: false, serving: false } }
    const ending = { addresses: ['10.244.0.3'], conditions: { ready: false, serving: true, terminating: true } }
    expect(listed([web], [slice([ready, starting, ending], port)])['10.96.0.9:80']).toEqual(['10.244.0.1:80'])
    expect(listed([web], [slice([starting, ending], port)])['10.96.0.9:80']).toEqual(['10.244.0.3:80'])
    expect(listed([web], [slice([starting], port)])).toEqual({})
  })

  it('has nothing of a headless Service or another namespace', () => {
    const endpoint = slice([{ addresses: ['10.244.0.1'] }], [{ name: 'http', port: 80 }])
    expect(listed([service({ clusterIP: 'None', ports: [ports[1] as { port: number }] })], [endpoint])).toEqual({})
    const elsewhere = { ...endpoint, metadata: { ...endpoint.metadata, namespace: 'other' } }
    expect(listed([web], [elsewhere])).toEqual({})
  })

  it('takes the Service of the API server to the API server', () => {
    const api: Service = {
      metadata: metadata('kubernetes', 'default'),
      spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443 }] },
    }
    expect(listed([api], [])).toEqual({ '10.96.0.1:443': ['127.0.0.1:6443'] })
  })
})
