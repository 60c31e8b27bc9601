import { setTimeout as delay } from 'node:timers/promises'
import type { Snapshot } from '../../contract/snapshot.ts'
import { nowMs } from '../../runtime/clock.ts'
import type { Log } from '../../runtime/log.ts'
import type { Ack } from '../sync/plan-holder.ts'
import { RestartBackoff } from './backoff.ts'
import { ChannelError } from './channel.ts'
import { type PrimaryCalls, TELEMETRY_DEADLINE_MS, type WorkerStart } from './worker-calls.ts'
import type { WorkerProcess } from './worker-process.ts'

/** A worker that has not said a word, or not taken up a snapshot, by then hangs. */
const HANG_MS = 60_000
/** Workers that die of one snapshot, one after the other, before it counts as one that cannot be taken up. */
const DEATHS_OF_A_SNAPSHOT = 3
/** Beyond what draining and telemetry may take. */
const END_MARGIN_MS = 2_000

/** A snapshot, numbered in the order in which they came. */
export interface Goal {
  readonly sequence: number
  readonly snapshot: Snapshot
}

/** What became of a goal in one slot. */
export interface Outcome {
  readonly goal: Goal
  readonly result: Ack | Error
}

export interface WorkerSlotOptions {
  readonly number: number
  readonly startProcess: (calls: PrimaryCalls) => WorkerProcess
  /** Asked when a worker says that it is there. */
  readonly start: () => WorkerStart
  /** What the other workers run, last good forms included; a worker that starts takes it up first. */
  readonly running: () => Snapshot | undefined
  /** The outcome or the process changed. */
  readonly onChange: () => void
  /** A process died that should not have. */
  readonly onDeath: (process: WorkerProcess) => void
  readonly log: Log
}

/** The place of one worker: starts it, starts it again when it dies, and brings it to the newest goal. */
export class WorkerSlot {
  readonly number: number
  readonly #options: WorkerSlotOptions
  readonly #backoff = new RestartBackoff()
  readonly #living: Promise<void>
  readonly #closing = new AbortController()
  #process: WorkerProcess | undefined
  #answers = false
  #serving = false
  #goal: Goal | undefined
  #outcome: Outcome | undefined
  /** What the process is taking up now. */
  #taking: Goal | undefined
  /** Processes that died while they took up the newest goal. */
  #deaths = 0
  #following: WorkerProcess | undefined

  constructor(options: WorkerSlotOptions) {
    this.number = options.number
    this.#options = options
    this.#living = this.#live()
  }

  /** The process, once it answers. */
  get process(): WorkerProcess | undefined {
    return this.#answers ? this.#process : undefined
  }

  /** It has a plan, and so listens. */
  get serving(): boolean {
    return this.#serving
  }

  /** Of the newest goal that the process that runs now has reached or cannot reach. */
  get outcome(): Outcome | undefined {
    return this.#outcome
  }

  /** Brings the worker to this goal; one that it has not begun with is overtaken. */
  take(goal: Goal): void {
    this.#goal = goal
    this.#deaths = 0
    this.#follow()
  }

  /** Ends the worker: what it serves may go on for so long. */
  async close(drainMs: number): Promise<void> {
    this.#closing.abort()
    const process = this.#process
    if (process !== undefined) {
      const late = setTimeout(() => process.kill(), drainMs + TELEMETRY_DEADLINE_MS + END_MARGIN_MS)
      // That it has ended is all that counts; one that cannot end by itself is ended.
      await process.channel.call('close', drainMs).catch(() => process.kill())
      await process.exited
      clearTimeout(late)
    }
    await this.#living
  }

  async #live(): Promise<void> {
    const { number, log, onDeath } = this.#options
    const { signal } = this.#closing
    while (!signal.aborted) {
      const startedAtMs = nowMs()
      const process = this.#startProcess()
      const { code, signal: killedBy } = await process.exited
      this.#buried()
      if (signal.aborted) return
      onDeath(process)
      const waitMs = this.#backoff.afterDeath(nowMs() - startedAtMs)
      log.error(
        { worker: number, pid: process.pid, code, signal: killedBy, waitMs },
        'a worker died; another one starts',
      )
      await delay(waitMs, undefined, { signal }).catch(() => {})
    }
  }

  #startProcess(): WorkerProcess {
    const process = this.#options.startProcess({
      start: async () => {
        clearTimeout(hangs)
        this.#answers = true
        this.#follow()
        return this.#options.start()
      },
    })
    const hangs = setTimeout(() => process.kill(), HANG_MS)
    void process.exited.then(() => clearTimeout(hangs))
    this.#process = process
    return process
  }

  #buried(): void {
    if (this.#taking !== undefined && this.#taking === this.#goal) this.#deaths++
    this.#process = undefined
    this.#answers = false
    this.#serving = false
    this.#following = undefined
    this.#taking = undefined
    this.#outcome = undefined
    this.#options.onChange()
  }

  #follow(): void {
    const process = this.process
    if (process === undefined || this.#following === process) return
    this.#following = process
    void this.#catchUp(process)
  }

  /** Takes the process from what it has to the newest goal. */
  async #catchUp(process: WorkerProcess): Promise<void> {
    const running = this.#options.running()
    if (!this.#serving && running !== undefined && running.version !== this.#goal?.snapshot.version) {
      const ack = await this.#apply(process, running)
      if (ack === undefined) return
      this.#serving = !(ack instanceof Error)
      this.#options.onChange()
    }
    for (let goal = this.#goal; goal !== undefined && goal !== this.#outcome?.goal; goal = this.#goal) {
      this.#taking = goal
      const result = this.#deaths >= DEATHS_OF_A_SNAPSHOT ? deadly(goal) : await this.#apply(process, goal.snapshot)
      if (result === undefined || this.#process !== process) return
      this.#taking = undefined
      this.#outcome = { goal, result }
      if (!(result instanceof Error)) this.#serving = true
      this.#options.onChange()
    }
    // In the same turn as the last look at the goal, or one that comes in between would wait for ever.
    this.#following = undefined
  }

  /** @returns undefined when the process is gone */
  async #apply(process: WorkerProcess, snapshot: Snapshot): Promise<Ack | Error | undefined> {
    try {
      return await process.channel.call('apply', snapshot, HANG_MS)
    } catch (error) {
      if (!(error instanceof ChannelError)) return error as Error
      if (error.reason === 'late') process.kill()
      return undefined
    }
  }
}

function deadly(goal: Goal): Error {
  return new Error(`${DEATHS_OF_A_SNAPSHOT} workers died while they took up version ${goal.snapshot.version}`)
}
