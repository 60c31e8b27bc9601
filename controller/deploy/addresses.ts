import { isIP } from 'node:net'
import type { GatewayAddress } from '../api/status.ts'
import type { LiveObject } from './manifest.ts'

/** GatewayStatus.addresses has at most so many. */
const MOST_ADDRESSES = 16

/** What is read of a core/v1 Service. */
interface ServiceFields {
  readonly type?: string
  readonly clusterIP?: string
  readonly clusterIPs?: readonly string[]
  readonly externalIPs?: readonly string[]
}

interface ServiceStatus {
  readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[] }
}

/**
 * Where a Gateway can be reached, by its Service: at the load balancer's addresses, or else, for the other types, in the
 * cluster; at external addresses in any case. Empty as long as a load balancer has none.
 */
export function gatewayAddresses(service: LiveObject | undefined, clusterDomain: string): readonly GatewayAddress[] {
  if (service === undefined) return []
  const { type = 'ClusterIP', externalIPs = [], ...spec } = (service.spec ?? {}) as ServiceFields
  const { loadBalancer } = (service.status ?? {}) as ServiceStatus
  const values =
    type === 'LoadBalancer'
      ? (loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip || hostname || [])
      : insideAddresses(service, spec, clusterDomain)
  return [...new Set([...values, ...externalIPs])]
    .slice(0, MOST_ADDRESSES)
    .map((value) => ({ type: isIP(value) === 0 ? 'Hostname' : 'IPAddress', value }))
}

/** A headless Service has no address but its name. */
function insideAddresses(
  { metadata }: LiveObject,
  { clusterIP, clusterIPs }: ServiceFields,
  clusterDomain: string,
): readonly string[] {
  const addresses = clusterIPs ?? (clusterIP === undefined ? [] : [clusterIP])
  if (addresses.includes('None')) return [`${metadata.name}.${metadata.namespace}.svc.${clusterDomain}`]
  return addresses.filter((address) => address !== '')
}
