import { GATEWAY_API_GROUP, WEIR_GROUP } from '../../contract/names.ts'
import type { Backend } from '../api/backend.ts'
import type { BackendTlsPolicy } from '../api/backend-tls-policy.ts'
import type { ConfigMap, EndpointSlice, Namespace, Secret, Service } from '../api/core.ts'
import type { Gateway } from '../api/gateway.ts'
import type { GatewayClass } from '../api/gateway-class.ts'
import type { GatewayParameters } from '../api/gateway-parameters.ts'
import type { HttpRoute } from '../api/http-route.ts'
import type { Inventory, KubeObject } from '../api/inventory.ts'
import type { ReferenceGrant } from '../api/reference-grant.ts'
import type { TrafficPolicy } from '../api/traffic-policy.ts'

/** The kinds that compile reads, by name, as the types of what it reads of them. */
export interface Kinds {
  GatewayClass: GatewayClass
  Gateway: Gateway
  HTTPRoute: HttpRoute
  ReferenceGrant: ReferenceGrant
  BackendTLSPolicy: BackendTlsPolicy
  Backend: Backend
  GatewayParameters: GatewayParameters
  TrafficPolicy: TrafficPolicy
  Secret: Secret
  ConfigMap: ConfigMap
  Service: Service
  Namespace: Namespace
  EndpointSlice: EndpointSlice
}

const GROUPS: { readonly [K in keyof Kinds]: string } = {
  GatewayClass: GATEWAY_API_GROUP,
  Gateway: GATEWAY_API_GROUP,
  HTTPRoute: GATEWAY_API_GROUP,
  ReferenceGrant: GATEWAY_API_GROUP,
  BackendTLSPolicy: GATEWAY_API_GROUP,
  Backend: WEIR_GROUP,
  GatewayParameters: WEIR_GROUP,
  TrafficPolicy: WEIR_GROUP,
  Secret: '',
  ConfigMap: '',
  Service: '',
  Namespace: '',
  EndpointSlice: 'discovery.k8s.io',
}

/** The inventory, found by kind and name. Lists are in the inventory's order. */
export interface Lookup {
  all<K extends keyof Kinds>(kind: K): readonly Kinds[K][]
  /** @param namespace the empty text for kinds that have none */
  find<K extends keyof Kinds>(kind: K, namespace: string, name: string): Kinds[K] | undefined
  /** Names of all objects of a kind in a namespace, for advice. */
  names(kind: keyof Kinds, namespace: string): readonly string[]
  /** The slices that belong to a Service, by the label `kubernetes.io/service-name`. */
  slicesOf(namespace: string, service: string): readonly EndpointSlice[]
}

const SERVICE_LABEL = 'kubernetes.io/service-name'

/** The API group of an object; the core group is the empty text. */
export function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
}

/**
 * Indexes an inventory. The objects' specs are taken for what their schema says: an API server, or controller/files in
 * its place, has checked them. Versions of one group are one kind: what is read is the same in all that are served.
 */
export function indexInventory(inventory: Inventory): Lookup {
  const byKind = new Map<string, KubeObject[]>()
  const byName = new Map<string, KubeObject>()
  const slices = new Map<string, EndpointSlice[]>()
  for (const object of inventory.objects) {
    const kind = object.kind as keyof Kinds
    if (GROUPS[kind] !== groupOf(object.apiVersion)) continue
    const namespace = object.metadata.namespace ?? ''
    append(byKind, kind, object)
    byName.set(`${kind}/${namespace}/${object.metadata.name}`, object)
    const service = object.metadata.labels?.[SERVICE_LABEL]
    if (kind === 'EndpointSlice' && service !== undefined) {
      append(slices, `${namespace}/${service}`, object as EndpointSlice)
    }
  }
  const all = <K extends keyof Kinds>(kind: K): readonly Kinds[K][] => (byKind.get(kind) ?? []) as unknown as Kinds[K][]
  return {
    all,
    find: <K extends keyof Kinds>(kind: K, namespace: string, name: string) =>
      byName.get(`${kind}/${namespace}/${name}`) as Kinds[K] | undefined,
    names: (kind, namespace) =>
      all(kind)
        .filter((object) => (object.metadata.namespace ?? '') === namespace)
        .map((object) => object.metadata.name),
    slicesOf: (namespace, service) => slices.get(`${namespace}/${service}`) ?? [],
  }
}

function append<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
