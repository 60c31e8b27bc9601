import { isDeepStrictEqual } from 'node:util'
import type { LiveObject, MadeKind } from '../../controller/deploy/manifest.ts'
import type { NamedObject, WorkloadClient } from '../../controller/deploy/workload-client.ts'
import { KubeError } from '../../controller/kube/client/kube-error.ts'

interface Fields {
  readonly [field: string]: unknown
}

interface Stored {
  object: LiveObject & Fields
  /** By manager: the paths of values that it applied. */
  readonly owned: Map<string, ReadonlySet<string>>
}

/**
 * As much of an API server as deploying meets: objects by kind and name, and server-side apply by force. Maps are merged,
 * lists are values but for owner references; a path that a manager no longer applies and nobody else does is removed,
 * or falls back to its default. A uid is given to each object.
 */
export class ApplyServer implements WorkloadClient {
  readonly #objects = new Map<string, Stored>()
  #uids = 0
  /** `VERB Kind namespace/name` of every call that changes something, in order. */
  readonly writes: string[] = []
  /** How many calls there were, all in all. */
  calls = 0
  /** Asked before every call; what it returns is thrown. */
  fault: (verb: string, kind: string) => KubeError | undefined = () => undefined

  async list(kind: MadeKind, namespace: string, labelSelector: string): Promise<readonly LiveObject[]> {
    this.#called('list', kind.kind)
    const terms = labelSelector.split(',').map((term) => term.split('=') as [string, string])
    return this.objects(kind.kind).filter(
      ({ metadata }) =>
        metadata.namespace === namespace && terms.every(([key, value]) => metadata.labels?.[key] === value),
    )
  }

  async get(object: NamedObject): Promise<LiveObject | undefined> {
    this.#called('get', object.kind)
    return structuredClone(this.#objects.get(keyOf(object))?.object)
  }

  async apply(object: NamedObject, body: object, fieldManager: string): Promise<LiveObject> {
    this.#called('apply', object.kind)
    const key = keyOf(object)
    const stored = this.#objects.get(key) ?? { object: this.#empty(object), owned: new Map() }
    const others = [...stored.owned].filter(([manager]) => manager !== fieldManager).flatMap(([, paths]) => [...paths])
    const paths = new Set(leaves(body))
    const gone = [...(stored.owned.get(fieldManager) ?? [])].filter(
      (path) => !paths.has(path) && !others.includes(path),
    )
    const changed = withDefaults(merge(without(stored.object, gone), body)) as LiveObject & Fields
    const controllers = (changed.metadata.ownerReferences ?? []).filter(({ controller }) => controller === true)
    if (controllers.length > 1) {
      throw new KubeError(`${object.kind}: only one reference can have controller set to true`, {
        status: 422,
        reason: 'Invalid',
      })
    }
    const isSame = isDeepStrictEqual(changed, stored.object)
    this.writes.push(`${isSame ? 'same' : 'apply'} ${key}${fieldManager === 'weir' ? '' : ` by ${fieldManager}`}`)
    stored.owned.set(fieldManager, paths)
    stored.object = changed
    this.#objects.set(key, stored)
    return this.#shown(stored)
  }

  async delete(object: NamedObject, uid: string): Promise<void> {
    this.#called('delete', object.kind)
    const key = keyOf(object)
    if (this.#objects.get(key)?.object.metadata.uid !== uid) return
    this.writes.push(`delete ${key}`)
    this.#objects.delete(key)
  }

  /** Puts an object there as a user or a controller would: owned by nobody that applies. */
  put(object: LiveObject): void {
    const key = keyOf({ kind: object.kind, namespace: object.metadata.namespace ?? '', name: object.metadata.name })
    const before = this.#objects.get(key)
    const uid = object.metadata.uid ?? this.#nextUid()
    const stored = { ...object, metadata: { ...object.metadata, uid } } as LiveObject & Fields
    this.#objects.set(key, { object: stored, owned: before?.owned ?? new Map() })
  }

  objects(kind: string): readonly LiveObject[] {
    return [...this.#objects.values()].filter(({ object }) => object.kind === kind).map((one) => this.#shown(one))
  }

  find(kind: string, namespace: string, name: string): LiveObject {
    const stored = this.#objects.get(keyOf({ kind, namespace, name }))
    if (stored === undefined) throw new Error(`there is no ${kind} ${namespace}/${name}`)
    return this.#shown(stored)
  }

  /** The names of all objects, and the writes since the last time. */
  names(): readonly string[] {
    return [...this.#objects.keys()].sort()
  }

  takeWrites(): readonly string[] {
    return this.writes.splice(0)
  }

  #called(verb: string, kind: string): void {
    this.calls += 1
    const error = this.fault(verb, kind)
    if (error !== undefined) throw error
  }

  #empty({ apiVersion, kind, namespace, name }: NamedObject): LiveObject & Fields {
    return { apiVersion, kind, metadata: { namespace, name, uid: this.#nextUid() } }
  }

  #nextUid(): string {
    this.#uids += 1
    return `object-${this.#uids}`
  }

  #shown({ object, owned }: Stored): LiveObject {
    const managedFields = [...owned].map(([manager, paths]) => ({
      manager,
      operation: 'Apply',
      fieldsV1: fieldsTree(paths),
    }))
    return structuredClone({ ...object, metadata: { ...object.metadata, managedFields } })
  }
}

function keyOf({ kind, namespace, name }: { kind: string; namespace: string; name: string }): string {
  return `${kind} ${namespace}/${name}`
}

function isMap(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Paths of values, as JSON lists of keys: a label's key has dots of its own. */
function leaves(value: unknown, path: readonly string[] = []): readonly string[] {
  if (!isMap(value)) return [JSON.stringify(path)]
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]))
}

