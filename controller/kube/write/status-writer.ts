import { createHash } from 'node:crypto'
import { pause } from '../../../runtime/backoff.ts'
import type { ObjectRef } from '../../api/problem.ts'
import type { StatusPatch } from '../../api/verdict.ts'
import type { KubeClient } from '../client/kube-client.ts'
import { hasStatus } from '../client/kube-error.ts'
import { type ResourceType, resourcePath } from '../client/resource-path.ts'
import { isNewerVersion } from '../watch/resource-version.ts'
import { type StoredObject, storedObject } from '../watch/stored-object.ts'
import { apiVersionOf, watchedKind } from '../watch/watched-kinds.ts'
import { mergeStatus, type StatusChange, type StatusMerge } from './merged-status.ts'

/** A condition that a write has changed. */
export interface Transition extends StatusChange {
  readonly at: ObjectRef
  readonly uid: string
}

/** A status that could not be written; it is tried again with the next call. */
export interface StatusFailure {
  readonly at: ObjectRef
  readonly message: string
}

export interface StatusSummary {
  readonly written: number
  /** Needed no write. */
  readonly unchanged: number
  readonly failures: readonly StatusFailure[]
  readonly transitions: readonly Transition[]
}

interface StatusWriterOptions {
  readonly client: KubeClient
  /** The object as the watch saw it last; undefined: it is gone. */
  readonly current: (at: ObjectRef) => StoredObject | undefined
  /** How many are written at a time. */
  readonly concurrency?: number
}

/** What counts of an object for its status. */
interface Seen {
  readonly uid: string
  readonly resourceVersion: string
  readonly status: unknown
}

/** What the API server made of our last write of an object. */
interface Answer extends Seen {
  /** Digest of what was wanted; undefined: it was only read. */
  readonly wanted: string | undefined
}

const CONCURRENCY = 8

/** How often one write is tried on a newer version, when others write the same object. */
const MOST_CONFLICTS = 5
const CONFLICT_WAIT_MS = 20

/**
 * Brings statuses into the cluster: only those that differ, several at a time, and one that fails holds up no other.
 * Lists that controllers share (`parents`, `ancestors`) are patched on the version that was read, so that the entries of
 * others survive; everything else is applied by weir's field manager. Only the leader may call it.
 */
export class StatusWriter {
  readonly #options: StatusWriterOptions
  /** Until the watch catches up, and against an API server that keeps what it is not asked to: see {@link Answer}. */
  readonly #answers = new Map<string, Answer>()
  /** Of one object one write at a time, also of two calls. */
  readonly #busy = new Map<string, Promise<unknown>>()

  constructor(options: StatusWriterOptions) {
    this.#options = options
  }

