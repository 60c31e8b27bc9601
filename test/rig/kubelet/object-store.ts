import { setTimeout as wait } from 'node:timers/promises'
import type { ApiClient } from '../api-client.ts'
import type { ClusterObject } from './cluster-objects.ts'
import type { WatchClient } from './watch.ts'

const RETRY_MS = 200

/** Where the objects of a store come from. */
export interface StoreSource {
  readonly api: ApiClient
  readonly watches: WatchClient
  /** The collection, over all namespaces. */
  readonly path: string
}

/** A collection of the API server, kept up to date until it is closed, whatever happens to the API server meanwhile. */
export class ObjectStore<T extends ClusterObject> {
  readonly #source: StoreSource
  readonly #objects = new Map<string, T>()
  readonly #listeners = new Set<(key: string) => void>()
  readonly #end = new AbortController()
  #running: Promise<void> | undefined

  constructor(source: StoreSource) {
    this.#source = source
  }

  /** Begins to follow the collection; resolves with the first list. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#running = this.#follow(resolve)
    })
  }

  /** `namespace/name`. */
  get(key: string): T | undefined {
    return this.#objects.get(key)
  }

  values(): IterableIterator<T> {
    return this.#objects.values()
  }

  /** Calls with the key of each object that came, changed or went. */
  onChange(listener: (key: string) => void): void {
    this.#listeners.add(listener)
  }

  async close(): Promise<void> {
    this.#end.abort()
    await this.#running
  }

  async #follow(listed: () => void): Promise<void> {
    const { signal } = this.#end
    let version: string | undefined
    while (!signal.aborted) {
      try {
        version ??= await this.#list()
        listed()
        version = await this.#watch(version, signal)
      } catch {
        // The API server is away, or the version is too old: what is known stays, and a new list corrects it.
        version = undefined
        await wait(RETRY_MS, undefined, { signal }).catch(() => {})
      }
    }
  }

  async #list(): Promise<string> {
    const { status, body } = await this.#source.api.request('GET', this.#source.path)
    if (status !== 200) throw new Error(`list of ${this.#source.path}: ${status}`)
    const items = body['items'] as readonly T[]
    const gone = new Set(this.#objects.keys())
    for (const object of items) {
      gone.delete(keyOf(object))
      this.#put(object)
    }
    for (const key of gone) this.#remove(key)
    return body.metadata?.resourceVersion ?? ''
  }

  async #watch(from: string, signal: AbortSignal): Promise<string> {
    let version = from
    let failure: unknown
    await this.#source.watches.follow<T>(this.#source.path, from, signal, ({ type, object }) => {
      if (type === 'ERROR') {
        failure = object
        return
      }
      version = object.metadata.resourceVersion
      if (type === 'DELETED') this.#remove(keyOf(object))
      else if (type !== 'BOOKMARK') this.#put(object)
    })
    if (failure !== undefined) throw new Error(`watch of ${this.#source.path}: ${JSON.stringify(failure)}`)
    return version
  }

  #put(object: T): void {
    const key = keyOf(object)
    if (this.#objects.get(key)?.metadata.resourceVersion === object.metadata.resourceVersion) return
    this.#objects.set(key, object)
    this.#tell(key)
  }

  #remove(key: string): void {
    if (this.#objects.delete(key)) this.#tell(key)
  }

  #tell(key: string): void {
    for (const listener of this.#listeners) listener(key)
  }
}

function keyOf(object: ClusterObject): string {
  return `${object.metadata.namespace}/${object.metadata.name}`
}
