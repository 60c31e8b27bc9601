import type { ApiClient } from '../api-client.ts'
import type { Pod } from './cluster-objects.ts'
import type { ObjectStore } from './object-store.ts'

const AGAIN_MS = 500

/**
 * Binds every pod that asks for the default scheduler to the one node. A pod whose node selector names another node stays
 * pending and says so; what the review of pods refuses is refused later, by the node.
 */
export class Scheduler {
  readonly #api: ApiClient
  readonly #pods: ObjectStore<Pod>
  readonly #nodeName: string
  readonly #busy = new Set<string>()
  readonly #timers = new Set<NodeJS.Timeout>()

  constructor(api: ApiClient, pods: ObjectStore<Pod>, nodeName: string) {
    this.#api = api
    this.#pods = pods
    this.#nodeName = nodeName
  }

  /** Binds those that are there and those to come. */
  start(): void {
    this.#pods.onChange((key) => this.#consider(key))
    for (const { metadata } of [...this.#pods.values()]) this.#consider(`${metadata.namespace}/${metadata.name}`)
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer)
  }

  #consider(key: string): void {
    const pod = this.#pods.get(key)
    if (pod === undefined || !isWaiting(pod) || this.#busy.has(pod.metadata.uid)) return
    const { uid } = pod.metadata
    this.#busy.add(uid)
    const work = this.#fits(pod) ? this.#bind(pod) : this.#say(pod)
    work.then(
      () => this.#busy.delete(uid),
      () => {
        const timer = setTimeout(() => {
          this.#timers.delete(timer)
          this.#busy.delete(uid)
          this.#consider(key)
        }, AGAIN_MS)
        this.#timers.add(timer)
      },
    )
  }

  #fits({ spec }: Pod): boolean {
    const labels: Readonly<Record<string, string>> = {
      'kubernetes.io/os': 'linux',
      'kubernetes.io/hostname': this.#nodeName,
    }
    return Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)
  }

  async #bind({ metadata }: Pod): Promise<void> {
    const { status } = await this.#api.request(
      'POST',
      `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}/binding`,
      {
        body: {
          apiVersion: 'v1',
          kind: 'Binding',
          metadata: { name: metadata.name, uid: metadata.uid },
          target: { apiVersion: 'v1', kind: 'Node', name: this.#nodeName },
        },
      },
    )
    if (status >= 500) throw new Error(`binding of ${metadata.name}: ${status}`)
  }

  async #say({ metadata, status }: Pod): Promise<void> {
    if (status?.conditions?.some(({ type, reason }) => type === 'PodScheduled' && reason === 'Unschedulable')) return
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: `0/1 nodes are available: ${this.#nodeName} does not match the pod's node selector`,
    }
    await this.#api.request('PATCH', `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}/status`, {
      body: { status: { conditions: [condition] } },
      contentType: 'application/strategic-merge-patch+json',
    })
  }
}

function isWaiting({ metadata, spec }: Pod): boolean {
  return (
    spec.nodeName === undefined &&
    metadata.deletionTimestamp === undefined &&
    (spec.schedulerName ?? 'default-scheduler') === 'default-scheduler' &&
    (spec.schedulingGates ?? []).length === 0
  )
}
