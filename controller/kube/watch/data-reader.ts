import { Backoff, type BackoffTimes } from '../../../runtime/backoff.ts'
import type { Log } from '../../../runtime/log.ts'
import type { KubeClient } from '../client/kube-client.ts'
import { hasStatus } from '../client/kube-error.ts'
import { resourcePath } from '../client/resource-path.ts'
import type { ObjectStore } from './object-store.ts'
import { type DataRef, dataKey } from './referenced-data.ts'
import { isNewerVersion } from './resource-version.ts'
import { type StoredObject, storedObject } from './stored-object.ts'
import { apiVersionOf, watchedKind } from './watched-kinds.ts'

interface Wanted {
  readonly ref: DataRef
  readonly backoff: Backoff
  /** The version whose data the store has; undefined: none yet, or it was not there. */
  version: string | undefined
  /** A first answer, good or bad, is still to come. */
  untried: boolean
  reading: boolean
  retry: NodeJS.Timeout | undefined
}

interface DataReaderOptions {
  readonly client: KubeClient
  readonly store: ObjectStore
  readonly log: Log
  /** Something that was wanted has come, has changed, or could not be got at the first try. */
  readonly onRead: () => void
  readonly retry: BackoffTimes
}

/** How many Secrets and ConfigMaps are got at a time. */
const MOST_READS = 8

/**
 * Gets the Secrets and ConfigMaps that are wanted, and no others: each when its metadata appears, and again when its
 * version moves. What is no longer wanted is forgotten. One that cannot be got is tried again and again; until then its
 * former data counts.
 */
export class DataReader {
  readonly #options: DataReaderOptions
  readonly #wanted = new Map<string, Wanted>()
  readonly #queue: Wanted[] = []
  readonly #closing = new AbortController()
  #reading = 0

  constructor(options: DataReaderOptions) {
    this.#options = options
  }

  /** Some of what is wanted has not been tried yet: without it, what is there would look like what is missing. */
  get isWaiting(): boolean {
    return [...this.#wanted.values()].some(({ untried }) => untried)
  }

  /** Takes up the whole set of what is wanted now, and looks which of it has moved. */
  want(refs: readonly DataRef[]): void {
    const keys = new Set(refs.map(dataKey))
    for (const [key, wanted] of this.#wanted) {
      if (keys.has(key)) continue
      this.#wanted.delete(key)
      clearTimeout(wanted.retry)
      this.#options.store.setData(wanted.ref.kind, wanted.ref.namespace, wanted.ref.name, undefined)
    }
    for (const ref of refs) {
      const key = dataKey(ref)
      const wanted = this.#wanted.get(key) ?? this.#newlyWanted(ref)
      this.#wanted.set(key, wanted)
      this.#consider(wanted)
    }
  }

  /** The metadata of an object has moved; says whether it is one that is wanted. */
  moved(ref: DataRef): boolean {
    const wanted = this.#wanted.get(dataKey(ref))
    if (wanted !== undefined) this.#consider(wanted)
    return wanted !== undefined
  }

  close(): void {
    this.#closing.abort()
    for (const { retry } of this.#wanted.values()) clearTimeout(retry)
    this.#wanted.clear()
    this.#queue.length = 0
  }

  #newlyWanted(ref: DataRef): Wanted {
    const backoff = new Backoff(this.#options.retry)
    return { ref, backoff, version: undefined, untried: false, reading: false, retry: undefined }
  }

  #consider(wanted: Wanted): void {
    const { kind, namespace, name } = wanted.ref
    const present = this.#options.store.get(kind, namespace, name)
    if (present === undefined) {
      wanted.version = undefined
      wanted.untried = false
      return
    }
    if (wanted.reading || wanted.retry !== undefined) return
    if (wanted.version !== undefined && !isNewerVersion(present.metadata.resourceVersion, wanted.version)) return
    wanted.reading = true
    wanted.untried = wanted.version === undefined
    this.#queue.push(wanted)
    this.#readNext()
  }

  #readNext(): void {
    while (this.#reading < MOST_READS) {
      const wanted = this.#queue.shift()
      if (wanted === undefined) return
      if (this.#wanted.get(dataKey(wanted.ref)) !== wanted) continue
      this.#reading++
      void this.#read(wanted).finally(() => {
        this.#reading--
        this.#readNext()
      })
    }
  }

  async #read(wanted: Wanted): Promise<void> {
    const { client, store, log, onRead } = this.#options
    const { kind, namespace, name } = wanted.ref
    const row = watchedKind(kind)
    const type = { ...row, apiVersion: apiVersionOf(row) }
    const { signal } = this.#closing
    let read: StoredObject | undefined
    let failure: unknown
    try {
      read = storedObject(await client.get(resourcePath(type, { namespace, name }), { signal }), {
        ...row,
        metadataOnly: false,
      })
    } catch (error) {
      if (!hasStatus(error, 404)) failure = error
    }
    wanted.reading = false
    const wasUntried = wanted.untried
    wanted.untried = false
    if (this.#wanted.get(dataKey(wanted.ref)) !== wanted) return
    if (failure !== undefined) {
      log.warn({ kind, namespace, name, reason: (failure as Error).message }, 'cannot get what is referenced')
      this.#retryLater(wanted)
      if (wasUntried) onRead()
      return
    }
    wanted.backoff.reset()
    // One that was deleted meanwhile: its end is on its way through the watch. Its present version is done with.
    wanted.version = read?.metadata.resourceVersion ?? store.get(kind, namespace, name)?.metadata.resourceVersion
    const changed = store.setData(kind, namespace, name, read)
    if (changed || wasUntried) onRead()
    this.#consider(wanted)
  }

  #retryLater(wanted: Wanted): void {
    wanted.retry = setTimeout(() => {
      wanted.retry = undefined
      this.#consider(wanted)
    }, wanted.backoff.next())
  }
}
