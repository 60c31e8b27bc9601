import type { EndpointSlice, Service, ServicePort } from '../kubelet/cluster-objects.ts'
import { ADDRESS_PLAN } from './address-plan.ts'
import type { Endpoint, ForwardedAddress } from './tcp-forwarder.ts'

/** One address to listen on, and where its connections go. */
export interface Forwarding {
  readonly listen: ForwardedAddress
  readonly endpoints: readonly Endpoint[]
}

/**
 * What kube-proxy would do, as a pure table: for every TCP port of every Service with an address, its cluster address,
 * its node port on the node and its load-balancer addresses. Without an endpoint there is no entry, so that nobody
 * listens and a connection is refused.
 * @param apiServer where the Service `kubernetes` goes: nobody writes its endpoints on the rig
 */
export function forwardingTable(
  services: Iterable<Service>,
  slices: Iterable<EndpointSlice>,
  apiServer: Endpoint,
): Map<string, Forwarding> {
  const slicesOf = Map.groupBy(
    slices,
    (slice) => `${slice.metadata.namespace}/${slice.metadata.labels?.['kubernetes.io/service-name']}`,
  )
  const table = new Map<string, Forwarding>()
  for (const service of services) {
    const key = `${service.metadata.namespace}/${service.metadata.name}`
    for (const port of service.spec.ports ?? []) {
      if ((port.protocol ?? 'TCP') !== 'TCP') continue
      const endpoints = key === 'default/kubernetes' ? [apiServer] : endpointsOf(slicesOf.get(key) ?? [], port)
      if (endpoints.length === 0) continue
      for (const listen of addressesOf(service, port)) {
        table.set(`${listen.address}:${listen.port}`, { listen, endpoints })
      }
    }
  }
  return table
}

function addressesOf(service: Service, port: ServicePort): ForwardedAddress[] {
  const { clusterIP } = service.spec
  const ingress = service.status?.loadBalancer?.ingress ?? []
  return [
    ...(clusterIP === undefined || clusterIP === '' || clusterIP === 'None'
      ? []
      : [{ address: clusterIP, port: port.port }]),
    ...(port.nodePort === undefined ? [] : [{ address: ADDRESS_PLAN.node, port: port.nodePort }]),
    ...ingress.flatMap(({ ip }) => (ip === undefined ? [] : [{ address: ip, port: port.port }])),
  ]
}

/** Ready endpoints; where none is ready, those that end but still serve (kube-proxy's ProxyTerminatingEndpoints). */
function endpointsOf(slices: readonly EndpointSlice[], port: ServicePort): Endpoint[] {
  const candidates = slices.flatMap((slice) => {
    const number = slice.ports?.find((one) => (one.name ?? '') === (port.name ?? ''))?.port
    if (number === undefined || slice.addressType !== 'IPv4') return []
    return (slice.endpoints ?? []).map((endpoint) => ({ endpoint, number }))
  })
  const ready = candidates.filter(({ endpoint }) => endpoint.conditions?.ready !== false)
  const ending = candidates.filter(
    ({ endpoint }) => endpoint.conditions?.serving === true && endpoint.conditions.terminating === true,
  )
  return (ready.length > 0 ? ready : ending).flatMap(({ endpoint, number }) =>
    endpoint.addresses.slice(0, 1).map((address) => ({ address, port: number })),
  )
}
