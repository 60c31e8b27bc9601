import { distinctRefusals } from '../../contract/frames.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import type { Log } from '../../runtime/log.ts'
import { combineFamilies, type MetricFamily, MetricRegistry } from '../../runtime/metrics.ts'
import type { Ack } from '../sync/plan-holder.ts'
import type { LineSink } from '../telemetry/log/line-writer.ts'
import { LineRelay } from './line-relay.ts'
import { MetricTotals } from './metric-totals.ts'
import { runningForm } from './running-form.ts'
import type { ProcessMemory, RunningConfig, WorkerStart } from './worker-calls.ts'
import { startWorkerProcess, type WorkerProcess } from './worker-process.ts'
import { type Goal, WorkerSlot } from './worker-slot.ts'
import type { Workers } from './workers.ts'

/** How long a scrape, or a page of the admin port, waits for a worker. */
const ANSWER_MS = 1_000
/** How long the last lines of the access log may take once all workers have ended. */
const LAST_LINES_MS = 2_000

export interface FleetOptions {
  readonly count: number
  /** Of the address and ports to listen on: the primary's decision, because all workers have to say the same. */
  readonly listen: Pick<WorkerStart, 'bindHost' | 'portMap'>
  /** Takes the lines of all access logs. */
  readonly stdout: LineSink
  readonly log: Log
}

interface Waiting {
  readonly sequence: number
  readonly resolve: (ack: Ack) => void
  readonly reject: (error: Error) => void
}

/** The workers of a pod, seen from the primary: brings all to the newest snapshot, and replaces those that die. */
export class Fleet implements Workers {
  readonly #options: FleetOptions
  readonly #registry = new MetricRegistry()
  readonly #totals = new MetricTotals<WorkerProcess>()
  readonly #lines: LineRelay
  readonly #slots: readonly WorkerSlot[]
  #sequence = 0
  #running: Snapshot | undefined
  #waiting: Waiting[] = []
  #restarts = 0
  #unanswered = 0

  constructor(options: FleetOptions) {
    this.#options = options
    this.#lines = new LineRelay(options.stdout)
    this.#observe()
    this.#slots = Array.from({ length: options.count }, (_, index) => this.#slot(index + 1))
  }

  get count(): number {
    return this.#slots.length
  }

  get serving(): number {
    return this.#slots.filter((slot) => slot.serving).length
  }

  get running(): Snapshot | undefined {
    return this.#running
  }

  apply(snapshot: Snapshot): Promise<Ack> {
    const goal = { sequence: ++this.#sequence, snapshot }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ sequence: goal.sequence, resolve, reject })
      for (const slot of this.#slots) slot.take(goal)
    })
  }

  async metrics(): Promise<readonly MetricFamily[]> {
    const answers = await this.#ask(({ channel }) => channel.call('metrics', undefined, ANSWER_MS))
    const missing = [...answers.values()].filter((families) => families === undefined).length
    this.#unanswered += missing
    return combineFamilies([this.#totals.total(answers), this.#registry.collect()])
  }

  async config(): Promise<RunningConfig> {
    const slot = this.#slots.find(({ serving }) => serving)
    if (slot?.process === undefined) throw new Error('no worker serves')
    return slot.process.channel.call('config', undefined, ANSWER_MS)
  }

  async memory(): Promise<unknown> {
    const answers = await this.#ask(({ channel }) => channel.call('memory', undefined, ANSWER_MS))
    const workers = [...answers].map(([{ pid }, memory]): ProcessMemory | { pid: number } => memory ?? { pid })
    return { primary: { pid: process.pid, ...process.memoryUsage() }, workers }
  }

  async setLogLevel(level: string): Promise<void> {
    this.#options.log.level = level
    await this.#ask(({ channel }) => channel.call('setLogLevel', level, ANSWER_MS))
  }

  async close(drainMs: number): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.close(drainMs)))
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('the workers have ended'))
    await this.#lines.close(LAST_LINES_MS)
  }

  #slot(number: number): WorkerSlot {
    const { count, listen, log } = this.#options
    return new WorkerSlot({
      number,
      log,
      startProcess: (calls) => {
        const process = startWorkerProcess(calls, log)
        this.#lines.follow(process.stdout)
        return process
      },
      start: () => ({ number, count, ...listen, logLevel: log.level }),
      running: () => this.#running,
      onChange: () => this.#settle(),
      onDeath: (process) => {
        this.#restarts++
        this.#totals.gone(process)
      },
    })
  }

  /** Every worker's answer; undefined from one that does not answer in time, or not at all. */
  async #ask<T>(question: (process: WorkerProcess) => Promise<T>): Promise<ReadonlyMap<WorkerProcess, T | undefined>> {
    const processes = this.#slots.flatMap(({ process }) => process ?? [])
    const answers = processes.map(async (process) => [process, await question(process).catch(() => undefined)] as const)
    return new Map(await Promise.all(answers))
  }

  /** Tells those who wait for a goal, or one before it, once every slot has come to it. */
  #settle(): void {
    const outcomes = this.#slots.flatMap(({ outcome }) => outcome ?? [])
    const [first] = outcomes
    if (first === undefined || outcomes.length < this.count) return
    if (outcomes.some(({ goal }) => goal !== first.goal)) return
    const { sequence } = first.goal
    const told = this.#waiting.filter((waiting) => waiting.sequence <= sequence)
    if (told.length === 0) return
    this.#waiting = this.#waiting.filter((waiting) => waiting.sequence > sequence)
    const failure = outcomes.map(({ result }) => result).find((result) => result instanceof Error)
    if (failure !== undefined) {
      for (const { reject } of told) reject(failure)
      return
    }
    const ack = merged(first.goal, outcomes.map(({ result }) => result) as Ack[])
    this.#running = runningForm(first.goal.snapshot, ack.refused, this.#running)
    for (const { resolve } of told) resolve(ack)
  }

  #observe(): void {
    const one = (value: number) => [{ labels: [], value }]
    const { count } = this.#options
    const gauge = { type: 'gauge', labels: [] } as const
    const counter = { type: 'counter', labels: [] } as const
    this.#registry.observed({
      ...gauge,
      name: 'weir_workers',
      help: 'Workers that there should be.',
      read: () => one(count),
    })
    this.#registry.observed({
      ...gauge,
      name: 'weir_workers_serving',
      help: 'Workers that take connections.',
      read: () => one(this.serving),
    })
    this.#registry.observed({
      ...counter,
      name: 'weir_worker_restarts_total',
      help: 'Workers that died and were replaced.',
      read: () => one(this.#restarts),
    })
    this.#registry.observed({
      ...counter,
      name: 'weir_worker_scrapes_unanswered_total',
      help: "Times that a worker did not answer a scrape in time; its counters' last values stood in.",
      read: () => one(this.#unanswered),
    })
    this.#registry.observed({
      ...counter,
      name: 'weir_worker_log_torn_bytes_total',
      help: 'Bytes of access log lines that workers did not end to write before they died.',
      read: () => one(this.#lines.tornBytes),
    })
  }
}

/** What all workers say together: refused is what one of them refuses. */
function merged(goal: Goal, acks: readonly Ack[]): Ack {
  const { gateway, version } = goal.snapshot
  return { gateway, version, refused: distinctRefusals(acks.flatMap((ack) => ack.refused)) }
}