  /**
   * @param patches every status that weir wants, each object once
   * @param signal leadership: nothing is sent after it aborts, and what is left counts as failed
   */
  async write(patches: readonly StatusPatch[], signal: AbortSignal): Promise<StatusSummary> {
    this.#forget(patches)
    const failures: StatusFailure[] = []
    const transitions: Transition[] = []
    let written = 0
    const due = patches.filter((patch) => this.#merge(patch) !== undefined)
    const queue = due.values()
    const work = async (): Promise<void> => {
      for (const patch of queue) {
        try {
          const changed = await this.#inTurn(patch.at, () => this.#writeOne(patch, signal))
          if (changed !== undefined) written++
          transitions.push(...(changed ?? []))
        } catch (error) {
          failures.push({ at: patch.at, message: (error as Error).message })
        }
      }
    }
    const { concurrency = CONCURRENCY } = this.#options
    await Promise.all(Array.from({ length: Math.min(concurrency, due.length) }, work))
    return { written, unchanged: patches.length - written - failures.length, failures, transitions }
  }

  #forget(patches: readonly StatusPatch[]): void {
    const wanted = new Set(patches.map(({ at }) => keyOf(at)))
    for (const key of this.#answers.keys()) if (!wanted.has(key)) this.#answers.delete(key)
  }

  async #inTurn<T>(at: ObjectRef, write: () => Promise<T>): Promise<T> {
    const key = keyOf(at)
    const before = this.#busy.get(key) ?? Promise.resolve()
    const run = before.then(write)
    const over = run.then(
      () => undefined,
      () => undefined,
    )
    this.#busy.set(key, over)
    try {
      return await run
    } finally {
      if (this.#busy.get(key) === over) this.#busy.delete(key)
    }
  }

  /** What was changed; undefined when nothing had to be, after all. */
  async #writeOne(patch: StatusPatch, signal: AbortSignal): Promise<readonly Transition[] | undefined> {
    const { at } = patch
    for (let conflicts = 0; ; conflicts++) {
      signal.throwIfAborted()
      const due = this.#merge(patch)
      if (due === undefined) return undefined
      const { seen, merge } = due
      try {
        this.#remember(at, await this.#send(at, seen, merge, signal), digestOf(patch.status))
      } catch (error) {
        // Deleted meanwhile: nobody reads its status any more.
        if (hasStatus(error, 404)) return undefined
        if (!hasStatus(error, 409) || conflicts === MOST_CONFLICTS) throw error
        await pause(CONFLICT_WAIT_MS * (conflicts + Math.random()), signal)
        if ((await this.#readAgain(at, signal)) !== seen.uid) return undefined
        continue
      }
      if (merge.kind === 'patch' && merge.leftOut > 0) throw new Error(`no room for ${merge.leftOut} entries of weir`)
      return merge.changes.map((change) => ({ ...change, at, uid: seen.uid }))
    }
  }

  /** What has to be sent for a patch, and on top of what; undefined when nothing has. */
  #merge({ at, status }: StatusPatch): { readonly seen: Seen; readonly merge: Sendable } | undefined {
    const watched = this.#options.current(at)
    if (watched === undefined) return undefined
    const { uid, resourceVersion } = watched.metadata
    const answer = this.#answers.get(keyOf(at))
    const isWatchAhead =
      answer === undefined || answer.uid !== uid || isNewerVersion(resourceVersion, answer.resourceVersion)
    if (!isWatchAhead && answer.wanted === digestOf(status)) return undefined
    const seen = isWatchAhead ? { uid, resourceVersion, status: watched.status } : answer
    const merge = mergeStatus(status, seen.status, at.namespace, nowText())
    return merge.kind === 'same' || merge.kind === 'outdated' ? undefined : { seen, merge }
  }

  /** With the version that was seen in both cases: of an object that has moved, or is another by now, 409. */
  #send(at: ObjectRef, { resourceVersion }: Seen, { kind, status }: Sendable, signal: AbortSignal): Promise<unknown> {
    const { client } = this.#options
    const path = resourcePath(typeOf(at), { ...at, subresource: 'status' })
    if (kind === 'patch') return client.mergePatch(path, { metadata: { resourceVersion }, status }, { signal })
    const { namespace, name } = at
    const metadata = { name, ...(namespace === '' ? {} : { namespace }), resourceVersion }
    return client.apply(path, { apiVersion: typeOf(at).apiVersion, kind: at.kind, metadata, status }, { signal })
  }

  /** Reads an object past the watch; its uid, undefined when it is gone. */
  async #readAgain(at: ObjectRef, signal: AbortSignal): Promise<string | undefined> {
    const raw = await this.#options.client.get(resourcePath(typeOf(at), at), { signal }).catch((error: unknown) => {
      if (hasStatus(error, 404)) return undefined
      throw error
    })
    return this.#remember(at, raw, undefined)
  }

  #remember(at: ObjectRef, raw: unknown, wanted: string | undefined): string | undefined {
    const object = storedObject(raw, watchedKind(at.kind))
    if (object === undefined) return undefined
    const { uid, resourceVersion } = object.metadata
    this.#answers.set(keyOf(at), { wanted, uid, resourceVersion, status: object.status })
    return uid
  }
}

type Sendable = Extract<StatusMerge, { readonly kind: 'apply' | 'patch' }>

function keyOf({ kind, namespace, name }: ObjectRef): string {
  return `${kind}/${namespace}/${name}`
}

function typeOf({ kind }: ObjectRef): ResourceType {
  const row = watchedKind(kind)
  return { ...row, apiVersion: apiVersionOf(row) }
}

/** 5,000 wanted statuses would be megabytes. */
function digestOf(wanted: unknown): string {
  return createHash('sha256').update(JSON.stringify(wanted)).digest('base64')
}

/** RFC 3339, whole seconds, as meta/v1 Time has them. */
function nowText(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`
}
