import { Backoff, type BackoffTimes, pause } from '../../../runtime/backoff.ts'
import { nowMs } from '../../../runtime/clock.ts'
import type { KubeClient, ListQuery } from '../client/kube-client.ts'
import { hasStatus, KubeError } from '../client/kube-error.ts'
import { type ResourceType, resourcePath } from '../client/resource-path.ts'
import type { WatchEvent } from '../client/watch-stream.ts'
import { type StoredObject, storedObject } from './stored-object.ts'
import { apiVersionOf, type WatchedKind } from './watched-kinds.ts'

/** Who takes what a reflector reads. */
export interface ReflectorSink {
  /** Everything there is; what is not in it is gone. */
  replaceAll(listed: readonly StoredObject[]): void
  put(object: StoredObject): void
  remove(namespace: string, name: string): void
}

/** How a reflector stands, for metrics and readiness. */
export interface ReflectorState {
  readonly kind: string
  /** Undefined: all namespaces, or a kind that has none. */
  readonly namespace: string | undefined
  /** Everything was read at least once; a kind that is not installed counts as read. */
  readonly synced: boolean
  readonly installed: boolean
  readonly lists: number
  readonly watches: number
  /** Objects that were left out because they could not be read. */
  readonly unreadable: number
  /** What went wrong last, while it has not gone well since. */
  readonly lastError: string | undefined
}

export interface ReflectorTimes {
  readonly retry: BackoffTimes
  /** Between two looks for a kind that is not installed. */
  readonly absent: BackoffTimes
  /** A watch is ended by the server between this and twice this. */
  readonly watchSeconds: number
  /** A watch without a byte for this long is begun anew; bookmarks come about once a minute. */
  readonly silenceMs: number
}

export const REFLECTOR_TIMES: ReflectorTimes = {
  retry: { firstMs: 200, mostMs: 15_000 },
  absent: { firstMs: 1000, mostMs: 10_000 },
  watchSeconds: 240,
  silenceMs: 150_000,
}

/** Objects of one page of a list. */
const PAGE_LIMIT = 500

/** A watch that lives this long has worked: what comes after it is a new misfortune. */
const WORKED_MS = 5000

interface ReflectorOptions {
  readonly client: KubeClient
  readonly kind: WatchedKind
  readonly namespace: string | undefined
  readonly sink: ReflectorSink
  /** After each change of {@link Reflector.state}'s `synced` or `lastError`. */
  readonly onState: () => void
  readonly times: ReflectorTimes
}

/**
 * Follows one kind for as long as it lives: lists it page by page, then watches from the list's version on. It never
 * gives up. A watch that breaks is taken up again from the last version seen; where that fails, the version is gone
 * (410), or an event could not be read, everything is listed anew, so that the sink ends up with what is there
 * whatever was missed. A kind that is not installed is asked for again and again.
 */
export class Reflector {
  readonly #client: KubeClient
  readonly #kind: WatchedKind
  readonly #namespace: string | undefined
  readonly #sink: ReflectorSink
  readonly #onState: () => void
  readonly #times: ReflectorTimes
  readonly #retry: Backoff
  readonly #absent: Backoff
  readonly #closing = new AbortController()
  #state: ReflectorState
  #type: ResourceType
  /** Where the watch goes on; undefined: list first. */
  #version: string | undefined
  /** The kind was there and the server has said once that it is not. */
  #doubted = false
  #running: Promise<void> | undefined

