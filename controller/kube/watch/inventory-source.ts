import type { Log } from '../../../runtime/log.ts'
import type { Inventory, KubeObject } from '../../api/inventory.ts'
import type { ObjectRef } from '../../api/problem.ts'
import type { KubeClient } from '../client/kube-client.ts'
import { DataReader } from './data-reader.ts'
import { type Change, ObjectStore } from './object-store.ts'
import { type DataRef, dataKey, referencedData } from './referenced-data.ts'
import {
  REFLECTOR_TIMES,
  Reflector,
  type ReflectorSink,
  type ReflectorState,
  type ReflectorTimes,
} from './reflector.ts'
import { inputOf, type StoredObject } from './stored-object.ts'
import { WATCHED_KINDS, type WatchedKind } from './watched-kinds.ts'

export interface InventorySourceOptions {
  readonly client: KubeClient
  readonly log: Log
  /** Only objects of these; undefined: of all. Kinds without a namespace, and Namespaces, are always read whole. */
  readonly namespaces?: readonly string[] | undefined
  /**
   * After each change, once {@link InventorySource.start} has resolved; many in a row make one call. `input`: the
   * inventory may be another; `status`: only statuses, or what compile does not read.
   */
  readonly onChange: (change: Exclude<Change, 'none'>) => void
  readonly times?: ReflectorTimes
}

/** What is in the cluster, kept up to date. */
export interface InventorySource {
  /** Resolves when everything has been read once, however long that takes; earlier when it is closed. */
  start(): Promise<void>
  /** Everything has been read once. It stays true while the API server is away. */
  readonly synced: boolean
  /** The same frozen object until something in it is another. Its objects keep their identity while they are equal. */
  inventory(): Inventory
  /** An object with its status, uid and version, as seen last; also of kinds that are not in the inventory. */
  current(at: Pick<ObjectRef, 'kind' | 'namespace' | 'name'>): StoredObject | undefined
  /** All objects of a kind, with status; for the Deployments and Services made for Gateways. */
  all(kind: string): readonly StoredObject[]
  /** One for each kind and namespace that is followed, for metrics and readiness. */
  states(): readonly ReflectorState[]
  close(): Promise<void>
}

/** Follows the cluster through the API server. */
export function kubeInventorySource(options: InventorySourceOptions): InventorySource {
  return new Following(options)
}

class Following implements InventorySource {
  readonly #log: Log
  readonly #onChange: InventorySourceOptions['onChange']
  readonly #store = new ObjectStore()
  readonly #reflectors: readonly Reflector[]
  readonly #reader: DataReader
  #started: PromiseWithResolvers<void> | undefined
  #told = new Map<Reflector, string | undefined>()
  #change: Change = 'none'
  #review: NodeJS.Immediate | undefined
  /** The references may be others than those that the reader knows. */
  #stale = true
  #inventory: Inventory = Object.freeze({ objects: Object.freeze([]), problems: Object.freeze([]) })
  /** `kind/namespace` of what is referred to and not there: the names beside it are part of the inventory. */
  #missingPlaces: ReadonlySet<string> = new Set()
  #ready = false
  #closed = false

