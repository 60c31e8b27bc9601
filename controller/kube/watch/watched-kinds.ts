import { GATEWAY_API_GROUP, WEIR_GROUP } from '../../../contract/names.ts'

/** A kind that the controller follows. */
export interface WatchedKind {
  readonly kind: string
  readonly plural: string
  /** Empty for the core group. */
  readonly group: string
  /** The first that the server has is followed; objects are given out as the first of the list, whichever that was. */
  readonly versions: readonly string[]
  readonly namespaced: boolean
  /** No spec, no data: what is needed of those that are referenced is got object by object. */
  readonly metadataOnly: boolean
  readonly labelSelector?: string
  /** Part of the inventory; the others are read by who deploys. */
  readonly compiled: boolean
}

/** On everything that is made for a Gateway (Gateway API, GEP-1762). */
export const GATEWAY_NAME_LABEL = 'gateway.networking.k8s.io/gateway-name'

/** Slices that no Service stands behind are nobody's backends. */
const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'

const CORE = { group: '', versions: ['v1'], namespaced: true, metadataOnly: false, compiled: true }
const GATEWAY_API = { ...CORE, group: GATEWAY_API_GROUP }
const WEIR = { ...CORE, group: WEIR_GROUP, versions: ['v1alpha1'] }

/** Everything that is followed, and the only place that says so: RBAC must allow list and watch of exactly these. */
export const WATCHED_KINDS: readonly WatchedKind[] = [
  { ...GATEWAY_API, kind: 'GatewayClass', plural: 'gatewayclasses', namespaced: false },
  { ...GATEWAY_API, kind: 'Gateway', plural: 'gateways' },
  { ...GATEWAY_API, kind: 'HTTPRoute', plural: 'httproutes' },
  // v1 since Gateway API 1.5.
  { ...GATEWAY_API, kind: 'ReferenceGrant', plural: 'referencegrants', versions: ['v1', 'v1beta1'] },
  { ...GATEWAY_API, kind: 'BackendTLSPolicy', plural: 'backendtlspolicies' },
  { ...WEIR, kind: 'Backend', plural: 'backends' },
  { ...WEIR, kind: 'GatewayParameters', plural: 'gatewayparameters' },
  { ...WEIR, kind: 'TrafficPolicy', plural: 'trafficpolicies' },
  { ...CORE, kind: 'Service', plural: 'services' },
  {
    ...CORE,
    group: 'discovery.k8s.io',
    kind: 'EndpointSlice',
    plural: 'endpointslices',
    labelSelector: SERVICE_NAME_LABEL,
  },
  { ...CORE, kind: 'Namespace', plural: 'namespaces', namespaced: false },
  { ...CORE, kind: 'Secret', plural: 'secrets', metadataOnly: true },
  { ...CORE, kind: 'ConfigMap', plural: 'configmaps', metadataOnly: true },
  {
    ...CORE,
    group: 'apps',
    kind: 'Deployment',
    plural: 'deployments',
    labelSelector: GATEWAY_NAME_LABEL,
    compiled: false,
  },
]

/** `apiVersion` of a kind in one of its versions; without one, as objects are given out. */
export function apiVersionOf({ group, versions }: WatchedKind, version: string | undefined = versions[0]): string {
  return group === '' ? `${version}` : `${group}/${version}`
}

/** The table's row of a kind. Throws for a kind that is not followed: that is a bug. */
export function watchedKind(name: string): WatchedKind {
  const found = WATCHED_KINDS.find(({ kind }) => kind === name)
  if (found === undefined) throw new Error(`${name} is no kind that the controller follows`)
  return found
}
