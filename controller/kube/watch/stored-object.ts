import type { EndpointSlice } from '../../api/core.ts'
import type { KubeObject, ObjectMeta } from '../../api/inventory.ts'
import { apiVersionOf, type WatchedKind } from './watched-kinds.ts'

/** An object as the store holds it: frozen, with its status, without what only the API server's own work is. */
export type StoredObject<Spec = unknown> = Omit<KubeObject<Spec>, 'metadata'> & { readonly metadata: StoredMeta }

interface StoredMeta extends ObjectMeta {
  readonly uid: string
  readonly resourceVersion: string
  /** Somebody has asked for its deletion. RFC 3339. */
  readonly deletionTimestamp?: string
  readonly ownerReferences?: readonly {
    readonly apiVersion: string
    readonly kind: string
    readonly name: string
    readonly uid: string
  }[]
}

/** kubectl's own memory of what was applied: a second copy of the object, in a Secret's case with its data. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/**
 * What is kept of an object that the API server sent; undefined when it is no object that could be kept. The kind's own
 * first version stands in it, whichever was asked for, and in lists the server leaves kind and version out.
 */
export function storedObject(raw: unknown, kind: WatchedKind): StoredObject | undefined {
  if (!isMap(raw) || !isMap(raw['metadata'])) return undefined
  const metadata = keptMetadata(raw['metadata'], kind)
  if (metadata === undefined) return undefined
  const type = { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata }
  if (kind.metadataOnly && raw['data'] === undefined) return deepFreeze(type)
  const { apiVersion: _version, kind: _kind, metadata: _metadata, binaryData: _bytes, ...rest } = raw
  const kept = { ...rest, ...type }
  return deepFreeze(kind.kind === 'EndpointSlice' ? slimSlice(kept) : kept)
}

/**
 * The part of a stored object that compile reads, equal for two versions between which only the status moved, and in the
 * form that objects from files have.
 */
export function inputOf(stored: StoredObject): KubeObject {
  const { metadata, status: _status, ...rest } = stored
  const { name, namespace, generation, creationTimestamp, labels, annotations, uid } = metadata
  const kept = { name, namespace, generation, creationTimestamp, labels, annotations, uid }
  const given = Object.entries(kept).filter(([, value]) => value !== undefined)
  return Object.freeze({ ...rest, metadata: Object.freeze(Object.fromEntries(given)) as unknown as ObjectMeta })
}

function keptMetadata(raw: { readonly [key: string]: unknown }, { metadataOnly }: WatchedKind): StoredMeta | undefined {
  const { managedFields: _managed, annotations, ...rest } = raw
  const { name, namespace, uid, resourceVersion, creationTimestamp } = rest
  if (!isText(name) || !isText(uid) || !isText(resourceVersion) || !isText(creationTimestamp)) return undefined
  const identity = { name, ...(isText(namespace) ? { namespace } : {}), creationTimestamp, uid, resourceVersion }
  if (metadataOnly) return identity
  const noted = isMap(annotations) ? Object.entries(annotations).filter(([key]) => key !== LAST_APPLIED) : []
  return {
    ...rest,
    ...identity,
    ...(noted.length === 0 ? {} : { annotations: Object.fromEntries(noted) }),
  } as StoredMeta
}

/** Slices are many and large; which pod and node is behind an address is not read, and changes without effect. */
function slimSlice(slice: StoredObject): StoredObject {
  const endpoints = ((slice as unknown as EndpointSlice).endpoints ?? []).map(({ addresses, conditions }) => {
    const { ready, terminating } = conditions ?? {}
    return {
      addresses,
      conditions: {
        ...(ready === undefined ? {} : { ready }),
        ...(terminating === undefined ? {} : { terminating }),
      },
    }
  })
  return { ...slice, endpoints }
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const child of Object.values(value)) deepFreeze(child)
  return Object.freeze(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isMap(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