  constructor({ client, log, namespaces, onChange, times = REFLECTOR_TIMES }: InventorySourceOptions) {
    this.#log = log
    this.#onChange = onChange
    this.#reader = new DataReader({
      client,
      store: this.#store,
      log,
      retry: times.retry,
      onRead: () => this.#changed('input'),
    })
    const follow = (kind: WatchedKind, namespace: string | undefined): Reflector => {
      const sink = kind.metadataOnly ? this.#metadataSink(kind, namespace) : this.#sink(kind, namespace)
      const reflector: Reflector = new Reflector({
        client,
        kind,
        namespace,
        sink,
        times,
        onState: () => this.#stateChanged(reflector),
      })
      return reflector
    }
    this.#reflectors = WATCHED_KINDS.flatMap((kind) =>
      kind.namespaced && namespaces !== undefined
        ? namespaces.map((namespace) => follow(kind, namespace))
        : [follow(kind, undefined)],
    )
  }

  start(): Promise<void> {
    if (this.#started === undefined) {
      this.#started = Promise.withResolvers()
      for (const reflector of this.#reflectors) reflector.start()
    }
    return this.#started.promise
  }

  get synced(): boolean {
    return this.#ready
  }

  inventory(): Inventory {
    this.#look()
    return this.#inventory
  }

  current({ kind, namespace, name }: Pick<ObjectRef, 'kind' | 'namespace' | 'name'>): StoredObject | undefined {
    return this.#store.get(kind, namespace, name)
  }

  all(kind: string): readonly StoredObject[] {
    return this.#store.all(kind)
  }

  states(): readonly ReflectorState[] {
    return this.#reflectors.map(({ state }) => state)
  }

  async close(): Promise<void> {
    this.#closed = true
    clearImmediate(this.#review)
    this.#reader.close()
    await Promise.all(this.#reflectors.map((reflector) => reflector.close()))
    this.#started?.resolve()
  }

  #sink(kind: WatchedKind, namespace: string | undefined): ReflectorSink {
    return {
      replaceAll: (listed) => this.#changed(this.#store.replaceAll(kind, namespace, listed)),
      put: (object) => this.#changed(this.#store.put(kind, object)),
      remove: (of, name) => this.#changed(this.#store.remove(kind, of, name)),
    }
  }

  /** Most Secrets and ConfigMaps of a cluster are nobody's here, and some change all the time: these change nothing. */
  #metadataSink(row: WatchedKind, namespace: string | undefined): ReflectorSink {
    const kind = row.kind as DataRef['kind']
    return {
      replaceAll: (listed) => this.#changed(this.#store.replaceAll(row, namespace, listed)),
      put: (object) => {
        const { namespace: of = '', name } = object.metadata
        if (this.#store.put(row, object) === 'none') return
        // What is wanted is got now, and speaks when it is here.
        const isWanted = this.#reader.moved({ kind, namespace: of, name })
        if (!isWanted && this.#missingPlaces.has(`${kind}/${of}`)) this.#changed('input')
      },
      remove: (of, name) => {
        if (this.#store.remove(row, of, name) === 'none') return
        const isWanted = this.#reader.moved({ kind, namespace: of, name })
        if (isWanted || this.#missingPlaces.has(`${kind}/${of}`)) this.#changed('input')
      },
    }
  }

  #changed(change: Change): void {
    if (change === 'none' || this.#closed) return
    if (change === 'input') this.#stale = true
    if (this.#change !== 'input') this.#change = change
    this.#schedule()
  }

  #stateChanged(reflector: Reflector): void {
    const { kind, namespace, lastError, synced } = reflector.state
    if (lastError !== this.#told.get(reflector)) {
      if (lastError !== undefined) this.#log.warn({ kind, namespace, reason: lastError }, 'cannot follow')
      else this.#log.info({ kind, namespace }, 'following again')
      this.#told.set(reflector, lastError)
    }
    if (synced) this.#schedule()
  }

  /** Once for all events of one turn. */
  #schedule(): void {
    if (this.#closed) return
    this.#review ??= setImmediate(() => {
      this.#review = undefined
      this.#tell()
    })
  }

  #tell(): void {
    if (!this.#ready && !this.#reflectors.every(({ state }) => state.synced)) return
    this.#look()
    // What it waits for will come through here again.
    if (this.#reader.isWaiting && this.#change !== 'status') return
    const change = this.#change
    this.#change = 'none'
    if (!this.#ready) {
      this.#ready = true
      this.#started?.resolve()
    } else if (change !== 'none') this.#onChange(change)
  }

  /** Brings the inventory up to date; while newly referenced data is under way, it stays as it was. */
  #look(): void {
    if (!this.#stale || !this.#reflectors.every(({ state }) => state.synced)) return
    const objects = this.#store.inputs()
    const refs = referencedData(objects)
    this.#reader.want(refs)
    if (this.#reader.isWaiting) return
    this.#stale = false
    const all = Object.freeze([...this.#store.inputs(), ...this.#namesBesideMissing(refs)])
    this.#inventory = Object.freeze({ objects: all, problems: this.#inventory.problems })
  }

  /**
   * Where something is referred to that is not there, the names of what is, without data: compile's advice is the
   * nearest of them.
   */
  #namesBesideMissing(refs: readonly DataRef[]): readonly KubeObject[] {
    const missing = refs.filter(({ kind, namespace, name }) => this.#store.get(kind, namespace, name) === undefined)
    const places = new Set(missing.map(({ kind, namespace }) => `${kind}/${namespace}`))
    const named = new Set(refs.map(dataKey))
    this.#missingPlaces = places
    return [...new Set(missing.map(({ kind }) => kind))]
      .flatMap((kind) => this.#store.all(kind))
      .filter(({ kind, metadata: { namespace, name } }) => {
        return places.has(`${kind}/${namespace}`) && !named.has(`${kind}/${namespace}/${name}`)
      })
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
      .map(inputOf)
  }
}
