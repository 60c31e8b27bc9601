import type { Snapshot } from '../../contract/snapshot.ts'
import type { Log } from '../../runtime/log.ts'
import type { MetricFamily } from '../../runtime/metrics.ts'
import { configDump } from '../config-dump.ts'
import { DataPlane } from '../data-plane.ts'
import { observePlanes } from '../plane-metrics.ts'
import type { DataPlaneSettings } from '../settings.ts'
import { createSharedParts, type SharedParts } from '../shared-parts.ts'
import type { Ack } from '../sync/plan-holder.ts'
import { type ProcessMemory, type RunningConfig, TELEMETRY_DEADLINE_MS, type WorkerCalls } from './worker-calls.ts'

/** What serves one Gateway's traffic in this process, whether that is a worker's or the only one. */
export class GatewayWorker implements WorkerCalls {
  readonly #log: Log
  readonly #shared: SharedParts
  readonly #plane: DataPlane

  /** @param gateway `namespace/name` */
  constructor(gateway: string, settings: DataPlaneSettings, log: Log) {
    this.#log = log
    this.#shared = createSharedParts(settings, log)
    this.#plane = new DataPlane(gateway, this.#shared)
    observePlanes(this.#shared.registry, () => [this.#plane])
  }

  readonly apply = (snapshot: Snapshot): Promise<Ack> => this.#plane.apply(snapshot)

  readonly metrics = async (): Promise<readonly MetricFamily[]> => this.#shared.registry.collect()

  readonly config = async (): Promise<RunningConfig> => {
    const { gateway, version, plan } = this.#plane
    return { gateway, version, resources: plan === undefined ? [] : configDump(plan) }
  }

  readonly memory = async (): Promise<ProcessMemory> => ({
    pid: process.pid,
    ...process.memoryUsage(),
    collectedBytes: this.#shared.budget.usedBytes,
  })

  readonly setLogLevel = async (level: string): Promise<void> => {
    this.#log.level = level
  }

  readonly close = async (drainMs: number): Promise<void> => {
    await this.#plane.close(drainMs)
    await this.#shared.close(TELEMETRY_DEADLINE_MS)
  }
}
