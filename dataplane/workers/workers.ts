import type { Snapshot } from '../../contract/snapshot.ts'
import type { MetricFamily } from '../../runtime/metrics.ts'
import type { Ack } from '../sync/plan-holder.ts'
import type { RunningConfig } from './worker-calls.ts'

/** What serves a Gateway's traffic in a pod: several processes, or this one. */
export interface Workers {
  readonly count: number
  /** Workers that have a plan, and so take connections. */
  readonly serving: number
  /**
   * Takes up a snapshot everywhere; a newer one overtakes one that is not everywhere yet.
   * @returns the ack of the version that runs everywhere: this one's, or that of a newer one. Rejects when a worker has a
   *   bug or dies of it, again and again; what runs goes on then
   */
  apply(snapshot: Snapshot): Promise<Ack>
  /**
   * What runs everywhere, last good forms in the place of what was refused or is held; undefined before anything does.
   */
  readonly running: Snapshot | undefined
  /** All workers' numbers together. */
  metrics(): Promise<readonly MetricFamily[]>
  /** Of one worker: all run the same. Rejects when none answers. */
  config(): Promise<RunningConfig>
  /** Of every process, as plain data for people. */
  memory(): Promise<unknown>
  setLogLevel(level: string): Promise<void>
  /** Stops listening, lets what is in flight go on for so long, delivers telemetry, ends the workers. */
  close(drainMs: number): Promise<void>
}
