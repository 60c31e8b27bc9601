import { setTimeout as wait } from 'node:timers/promises'
import type { Container, Probe } from './cluster-objects.ts'
import { ContainerLog } from './container-log.ts'
import { ContainerProcess, type ProcessOptions } from './container-process.ts'
import type { ContainerReport, ContainerState, Terminated } from './pod-status.ts'
import { type ProbeTarget, runProbe } from './probe.ts'

/** A container that ran this long without ending is started at once when it ends. */
const STABLE_MS = 600_000
const PREPARE_AGAIN_MS = 500

/** How long a container that ended again and again waits before its next start: nothing, first, 2 × first … most. */
export interface RestartBackoff {
  readonly firstMs: number
  readonly mostMs: number
}

/** Something about a container cannot be had now; shown as the reason for which it waits. */
export class CannotStart extends Error {
  readonly reason: string

  constructor(reason: string, message: string) {
    super(message)
    this.reason = reason
  }
}

/** What a container needs of its pod. */
export interface ContainerHost {
  readonly podIP: string
  readonly backoff: RestartBackoff
  /** The pod's own, `terminationGracePeriodSeconds`. */
  readonly graceSeconds: number
  /** Whether it is started again after it ended so. */
  restarts(exitCode: number): boolean
  /** Makes its root and says how to start it. @throws CannotStart */
  prepare(container: Container, restartCount: number): Promise<Omit<ProcessOptions, 'log'>>
  /** Takes away what `prepare` made. */
  cleanUp(container: Container): Promise<void>
  logFile(container: Container): string
  event(type: 'Normal' | 'Warning', reason: string, message: string): void
  changed(): void
}

/** One container of a pod over all its starts. */
export class PodContainer {
  readonly container: Container
  readonly #host: ContainerHost
  readonly #stopping = new AbortController()
  #state: ContainerState = { waiting: { reason: 'ContainerCreating' } }
  #lastState: ContainerState | undefined
  #restartCount = 0
  #ready = false
  #started = false
  #done = false
  #process: ContainerProcess | undefined
  #log: ContainerLog | undefined
  #previousLog: ContainerLog | undefined
  #graceSeconds: number
  #backoffMs = 0

  constructor(container: Container, host: ContainerHost) {
    this.container = container
    this.#host = host
    this.#graceSeconds = host.graceSeconds
  }

  get report(): ContainerReport {
    return {
      container: this.container,
      state: this.#state,
      lastState: this.#lastState,
      restartCount: this.#restartCount,
      ready: this.#ready,
      started: this.#started,
      done: this.#done,
    }
  }

  /** The log of the run that is or was last; `previous`: of the one before that. */
  log(previous: boolean): ContainerLog | undefined {
    return previous ? this.#previousLog : this.#log
  }

  /** The program as it runs now. */
  get process(): ContainerProcess | undefined {
    return this.#process?.running ? this.#process : undefined
  }

  /** Starts it, and again as the restart policy says; resolves when it has ended for good. */
  async run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const prepared = await this.#prepare(signal)
      if (prepared === undefined) break
      const startedMs = Date.now()
      const exitCode = await this.#runOnce(prepared)
      if (signal.aborted || !this.#host.restarts(exitCode)) break
      if (Date.now() - startedMs > STABLE_MS) this.#backoffMs = 0
      await this.#backOff(signal)
      this.#restartCount++
    }
    this.#done = true
    if ('waiting' in this.#state) this.#state = { terminated: neverStarted() }
    this.#host.changed()
  }

