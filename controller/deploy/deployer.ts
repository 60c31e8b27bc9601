import { digestOf } from '../../contract/digest.ts'
import type { ObjectRef, Problem } from '../api/problem.ts'
import type { Workload } from '../api/verdict.ts'
import { type AppliedObject, objectKey } from './applied-object.ts'
import { applyWorkload } from './apply-workload.ts'
import type { LiveObject } from './manifest.ts'
import { projectionDigest } from './projection.ts'
import { type RenderedWorkload, renderWorkload } from './render.ts'
import type { DeploySettings } from './settings.ts'
import type { WorkloadClient } from './workload-client.ts'

/** How one Gateway's deployment stands. */
export interface DeployResult {
  readonly gateway: ObjectRef
  /**
   * `deployed`: the cluster has what it should (nothing, for selfManaged). `held`: left as it is. `blocked`: the server
   * refused something, or it is somebody else's; `problems` say what. `failed`: the server could not be asked. After the
   * last two, {@link Deployer.deploy} must be called again some time.
   */
  readonly outcome: 'deployed' | 'held' | 'blocked' | 'failed'
  readonly problems: readonly Problem[]
  /** For the log, of `failed`. */
  readonly failure?: string
}

/** What is remembered of a Gateway. */
interface Remembered {
  readonly digest: string
  /** By {@link objectKey}. */
  readonly applied: ReadonlyMap<string, AppliedObject>
  /** Nothing to do as long as what is rendered has the same digest. */
  settled: boolean
  readonly result: DeployResult
}

/** Gateways at once. */
const PARALLEL = 8

/**
 * Brings the cluster to what workloads say and keeps it there. It remembers what it applied and what the server made of
 * it, so that a Gateway for which nothing has changed costs no call. A new one asks the server about every Gateway once;
 * applying what is there already changes nothing, so that a restart is not seen.
 */
export class Deployer {
  readonly #client: WorkloadClient
  readonly #settings: DeploySettings
  /** By `namespace/name`. */
  #gateways = new Map<string, Remembered>()

  constructor(client: WorkloadClient, settings: DeploySettings) {
    this.#client = client
    this.#settings = settings
  }

  /**
   * Deploys every workload; one call at a time. A Gateway that is not among them keeps what it has: it may only have
   * lost its class for a moment, and what a deleted one owned, the cluster removes.
   */
  async deploy(workloads: readonly Workload[]): Promise<readonly DeployResult[]> {
    const results = new Map<Workload, DeployResult>()
    const waiting = [...workloads]
    const work = async (): Promise<void> => {
      for (let workload = waiting.shift(); workload !== undefined; workload = waiting.shift()) {
        results.set(workload, await this.#deployOne(workload))
      }
    }
    await Promise.all(Array.from({ length: PARALLEL }, work))
    const names = new Set(workloads.map(gatewayKey))
    this.#gateways = new Map([...this.#gateways].filter(([name]) => names.has(name)))
    return workloads.map((workload) => results.get(workload) as DeployResult)
  }

  /**
   * Tells of an object as it is now; undefined when it is gone.
   * @returns whether somebody has changed what weir decides, so that the next {@link deploy} has something to do
   */
  observe(name: Pick<ObjectRef, 'kind' | 'namespace' | 'name'>, live: LiveObject | undefined): boolean {
    const key = objectKey(name)
    for (const remembered of this.#gateways.values()) {
      const applied = remembered.applied.get(key)
      if (applied === undefined) continue
      if (live !== undefined && projectionDigest(live, applied.manifest) === applied.projection) return false
      remembered.settled = false
      return true
    }
    return false
  }

  /** The next {@link deploy} asks the server about everything: from time to time, and after another one has led. */
  recheck(): void {
    for (const remembered of this.#gateways.values()) remembered.settled = false
  }

  async #deployOne(workload: Workload): Promise<DeployResult> {
    if (workload.hold) return { gateway: workload.gateway, outcome: 'held', problems: [] }
    const key = gatewayKey(workload)
    const rendered = renderWorkload(workload, this.#settings)
    const digest = digestOf([workload.uid ?? '', rendered.objects, rendered.kept, rendered.leavesReplicas])
    const before = this.#gateways.get(key)
    if (before?.settled === true && before.digest === digest) return before.result
    const outcome = await applyWorkload(this.#client, workload, rendered, before?.applied ?? new Map())
    const result = resultOf(workload, rendered, outcome)
    const settled = result.outcome === 'deployed'
    this.#gateways.set(key, { digest, applied: outcome.applied, settled, result })
    return result
  }
}

function resultOf(
  { gateway }: Workload,
  { warnings }: RenderedWorkload,
  { problems, failure }: { readonly problems: readonly Problem[]; readonly failure: string | undefined },
): DeployResult {
  const outcome = failure !== undefined ? 'failed' : problems.length > 0 ? 'blocked' : 'deployed'
  const all = [...warnings, ...problems]
  return { gateway, outcome, problems: all, ...(failure === undefined ? {} : { failure }) }
}

function gatewayKey({ gateway }: Workload): string {
  return `${gateway.namespace}/${gateway.name}`
}
