import type { Snapshot } from '../../contract/snapshot.ts'
import type { MetricFamily } from '../../runtime/metrics.ts'
import type { Ack } from '../sync/plan-holder.ts'

/** How long queued telemetry may take to be delivered once traffic has ended. */
export const TELEMETRY_DEADLINE_MS = 5_000

/** What runs in a process, for `/config_dump`: nothing secret in it. */
export interface RunningConfig {
  readonly gateway: string
  readonly version: string | undefined
  readonly resources: readonly unknown[]
}

/** Bytes that a process uses. */
export interface ProcessMemory extends NodeJS.MemoryUsage {
  readonly pid: number
  /** Bytes of request bodies that are held. */
  readonly collectedBytes: number
}

/** What a worker does when the primary asks. */
export type WorkerCalls = {
  /** Takes up a snapshot. Rejects when it is none, or when weir has a bug; what runs goes on then. */
  readonly apply: (snapshot: Snapshot) => Promise<Ack>
  readonly metrics: () => Promise<readonly MetricFamily[]>
  readonly config: () => Promise<RunningConfig>
  readonly memory: () => Promise<ProcessMemory>
  /** A level of weir's own log, as pino names it. */
  readonly setLogLevel: (level: string) => Promise<void>
  /** Stops listening, lets what is in flight go on for so many milliseconds, delivers telemetry, and ends. */
  readonly close: (drainMs: number) => Promise<void>
}

/** What the primary decides for a worker that starts. */
export interface WorkerStart {
  /** From 1; a replacement has the number of the one that it replaces. */
  readonly number: number
  /** How many workers share the pod's limits. */
  readonly count: number
  /** An IP address. */
  readonly bindHost: string
  /** Port in the manifest → port that is listened on, none of them 0. */
  readonly portMap: ReadonlyMap<number, number>
  readonly logLevel: string
}

/**
 * What the primary does when a worker asks. A message that belongs to a session of another worker will take this way:
 * pods do not talk to each other, and neither do workers.
 */
export type PrimaryCalls = {
  /** A new worker's first words: from now on it answers. */
  readonly start: () => Promise<WorkerStart>
}
