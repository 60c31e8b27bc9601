import type { Endpoint } from '../../../contract/snapshot.ts'
import type { EndpointSlice, Service, ServicePort } from '../../api/core.ts'
import type { Lookup } from '../lookup.ts'

/** Protocols that a Service's port may ask for and that HTTP/1.1 in plain text cannot serve. */
const UNSPOKEN: { readonly [appProtocol: string]: string } = {
  'kubernetes.io/h2c': 'HTTP/2',
  'kubernetes.io/wss': 'WebSocket over TLS',
  grpc: 'gRPC',
}

/** Why a port cannot be spoken to; undefined when it can. */
export function unspokenProtocol({ appProtocol }: ServicePort): string | undefined {
  const protocol = appProtocol === undefined ? undefined : UNSPOKEN[appProtocol]
  return protocol === undefined ? undefined : `appProtocol ${appProtocol}: ${protocol} to backends is not built yet`
}

/**
 * Where a Service's port is reached: the ready addresses of its EndpointSlices, and none when none is ready. Without
 * any slice, as in files that describe no pods: the cluster IP, the external name, or the name that the cluster's DNS
 * would know; a headless Service has nothing but its slices.
 */
export function endpointsOf(lookup: Lookup, service: Service, port: ServicePort): readonly Endpoint[] {
  const { namespace = '', name } = service.metadata
  const slices = lookup.slicesOf(namespace, name)
  if (slices.length > 0) return readyEndpoints(preferred(slices, service, port), port)
  const { type, clusterIP, externalName } = service.spec ?? {}
  if (type === 'ExternalName') return externalName === undefined ? [] : [{ host: externalName, port: port.port }]
  if (clusterIP === 'None') return []
  const host = clusterIP === undefined || clusterIP === '' ? `${name}.${namespace}.svc.cluster.local` : clusterIP
  return [{ host, port: port.port }]
}

/**
 * The slices of a Service's first IP family, where they have somebody: a dual-stack Service has every pod twice, and
 * the other family may not be routed here.
 */
function preferred(slices: readonly EndpointSlice[], service: Service, port: ServicePort): readonly EndpointSlice[] {
  const first = slices.filter(({ addressType }) => addressType === service.spec?.ipFamilies?.[0])
  return readyEndpoints(first, port).length > 0 ? first : slices
}

function readyEndpoints(slices: readonly EndpointSlice[], { name = '' }: ServicePort): readonly Endpoint[] {
  const found = slices.flatMap((slice) => {
    // Slices carry the target port under the Service port's name, so that a named target port may differ from pod to pod.
    const target = (slice.ports ?? []).find((port) => (port.name ?? '') === name)?.port
    // An API server lets a slice's port be any number.
    if (target === undefined || target < 1 || target > 65_535) return []
    return (slice.endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false && conditions?.terminating !== true)
      .flatMap(({ addresses }) => addresses.map((host) => ({ host, port: target })))
  })
  // Two slices may name one address while the controller moves it; and the order of slices must not make a new version.
  const byAddress = new Map(found.map((endpoint) => [`${endpoint.host} ${endpoint.port}`, endpoint]))
  return [...byAddress.keys()].sort().map((address) => byAddress.get(address) as Endpoint)
}