  /**
   * Asks the program to end, insists after the grace period, and keeps it from being started again. A program is asked
   * once: for many a second signal means at once. Later calls can only shorten the grace period.
   */
  stop(graceSeconds: number): void {
    const asked = this.#stopping.signal.aborted
    if (asked && graceSeconds >= this.#graceSeconds) return
    this.#graceSeconds = graceSeconds
    this.#stopping.abort()
    if (!this.#process?.running) return
    if (asked) this.#killAfter(this.#process, graceSeconds)
    else {
      this.#host.event('Normal', 'Killing', `Stopping container ${this.container.name}`)
      this.#end(this.#process, graceSeconds)
    }
  }

  /** Tries until the container can be started. @returns undefined when it shall not be any more */
  async #prepare(signal: AbortSignal): Promise<Omit<ProcessOptions, 'log'> | undefined> {
    while (!signal.aborted) {
      try {
        return await this.#host.prepare(this.container, this.#restartCount)
      } catch (error) {
        const reason = error instanceof CannotStart ? error.reason : 'CreateContainerError'
        const { message } = error as Error
        this.#host.event('Warning', 'Failed', `${reason}: ${message}`)
        this.#setState({ waiting: { reason, message } })
      }
      await wait(PREPARE_AGAIN_MS, undefined, { signal }).catch(() => {})
    }
    return undefined
  }

  async #runOnce(prepared: Omit<ProcessOptions, 'log'>): Promise<number> {
    const { name } = this.container
    this.#previousLog = this.#log
    this.#log = new ContainerLog(this.#host.logFile(this.container))
    const running = new ContainerProcess({ ...prepared, log: this.#log })
    this.#process = running
    if (this.#stopping.signal.aborted) this.#end(running, this.#graceSeconds)
    const startedAt = timestamp()
    const probes = new AbortController()
    this.#host.event('Normal', 'Started', `Started container ${name}`)
    this.#setState({ running: { startedAt } })
    this.#probe(running, probes.signal)
    const exitCode = await running.ended
    probes.abort()
    this.#ready = false
    this.#started = false
    const terminated: Terminated = {
      exitCode,
      reason: exitCode === 0 ? 'Completed' : 'Error',
      startedAt,
      finishedAt: timestamp(),
    }
    this.#setState({ terminated })
    await this.#host.cleanUp(this.container)
    return exitCode
  }

  async #backOff(signal: AbortSignal): Promise<void> {
    this.#lastState = this.#state
    const { firstMs, mostMs } = this.#host.backoff
    const delayMs = this.#backoffMs
    this.#backoffMs = Math.min(delayMs === 0 ? firstMs : delayMs * 2, mostMs)
    if (delayMs === 0) return
    const message = `back-off ${delayMs / 1000}s restarting failed container=${this.container.name}`
    this.#host.event('Warning', 'BackOff', message)
    this.#setState({ waiting: { reason: 'CrashLoopBackOff', message } })
    await wait(delayMs, undefined, { signal }).catch(() => {})
  }

  /** Startup first, if there is one; then readiness and liveness beside each other. */
  #probe(running: ContainerProcess, signal: AbortSignal): void {
    const { startupProbe, readinessProbe, livenessProbe } = this.container
    const target: ProbeTarget = {
      container: this.container,
      podIP: this.#host.podIP,
      entryCommand: () => running.entryCommand(),
      env: running.env,
    }
    const begin = (): void => {
      this.#started = true
      this.#ready = readinessProbe === undefined
      this.#host.changed()
      if (readinessProbe) void this.#watchReadiness(readinessProbe, target, signal)
      if (livenessProbe) void this.#watchHealth('Liveness', livenessProbe, running, target, signal, () => {})
    }
    if (startupProbe === undefined) {
      begin()
      return
    }
    const startup = new AbortController()
    signal.addEventListener('abort', () => startup.abort(), { once: true })
    void this.#watchHealth('Startup', startupProbe, running, target, startup.signal, () => {
      startup.abort()
      begin()
    })
  }

  #watchReadiness(probe: Probe, target: ProbeTarget, signal: AbortSignal): Promise<void> {
    return runProbe(probe, target, signal, (healthy, failure) => {
      if (failure !== undefined) this.#host.event('Warning', 'Unhealthy', `Readiness probe failed: ${failure}`)
      if (healthy === this.#ready) return
      this.#ready = healthy
      this.#host.changed()
    })
  }

  /** A container that fails its startup or liveness probe is ended; its restart policy says what follows. */
  #watchHealth(
    sort: 'Liveness' | 'Startup',
    probe: Probe,
    running: ContainerProcess,
    target: ProbeTarget,
    signal: AbortSignal,
    succeeded: () => void,
  ): Promise<void> {
    let failed = false
    return runProbe(probe, target, signal, (healthy, failure) => {
      if (healthy) succeeded()
      if (healthy || failed) return
      failed = true
      this.#host.event('Warning', 'Unhealthy', `${sort} probe failed: ${failure}`)
      this.#host.event(
        'Normal',
        'Killing',
        `Container ${this.container.name} failed ${sort.toLowerCase()} probe, will be restarted`,
      )
      this.#end(running, probe.terminationGracePeriodSeconds ?? this.#graceSeconds)
    })
  }

  #end(running: ContainerProcess, graceSeconds: number): void {
    running.terminate()
    this.#killAfter(running, graceSeconds)
  }

  #killAfter(running: ContainerProcess, graceSeconds: number): void {
    const timer = setTimeout(() => running.kill(), graceSeconds * 1000)
    void running.ended.then(() => clearTimeout(timer))
  }

  #setState(state: ContainerState): void {
    this.#state = state
    this.#host.changed()
  }
}

/** Now, as statuses say it. */
export function timestamp(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z')
}

function neverStarted(): Terminated {
  return { exitCode: 137, reason: 'ContainerStatusUnknown', startedAt: timestamp(), finishedAt: timestamp() }
}
