import { randomBytes } from 'node:crypto'
import { CONTROLLER_NAME } from '../../../contract/names.ts'
import { pause } from '../../../runtime/backoff.ts'
import { nowMs } from '../../../runtime/clock.ts'
import type { Log } from '../../../runtime/log.ts'
import type { ObjectRef } from '../../api/problem.ts'
import type { KubeClient } from '../client/kube-client.ts'
import { resourcePath } from '../client/resource-path.ts'
import type { Transition } from './status-writer.ts'

/** Something that happened to an object, for `kubectl describe`. */
export interface ObjectEvent {
  readonly at: ObjectRef
  readonly uid: string
  readonly type: 'Normal' | 'Warning'
  /** In CamelCase, for machines. */
  readonly reason: string
  /** What weir did, in CamelCase. */
  readonly action: string
  /** For people. Never a secret: it is made of conditions and Problems, which hold none. */
  readonly note: string
}

interface EventWriterOptions {
  readonly client: KubeClient
  readonly log: Log
  /** Which replica reports: the pod's name. */
  readonly instance: string
  readonly limits?: EventLimits
}

/** What keeps a controller in trouble from flooding the cluster. */
export interface EventLimits {
  /** Sent at once, before `perSecond` counts. */
  readonly burst: number
  readonly perSecond: number
  /** Waiting to be sent; what is beyond is dropped. */
  readonly mostWaiting: number
  /** The same event of the same object is told once in this time. */
  readonly repeatMs: number
}

const LIMITS: EventLimits = { burst: 50, perSecond: 5, mostWaiting: 1000, repeatMs: 600_000 }

/** Events that are remembered so as not to be repeated. */
const MOST_TOLD = 10_000

const EVENTS = { apiVersion: 'events.k8s.io/v1', plural: 'events', namespaced: true }

/** The API server's own limits (events.k8s.io/v1 Event), in characters. */
const MOST_NOTE = 1024
const MOST_REASON = 128

/** Events of objects without a namespace stand in this one. */
const CLUSTER_NAMESPACE = 'default'

/**
 * Writes Events. Nobody waits for it: what cannot be sent, or is too much, is dropped and counted. Only the leader may
 * have one.
 */
export class EventWriter {
  readonly #client: KubeClient
  readonly #log: Log
  readonly #instance: string
  readonly #limits: EventLimits
  readonly #told = new Map<string, number>()
  readonly #waiting: ObjectEvent[] = []
  readonly #closing = new AbortController()
  #sending: Promise<void> | undefined
  #tokens: number
  #filledMs = nowMs()
  #sent = 0
  #dropped = 0

  constructor({ client, log, instance, limits = LIMITS }: EventWriterOptions) {
    this.#client = client
    this.#log = log
    this.#instance = instance.slice(0, MOST_REASON)
    this.#limits = limits
    this.#tokens = limits.burst
  }

  /** For metrics. `dropped`: for want of room, or because the API server would not have them. */
  get counts(): { readonly sent: number; readonly waiting: number; readonly dropped: number } {
    return { sent: this.#sent, waiting: this.#waiting.length, dropped: this.#dropped }
  }

  /** Tells of an event, unless it has been told lately. */
  emit(event: ObjectEvent): void {
    if (this.#closing.signal.aborted || this.#isTold(event)) return
    if (this.#waiting.length >= this.#limits.mostWaiting) {
      this.#dropped++
      return
    }
    this.#waiting.push(event)
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined
    })
  }

  /** Resolves when what waits has been sent or dropped. */
  async idle(): Promise<void> {
    await this.#sending
  }

  /** Drops what waits. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#dropped += this.#waiting.length
    this.#waiting.length = 0
    await this.#sending
  }

  #isTold({ at, uid, type, reason, note }: ObjectEvent): boolean {
    const key = JSON.stringify([at.kind, uid, type, reason, note])
    const toldMs = this.#told.get(key)
    if (toldMs !== undefined && nowMs() - toldMs < this.#limits.repeatMs) return true
    this.#told.delete(key)
    this.#told.set(key, nowMs())
    // A Map keeps the order of insertion: the first is the oldest.
    if (this.#told.size > MOST_TOLD) this.#told.delete(this.#told.keys().next().value as string)
    return false
  }

  async #send(): Promise<void> {
    const { signal } = this.#closing
    while (this.#waiting.length > 0 && !signal.aborted) {
      await this.#token(signal)
      const event = this.#waiting.shift()
      if (event === undefined || signal.aborted) return
      try {
        const namespace = event.at.namespace === '' ? CLUSTER_NAMESPACE : event.at.namespace
        await this.#client.create(resourcePath(EVENTS, { namespace }), this.#body(event, namespace), { signal })
        this.#sent++
      } catch (error) {
        this.#dropped++
        if (!signal.aborted) this.#log.debug({ reason: (error as Error).message }, 'an Event was dropped')
      }
    }
  }

  /** Waits until the next may be sent. */
  async #token(signal: AbortSignal): Promise<void> {
    const { burst, perSecond } = this.#limits
    const now = nowMs()
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledMs) / 1000) * perSecond)
    this.#filledMs = now
    this.#tokens--
    if (this.#tokens < 0) await pause((-this.#tokens / perSecond) * 1000, signal)
  }

  #body({ at, uid, type, reason, action, note }: ObjectEvent, namespace: string): unknown {
    const { apiVersion, kind, name } = at
    return {
      apiVersion: EVENTS.apiVersion,
      kind: 'Event',
      metadata: { name: `${name.slice(0, 200)}.${randomBytes(8).toString('hex')}`, namespace },
      eventTime: new Date().toISOString().replace('Z', '000Z'),
      reportingController: CONTROLLER_NAME,
      reportingInstance: this.#instance,
      action,
      reason: reason.slice(0, MOST_REASON),
      regarding: { apiVersion, kind, name, uid, ...(at.namespace === '' ? {} : { namespace: at.namespace }) },
      note: note.slice(0, MOST_NOTE),
      type,
    }
  }
}

/** Conditions that say by True that something is wrong. */
const BAD_WHEN_TRUE: readonly string[] = ['Conflicted', 'NotSupported', 'PartiallyInvalid']

/** The Event that tells of a changed condition; undefined while nobody knows yet. */
export function eventOf({ at, uid, part, after }: Transition): ObjectEvent | undefined {
  if (after.status === 'Unknown') return undefined
  const isBad = (after.status === 'True') === BAD_WHEN_TRUE.includes(after.type)
  const place = part === undefined ? '' : `${part}: `
  return {
    at,
    uid,
    type: isBad ? 'Warning' : 'Normal',
    reason: after.reason,
    action: 'UpdateStatus',
    note: `${place}${after.type}=${after.status}: ${after.message}`,
  }
}
