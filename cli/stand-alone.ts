import type { Problem } from '../controller/api/problem.ts'
import { type PathWatch, watchPaths } from '../controller/files/watch-paths.ts'
import { configDump } from '../dataplane/config-dump.ts'
import { DataPlane } from '../dataplane/data-plane.ts'
import { observePlanes } from '../dataplane/plane-metrics.ts'
import { createSharedParts, type SharedParts } from '../dataplane/shared-parts.ts'
import type { Log } from '../runtime/log.ts'
import { formatProblem, loadAndCompile } from './load.ts'
import type { RunSettings } from './run-settings.ts'
import type { Served } from './service-ports.ts'
import { VERSION } from './version.ts'

/** How long queued spans may take to be delivered once traffic has ended. */
const TELEMETRY_DEADLINE_MS = 5_000

/**
 * The stand-alone gateway: manifests in, one data plane for each Gateway in them, everything in this process. Follows
 * the files; what a change breaks keeps its last good form, and the log says why.
 */
export class StandAlone implements Served {
  readonly shared: SharedParts
  readonly #settings: RunSettings
  readonly #log: Log
  readonly #planes = new Map<string, DataPlane>()
  #watch: PathWatch | undefined
  #told = new Set<string>()
  #dirty = false
  #loading: Promise<void> | undefined
  #closing = false

  constructor(settings: RunSettings, log: Log) {
    this.#settings = settings
    this.#log = log
    const { bindHost, portMap, connectTo, collectBytes, drainMs, env } = settings
    const accessLog = { enabled: settings.log.accessLog, format: settings.log.format }
    this.shared = createSharedParts(
      { version: VERSION, bindHost, portMap, connectTo, collectBytes, drainMs, accessLog, env },
      log,
    )
    observePlanes(this.shared.registry, () => this.planes)
  }

  get planes(): readonly DataPlane[] {
    return [...this.#planes.values()]
  }

  /** Why traffic cannot be taken; undefined when it can. */
  notReady(): string | undefined {
    if (this.#closing) return 'shutting down'
    if (this.#planes.size === 0) return 'no Gateway of a class of weir in the files'
    const waiting = this.planes.find((plane) => plane.version === undefined)
    return waiting === undefined ? undefined : `${waiting.gateway} has no configuration yet`
  }

  metrics(): string {
    return this.shared.registry.render()
  }

  /** What runs, by Gateway, with nothing secret in it. */
  config(): unknown {
    return this.planes.map(({ gateway, version, plan }) => ({
      gateway,
      version,
      resources: plan === undefined ? [] : configDump(plan),
    }))
  }

  memory(): unknown {
    return { ...process.memoryUsage(), collectedBytes: this.shared.budget.usedBytes }
  }

  setLogLevel(level: string): void {
    this.#log.level = level
  }

  /** Serves what the files say, and follows them from then on. */
  async start(): Promise<void> {
    this.#watch = watchPaths(this.#settings.paths, () => void this.#reload())
    await this.#watch.ready
    await this.#reload()
  }

  /** Stops following, drains, delivers what telemetry has. */
  async close(): Promise<void> {
    this.#closing = true
    this.#watch?.close()
    await this.#loading
    await Promise.all(this.planes.map((plane) => plane.close()))
    await this.shared.close(TELEMETRY_DEADLINE_MS)
  }

  /** One load at a time; changes meanwhile make one more. */
  #reload(): Promise<void> {
    this.#dirty = true
    this.#loading ??= this.#loadWhileDirty().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  async #loadWhileDirty(): Promise<void> {
    while (this.#dirty && !this.#closing) {
      this.#dirty = false
      await this.#load().catch((error: unknown) =>
        this.#log.error({ err: error }, 'a change was not taken up because of a bug'),
      )
    }
  }

  async #load(): Promise<void> {
    const { compilation, problems } = await loadAndCompile(this.#settings.paths, this.#settings.namespace)
    this.#tell(problems)
    const named = new Set(compilation.snapshots.map((snapshot) => snapshot.gateway))
    for (const plane of this.planes.filter(({ gateway }) => !named.has(gateway))) {
      this.#planes.delete(plane.gateway)
      this.#log.info({ gateway: plane.gateway }, 'removed')
      void plane.close()
    }
    // One after the other, so that of two Gateways that want one port the first by name has it, whoever is faster.
    for (const snapshot of compilation.snapshots) {
      const plane = this.#planes.get(snapshot.gateway) ?? new DataPlane(snapshot.gateway, this.shared)
      this.#planes.set(snapshot.gateway, plane)
      if (plane.version === snapshot.version) continue
      const { version, refused } = await plane.apply(snapshot)
      for (const { key, path, message } of refused)
        this.#log.error({ gateway: plane.gateway, key, path }, `refused: ${message}`)
      this.#log.info({ gateway: plane.gateway, version, refused: refused.length }, 'applied')
    }
  }

  /** Logs each problem when it appears, and when all are gone. */
  #tell(problems: readonly Problem[]): void {
    const lines = new Map(problems.map((problem) => [formatProblem(problem), problem.severity]))
    for (const [line, severity] of lines) {
      if (this.#told.has(line)) continue
      if (severity === 'error') this.#log.error(line)
      else if (severity === 'warning') this.#log.warn(line)
      else this.#log.info(line)
    }
    if (lines.size === 0 && this.#told.size > 0) this.#log.info('no problems any more')
    this.#told = new Set(lines.keys())
  }
}