function without(object: Fields, paths: readonly string[]): Fields {
  const copy = structuredClone(object) as { [field: string]: unknown }
  for (const path of paths) {
    const keys = JSON.parse(path) as string[]
    const last = keys.pop() as string
    const holder = keys.reduce<unknown>((map, key) => (isMap(map) ? map[key] : undefined), copy)
    if (isMap(holder)) delete (holder as { [field: string]: unknown })[last]
  }
  return copy
}

function merge(under: unknown, over: unknown, field = ''): unknown {
  if (field === 'ownerReferences' && Array.isArray(under) && Array.isArray(over)) {
    const uids = over.map((one: Fields) => one['uid'])
    return [...under.filter((one: Fields) => !uids.includes(one['uid'])), ...over]
  }
  if (!isMap(under) || !isMap(over)) return structuredClone(over)
  const keys = new Set([...Object.keys(under), ...Object.keys(over)])
  return Object.fromEntries([...keys].map((key) => [key, key in over ? merge(under[key], over[key], key) : under[key]]))
}

/** What the real server fills in, as far as deploying depends on it, and one value that it writes its own way. */
function withDefaults(object: unknown): Fields {
  const { kind, spec, ...rest } = object as Fields
  if (kind === 'Deployment') return { ...rest, kind, spec: { replicas: 1, ...(spec as Fields) } }
  if (kind === 'Service') {
    const { ports, ...others } = spec as { readonly ports?: readonly Fields[] }
    return {
      ...rest,
      kind,
      spec: {
        clusterIP: '10.96.0.9',
        ...others,
        ports: ports?.map((port, index) => ({ nodePort: 30_000 + index, ...port })),
      },
    }
  }
  return { ...rest, kind, ...(spec === undefined ? {} : { spec }) }
}

function fieldsTree(paths: ReadonlySet<string>): Fields {
  const tree: { [field: string]: unknown } = {}
  for (const path of paths) {
    let map = tree
    for (const key of JSON.parse(path) as string[]) {
      map[`f:${key}`] ??= {}
      map = map[`f:${key}`] as { [field: string]: unknown }
    }
  }
  return tree
}
