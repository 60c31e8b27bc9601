import { Backoff, pause } from '../runtime/backoff.ts'
import { nowMs } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Inventory } from './api/inventory.ts'
import type { Compilation } from './api/verdict.ts'
import { compile } from './compile/compile.ts'
import { status } from './compile/status.ts'
import type { Deployer, DeployResult } from './deploy/deployer.ts'
import { gatewayStates } from './gateway-states.ts'
import type { InventorySource } from './kube/watch/inventory-source.ts'
import { GATEWAY_NAME_LABEL } from './kube/watch/watched-kinds.ts'
import { type EventWriter, eventOf } from './kube/write/event-writer.ts'
import type { StatusWriter } from './kube/write/status-writer.ts'
import type { SnapshotRegistry } from './push/snapshot-registry.ts'

export interface ReconcilerOptions {
  readonly source: InventorySource
  readonly snapshots: SnapshotRegistry
  readonly statuses: StatusWriter
  readonly events: EventWriter
  readonly clusterDomain: string
  readonly log: Log
}

/** What a replica has while it leads. */
export interface Leadership {
  /** Aborts when it does not lead any more. */
  readonly signal: AbortSignal
  readonly deployer: Deployer
}

/** A burst of changes is one round. */
const COALESCE_MS = 50
/** After what could not be deployed or written. */
const RETRY = { firstMs: 1_000, mostMs: 30_000 }
/** Every so often the server is asked about everything that was deployed: not all kinds that are made are watched. */
const RECHECK_MS = 600_000

/**
 * The one loop: what is in the cluster → compile → snapshots for the pods and, where this replica leads, workloads and
 * statuses. A round begins after a change and takes the newest of everything; what fails is tried again, with backoff,
 * and a bug in one round leaves the outputs of the last one in place.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions
  readonly #closing = new AbortController()
  #leadership: Leadership | undefined
  #compiled: { readonly inventory: Inventory; readonly compilation: Compilation } | undefined
  #results: readonly DeployResult[] = []
  #running: Promise<void> | undefined
  #dirty = false
  #retry: NodeJS.Timeout | undefined
  readonly #backoff = new Backoff(RETRY)
  #recheckedMs = nowMs()
  #rounds = 0
  #bugs = 0

  constructor(options: ReconcilerOptions) {
    this.#options = options
  }

  /** For metrics. `bugs`: rounds that ended by an error of weir's own. */
  get counts(): { readonly rounds: number; readonly bugs: number } {
    return { rounds: this.#rounds, bugs: this.#bugs }
  }

  /** The Problems of the newest compilation, by severity. */
  get problems(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const { severity } of this.#compiled?.compilation.problems ?? []) {
      counts.set(severity, (counts.get(severity) ?? 0) + 1)
    }
    return counts
  }

  /** Brings the snapshots up to date; to be called before this replica tells anybody that it leads. */
  refresh(): void {
    this.#compile()
  }

  /** From now on workloads and statuses are this replica's; undefined: another's. */
  lead(leadership: Leadership | undefined): void {
    this.#leadership = leadership
    this.#results = []
    this.trigger()
  }

  /** Something has changed: there will be a round that sees it. */
  trigger(): void {
    this.#dirty = true
    if (this.#closing.signal.aborted) return
    this.#running ??= this.#runWhileDirty().finally(() => {
      this.#running = undefined
    })
  }

  /** Resolves when the round that runs is over; there is none after it. */
  async close(): Promise<void> {
    this.#closing.abort()
    clearTimeout(this.#retry)
    await this.#running
  }

  async #runWhileDirty(): Promise<void> {
    const { signal } = this.#closing
    while (this.#dirty && !signal.aborted) {
      await pause(COALESCE_MS, signal)
      if (signal.aborted) return
      this.#dirty = false
      const done = await this.#round().catch((error: unknown) => {
        this.#bugs++
        this.#options.log.error({ err: error }, 'a change was not taken up because of a bug')
        return false
      })
      this.#rounds++
      this.#retryUnless(done)
    }
  }

  /** @returns whether nothing is left to be tried again */
  async #round(): Promise<boolean> {
    const { source } = this.#options
    if (!source.synced) return true
    const compilation = this.#compile()
    const leadership = this.#leadership
    if (leadership === undefined) return true
    const { signal, deployer } = leadership
    this.#observe(deployer)
    const results = await deployer.deploy(compilation.workloads)
    if (signal.aborted) return true
    this.#tell(results)
    this.#results = results
    const written = await this.#writeStatuses(compilation, signal)
    return written && results.every(({ outcome }) => outcome === 'deployed' || outcome === 'held')
  }

  #compile(): Compilation {
    const { source, snapshots } = this.#options
    const inventory = source.inventory()
    if (this.#compiled?.inventory !== inventory) {
      this.#compiled = { inventory, compilation: compile(inventory, { implicitClasses: [] }) }
      snapshots.update(this.#compiled.compilation.snapshots)
    }
    return this.#compiled.compilation
  }

  /** Whether somebody changed what weir made, as far as it is watched. */
  #observe(deployer: Deployer): void {
    const { source } = this.#options
    for (const kind of ['Deployment', 'Service']) {
      for (const object of source.all(kind)) {
        const { name, namespace = '', labels } = object.metadata
        if (labels?.[GATEWAY_NAME_LABEL] !== undefined) deployer.observe({ kind, namespace, name }, object)
      }
    }
    if (nowMs() - this.#recheckedMs < RECHECK_MS) return
    this.#recheckedMs = nowMs()
    deployer.recheck()
  }

  async #writeStatuses(compilation: Compilation, signal: AbortSignal): Promise<boolean> {
    const { source, snapshots, statuses, events, clusterDomain, log } = this.#options
    const states = gatewayStates({
      source,
      workloads: compilation.workloads,
      results: this.#results,
      connected: new Set(snapshots.podAcks().map(({ gateway }) => gateway)),
      clusterDomain,
    })
    const summary = await statuses.write(status(compilation, snapshots.acks(), states), signal)
    if (signal.aborted) return true
    for (const transition of summary.transitions) {
      const event = eventOf(transition)
      if (event !== undefined) events.emit(event)
    }
    for (const { at, message } of summary.failures) {
      log.warn({ kind: at.kind, namespace: at.namespace, name: at.name }, `status not written: ${message}`)
    }
    return summary.failures.length === 0
  }

  /** Logs what became of each Gateway's deployment when it is another than before. */
  #tell(results: readonly DeployResult[]): void {
    for (const { gateway, outcome, failure, problems } of results) {
      const name = `${gateway.namespace}/${gateway.name}`
      const before = this.#results.find(
        (one) => one.gateway.namespace === gateway.namespace && one.gateway.name === gateway.name,
      )
      if (before?.outcome === outcome && before.failure === failure) continue
      const { log } = this.#options
      if (outcome === 'failed') log.warn({ gateway: name }, `not deployed: ${failure}`)
      else if (outcome === 'blocked') log.warn({ gateway: name }, `not deployed: ${problems[0]?.message}`)
      else log.info({ gateway: name }, outcome)
    }
  }

  #retryUnless(done: boolean): void {
    clearTimeout(this.#retry)
    if (done) this.#backoff.reset()
    this.#retry = setTimeout(() => this.trigger(), done ? RECHECK_MS : this.#backoff.next())
  }
}
