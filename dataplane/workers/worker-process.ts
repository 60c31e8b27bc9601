import cluster from 'node:cluster'
import type { Readable } from 'node:stream'
import type { Log } from '../../runtime/log.ts'
import { Channel, type ProcessPipe } from './channel.ts'
import { saveHandoffs } from './handoffs.ts'
import type { PrimaryCalls, WorkerCalls } from './worker-calls.ts'

/** A worker as the primary sees it. */
export interface WorkerProcess {
  readonly pid: number
  readonly channel: Channel<WorkerCalls>
  /** The lines of its access log. */
  readonly stdout: Readable
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>
  /** Ends it at once. */
  kill(): void
}

/**
 * Starts a worker: this program again, with the same arguments. node:cluster takes the connections and hands them out
 * in turn, which spreads them better than workers that race for them.
 */
export function startWorkerProcess(calls: PrimaryCalls, log: Log): WorkerProcess {
  cluster.schedulingPolicy = cluster.SCHED_RR
  // Lines of the access log are relayed; weir's own log is one write a line, which a pipe takes whole up to 4 KiB.
  cluster.setupPrimary({ serialization: 'advanced', stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  const worker = cluster.fork()
  const child = worker.process
  // A write to a worker that has just died; its exit tells the rest.
  worker.on('error', (error) => log.debug({ err: error, pid: child.pid }, 'a message did not reach a worker'))
  saveHandoffs(worker)
  return {
    pid: child.pid as number,
    channel: new Channel<WorkerCalls>(child as ProcessPipe, calls),
    stdout: child.stdout as Readable,
    exited: new Promise((resolve) => worker.once('exit', (code, signal) => resolve({ code, signal }))),
    kill: () => void child.kill('SIGKILL'),
  }
}