  constructor({ client, kind, namespace, sink, onState, times }: ReflectorOptions) {
    this.#client = client
    this.#kind = kind
    this.#namespace = namespace
    this.#sink = sink
    this.#onState = onState
    this.#times = times
    this.#retry = new Backoff(times.retry)
    this.#absent = new Backoff(times.absent)
    this.#type = this.#typeIn(kind.versions[0] as string)
    this.#state = {
      kind: kind.kind,
      namespace,
      synced: false,
      installed: false,
      lists: 0,
      watches: 0,
      unreadable: 0,
      lastError: undefined,
    }
  }

  get state(): ReflectorState {
    return this.#state
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Ends the watch; the sink hears nothing after this. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      const waitMs = await this.#step().catch((error: unknown) => this.#failed(error))
      if (waitMs > 0) await pause(waitMs, signal)
    }
  }

  /** Lists if need be, then watches until the watch ends; says how long to wait before the next step. */
  async #step(): Promise<number> {
    if (this.#version === undefined) {
      const version = await this.#list()
      if (version === undefined) return this.#absent.next()
      this.#version = version
      this.#absent.reset()
    }
    return await this.#watch(this.#version)
  }

  #failed(error: unknown): number {
    if (this.#closing.signal.aborted) return 0
    const { message } = error as Error
    this.#update({ lastError: message })
    const told = error instanceof KubeError ? error.retryAfterMs : undefined
    return Math.max(this.#retry.next(), Math.min(told ?? 0, this.#times.retry.mostMs))
  }

  /** Reads everything; the version to watch from, or undefined when the kind is not installed. */
  async #list(): Promise<string | undefined> {
    for (const version of this.#kind.versions) {
      const type = this.#typeIn(version)
      const listed = await this.#pages(type).catch((error: unknown) => {
        if (hasStatus(error, 404)) return undefined
        throw error
      })
      if (listed === undefined) continue
      this.#type = type
      this.#doubted = false
      this.#sink.replaceAll(listed.objects)
      this.#update({ synced: true, installed: true, lists: this.#state.lists + 1, lastError: undefined })
      return listed.resourceVersion
    }
    // A whole kind that vanishes takes all traffic with it: that much is believed only when it is said twice.
    if (this.#state.installed && !this.#doubted) {
      this.#doubted = true
      throw new KubeError(`${this.#kind.plural}: the server says that this kind is gone`, {
        status: 404,
        reason: 'NotFound',
      })
    }
    this.#sink.replaceAll([])
    this.#update({ synced: true, installed: false, lastError: undefined })
    return undefined
  }

  async #pages(type: ResourceType): Promise<{ objects: readonly StoredObject[]; resourceVersion: string }> {
    const objects: StoredObject[] = []
    const query: ListQuery = {
      limit: PAGE_LIMIT,
      labelSelector: this.#kind.labelSelector,
      metadataOnly: this.#kind.metadataOnly,
    }
    for (let next: string | undefined; ; ) {
      const page = await this.#client.list(
        this.#path(type),
        { ...query, continue: next },
        { signal: this.#closing.signal },
      )
      objects.push(...page.items.flatMap((raw) => this.#readable(raw) ?? []))
      if (page.continue === undefined) return { objects, resourceVersion: page.resourceVersion }
      next = page.continue
    }
  }

  async #watch(resourceVersion: string): Promise<number> {
    const { watchSeconds, silenceMs } = this.#times
    const { labelSelector, metadataOnly } = this.#kind
    const timeoutSeconds = Math.round(watchSeconds * (1 + Math.random()))
    const query = { resourceVersion, labelSelector, metadataOnly, timeoutSeconds, silenceMs }
    let openedAtMs: number | undefined
    const onOpen = (): void => {
      openedAtMs = nowMs()
      this.#update({ watches: this.#state.watches + 1, lastError: undefined })
    }
    const onEvent = (event: WatchEvent): void => this.#take(event)
    const { signal } = this.#closing
    try {
      await this.#client.watch(this.#path(this.#type), query, { onOpen, onEvent, signal })
      return this.#worked(openedAtMs) ? 0 : this.#retry.next()
    } catch (error) {
      this.#worked(openedAtMs)
      if (openedAtMs === undefined || !isInterruption(error)) this.#version = undefined
      throw error
    }
  }

  /** Whether the watch was of use; if so, the next wait is a short one. */
  #worked(openedAtMs: number | undefined): boolean {
    if (openedAtMs === undefined || nowMs() - openedAtMs < WORKED_MS) return false
    this.#retry.reset()
    return true
  }

  #take({ type, object }: WatchEvent): void {
    // A last line may come in the same chunk as the one that made somebody close this.
    if (this.#closing.signal.aborted) return
    if (type === 'BOOKMARK') {
      const { resourceVersion } = (object as { metadata?: { resourceVersion?: unknown } } | null)?.metadata ?? {}
      if (typeof resourceVersion === 'string') this.#version = resourceVersion
      return
    }
    const stored = this.#readable(object)
    if (stored === undefined) return
    const { namespace = '', name, resourceVersion } = stored.metadata
    this.#version = resourceVersion
    if (type === 'DELETED') this.#sink.remove(namespace, name)
    else this.#sink.put(stored)
  }

  #readable(raw: unknown): StoredObject | undefined {
    const stored = storedObject(raw, this.#kind)
    if (stored === undefined) this.#update({ unreadable: this.#state.unreadable + 1 })
    return stored
  }

  #typeIn(version: string): ResourceType {
    const { plural, namespaced } = this.#kind
    return { apiVersion: apiVersionOf(this.#kind, version), plural, namespaced }
  }

  #path(type: ResourceType): string {
    return resourcePath(type, { namespace: this.#namespace })
  }

  #update(change: Partial<ReflectorState>): void {
    const before = this.#state
    this.#state = { ...before, ...change }
    if (before.synced !== this.#state.synced || before.lastError !== this.#state.lastError) this.#onState()
  }
}

/** What ended between two events, none of which is lost: the rest can be had from the last version on. */
function isInterruption(error: unknown): boolean {
  return error instanceof KubeError && ['Broken', 'Silent'].includes(error.reason)
}
