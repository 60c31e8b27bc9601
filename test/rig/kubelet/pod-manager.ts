import type { Pod } from './cluster-objects.ts'
import type { NodeContext } from './node-context.ts'
import { PodWorker } from './pod-worker.ts'

/** Keeps a worker for each pod that is bound to the node. */
export class PodManager {
  readonly #node: NodeContext
  readonly #workers = new Map<string, { readonly worker: PodWorker; readonly over: Promise<void> }>()
  #number = 0
  #closing = false

  constructor(node: NodeContext) {
    this.#node = node
  }

  /** Begins to run pods: those that are there and those to come. */
  start(): void {
    this.#node.pods.onChange((key) => this.#podChanged(key))
    for (const { metadata } of [...this.#node.pods.values()]) this.#podChanged(`${metadata.namespace}/${metadata.name}`)
    for (const store of [this.#node.configMaps, this.#node.secrets]) {
      store.onChange((key) => {
        for (const { worker } of this.#workers.values()) worker.configChanged(key.split('/')[0] as string)
      })
    }
  }

  /** The worker of a pod that runs here. */
  find(namespace: string, name: string): PodWorker | undefined {
    const pod = this.#node.pods.get(`${namespace}/${name}`)
    return pod && this.#workers.get(pod.metadata.uid)?.worker
  }

  /** Ends every container at once and clears everything away; the pods' objects stay. */
  async close(): Promise<void> {
    this.#closing = true
    for (const { worker } of this.#workers.values()) worker.stop(0)
    await Promise.all([...this.#workers.values()].map(({ over }) => over))
  }

  #podChanged(key: string): void {
    const pod = this.#node.pods.get(key)
    if (pod !== undefined && pod.spec.nodeName === this.#node.nodeName) {
      const known = this.#workers.get(pod.metadata.uid)
      if (known !== undefined) known.worker.update(pod)
      else if (!this.#closing) this.#begin(pod)
    }
    // A pod whose object is gone (a forced deletion) or has another's name now is ended without more ado.
    for (const [uid, { worker }] of this.#workers) {
      if (worker.key === key && uid !== pod?.metadata.uid) worker.stop(0)
    }
  }

  #begin(pod: Pod): void {
    const worker = new PodWorker(pod, this.#node, this.#number++)
    const over = worker
      .run(() => !this.#closing)
      .catch((error: Error) => this.#node.events.record(pod, 'Warning', 'FailedKillPod', error.message))
      .finally(() => this.#workers.delete(pod.metadata.uid))
    this.#workers.set(pod.metadata.uid, { worker, over })
    if (pod.metadata.deletionTimestamp !== undefined) worker.update(pod)
  }
}
