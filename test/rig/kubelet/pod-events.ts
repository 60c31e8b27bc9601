import type { ApiClient } from '../api-client.ts'
import type { Pod } from './cluster-objects.ts'

const MESSAGE_LIMIT = 1000

/** Writes a pod's Events (core/v1), as `kubectl describe` shows them; what repeats is counted, not written anew. */
export class PodEvents {
  readonly #api: ApiClient
  readonly #nodeName: string
  readonly #counts = new Map<string, { readonly name: string; count: number }>()
  #number = 0

  constructor(api: ApiClient, nodeName: string) {
    this.#api = api
    this.#nodeName = nodeName
  }

  /** Writes it in the background: an Event that cannot be written is lost, as everywhere. */
  record({ metadata }: Pod, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const key = `${metadata.uid} ${reason} ${message}`
    const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    const events = `/api/v1/namespaces/${metadata.namespace}/events`
    const known = this.#counts.get(key)
    if (known !== undefined) {
      known.count++
      const body = { count: known.count, lastTimestamp: now }
      this.#send('PATCH', `${events}/${known.name}`, body, 'application/merge-patch+json')
      return
    }
    const name = `${metadata.name}.${metadata.uid.slice(0, 8)}.${this.#number++}`
    this.#counts.set(key, { name, count: 1 })
    const { uid, namespace } = metadata
    this.#send('POST', events, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace },
      involvedObject: { apiVersion: 'v1', kind: 'Pod', name: metadata.name, namespace, uid },
      type,
      reason,
      message: message.slice(0, MESSAGE_LIMIT),
      source: { component: 'kubelet', host: this.#nodeName },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    })
  }

  /** Forgets what was counted for a pod that is gone. */
  forget({ metadata }: Pod): void {
    for (const key of this.#counts.keys()) if (key.startsWith(`${metadata.uid} `)) this.#counts.delete(key)
  }

  #send(method: 'POST' | 'PATCH', path: string, body: object, contentType = 'application/json'): void {
    this.#api.request(method, path, { body, contentType }).catch(() => {})
  }
}
