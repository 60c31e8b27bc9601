import { isDeepStrictEqual } from 'node:util'
import type { KubeObject } from '../../api/inventory.ts'
import { inputOf, type StoredObject } from './stored-object.ts'
import { WATCHED_KINDS, type WatchedKind } from './watched-kinds.ts'

/**
 * What a change touches: what compile reads, or only the rest (a status, a Deployment). In the order of their weight.
 */
export type Change = 'none' | 'status' | 'input'

interface Entry {
  readonly stored: StoredObject
  /** What compile reads of it; of a metadata-only kind once its data is here. The same object as long as it is equal. */
  input: KubeObject | undefined
}

const KIND_PLACES = new Map(WATCHED_KINDS.map(({ kind }, place) => [kind, place]))

/**
 * All objects that are followed, by kind and name, and what compile reads of them in one order: by creation time, then
 * kind, namespace and name. Files have their documents' order, and creation times that say so: the same order.
 */
export class ObjectStore {
  readonly #byKind = new Map<string, Map<string, Entry>>()
  /** Kept in order, so that a change among thousands costs a search and not a sort. */
  readonly #inputs: KubeObject[] = []

  /** Undefined when it is not there. `namespace` is the empty text for kinds that have none. */
  get(kind: string, namespace: string, name: string): StoredObject | undefined {
    return this.#byKind.get(kind)?.get(`${namespace}/${name}`)?.stored
  }

  /** In no particular order. */
  all(kind: string): readonly StoredObject[] {
    return [...(this.#byKind.get(kind)?.values() ?? [])].map(({ stored }) => stored)
  }

  /** What compile reads, in order; a new array each time. */
  inputs(): KubeObject[] {
    return this.#inputs.slice()
  }

  /** Takes up a version of an object. */
  put(kind: WatchedKind, stored: StoredObject): Change {
    const entries = this.#entries(kind.kind)
    const key = keyOf(stored)
    const before = entries.get(key)
    if (before?.stored.metadata.resourceVersion === stored.metadata.resourceVersion) return 'none'
    if (kind.metadataOnly) {
      // Its data is another's to bring; until then the former data counts, unless it is not the same object any more.
      const isSame = before?.stored.metadata.uid === stored.metadata.uid
      if (!isSame) this.#replaceInput(before?.input, undefined)
      entries.set(key, { stored, input: isSame ? before?.input : undefined })
      return 'input'
    }
    const input = kind.compiled ? inputOf(stored) : undefined
    if (before !== undefined && isDeepStrictEqual(before.input, input)) {
      entries.set(key, { stored, input: before.input })
      return 'status'
    }
    this.#replaceInput(before?.input, input)
    entries.set(key, { stored, input })
    return kind.compiled ? 'input' : 'status'
  }

  /** Forgets an object. */
  remove(kind: WatchedKind, namespace: string, name: string): Change {
    const entries = this.#entries(kind.kind)
    const before = entries.get(`${namespace}/${name}`)
    if (before === undefined) return 'none'
    entries.delete(`${namespace}/${name}`)
    this.#replaceInput(before.input, undefined)
    return kind.compiled ? 'input' : 'status'
  }

  /**
   * Takes up a whole list: what is not in it is gone.
   * @param namespace of which the list is; undefined: of all
   */
  replaceAll(kind: WatchedKind, namespace: string | undefined, listed: readonly StoredObject[]): Change {
    const present = new Set(listed.map(keyOf))
    const gone = this.all(kind.kind).filter(
      (stored) => (namespace === undefined || stored.metadata.namespace === namespace) && !present.has(keyOf(stored)),
    )
    const changes = [
      ...gone.map(({ metadata }) => this.remove(kind, metadata.namespace ?? '', metadata.name)),
      ...listed.map((stored) => this.put(kind, stored)),
    ]
    return changes.includes('input') ? 'input' : changes.includes('status') ? 'status' : 'none'
  }

  /** Brings, or with undefined takes away, the data of an object of a metadata-only kind; says whether that changed it. */
  setData(kind: string, namespace: string, name: string, object: StoredObject | undefined): boolean {
    const entry = this.#byKind.get(kind)?.get(`${namespace}/${name}`)
    if (entry === undefined) return false
    const input = object === undefined ? undefined : inputOf(object)
    if (isDeepStrictEqual(entry.input, input)) return false
    this.#replaceInput(entry.input, input)
    entry.input = input
    return true
  }

  #entries(kind: string): Map<string, Entry> {
    const entries = this.#byKind.get(kind) ?? new Map<string, Entry>()
    this.#byKind.set(kind, entries)
    return entries
  }

  #replaceInput(before: KubeObject | undefined, after: KubeObject | undefined): void {
    if (before !== undefined) this.#inputs.splice(this.#placeOf(before), 1)
    if (after !== undefined) this.#inputs.splice(this.#placeOf(after), 0, after)
  }

  /** Where an object stands, or would stand. */
  #placeOf(object: KubeObject): number {
    let [low, high] = [0, this.#inputs.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (inOrder(this.#inputs[middle] as KubeObject, object) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

function keyOf({ metadata }: StoredObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`
}

function inOrder(a: KubeObject, b: KubeObject): number {
  return (
    compared(a.metadata.creationTimestamp, b.metadata.creationTimestamp) ||
    (KIND_PLACES.get(a.kind) ?? 0) - (KIND_PLACES.get(b.kind) ?? 0) ||
    compared(a.metadata.namespace ?? '', b.metadata.namespace ?? '') ||
    compared(a.metadata.name, b.metadata.name)
  )
}

function compared(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
