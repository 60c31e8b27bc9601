import type { Snapshot } from '../../contract/snapshot.ts'
import type { Log } from '../../runtime/log.ts'
import type { Ack } from '../sync/plan-holder.ts'
import { type ControllerEndpoint, type PushClient, startPushClient } from '../sync/push-client.ts'
import { loadCachedSnapshot, saveSnapshot } from '../sync/snapshot-cache.ts'
import type { Workers } from './workers.ts'

/** How long the cached snapshot may take before the controller is asked all the same. */
const CACHED_MS = 10_000

export interface GatewayPodOptions {
  /** `namespace/name` */
  readonly gateway: string
  /** The pod's name. */
  readonly pod: string
  readonly controller: ControllerEndpoint
  readonly cacheFile: string | undefined
  readonly workers: Workers
  readonly log: Log
  /** Traffic can be taken, for the first time. */
  readonly onReady: () => void
}

/** A data-plane pod as its primary sees it: takes what the controller says to the workers, and keeps it for a restart. */
export class GatewayPod {
  readonly #options: GatewayPodOptions
  #push: PushClient | undefined
  #ready = false
  #ending = false

  constructor(options: GatewayPodOptions) {
    this.#options = options
  }

  /** Why traffic cannot be taken; undefined when it can. */
  notReady(): string | undefined {
    const { workers, gateway } = this.#options
    if (this.#ending) return 'shutting down'
    if (workers.serving > 0) return undefined
    return this.#ready ? 'no worker runs' : `${gateway} has no configuration yet`
  }

  /** Serves what was kept, if anything was, then what the controller says, from now on. */
  async start(): Promise<void> {
    const { gateway, pod, controller, log } = this.#options
    const running = await this.#cached()
    if (this.#ending) return
    this.#push = startPushClient({
      ...controller,
      gateway,
      pod,
      log,
      ...(running === undefined ? {} : { running }),
      onSnapshot: (snapshot) => this.#take(snapshot),
    })
  }

  /** From now on readiness says no, so that no new traffic is sent here; what comes all the same is still served. */
  startEnding(): void {
    this.#ending = true
  }

  /** Lets what is in flight go on for so long, and ends. */
  async close(drainMs: number): Promise<void> {
    this.#ending = true
    // A snapshot that the workers are taking up now settles when they end, and the stream waits for that.
    await Promise.all([this.#push?.close(), this.#options.workers.close(drainMs)])
  }

  async #cached(): Promise<{ snapshot: Snapshot; refused: Ack['refused'] } | undefined> {
    const { cacheFile, gateway, workers, log } = this.#options
    const cached = cacheFile === undefined ? undefined : loadCachedSnapshot(cacheFile, log)
    if (cached === undefined) return undefined
    if (cached.gateway !== gateway) {
      log.warn({ cached: cached.gateway, gateway }, 'the cached configuration is of another Gateway; it is not used')
      return undefined
    }
    const applied = this.#apply(cached).catch((error: unknown) => {
      log.error({ err: error }, 'the cached configuration was not taken up because of a bug')
      return undefined
    })
    // Should the workers die of it, only the controller can say something better.
    const ack = await within(applied, CACHED_MS)
    return ack === undefined || workers.running === undefined
      ? undefined
      : { snapshot: workers.running, refused: ack.refused }
  }

  async #take(snapshot: Snapshot): Promise<Ack> {
    const { cacheFile, workers, log } = this.#options
    const ack = await this.#apply(snapshot)
    if (cacheFile !== undefined && workers.running !== undefined) {
      // What cannot be kept is served all the same; a restart would have to wait for the controller.
      await saveSnapshot(cacheFile, workers.running).catch((error: unknown) =>
        log.warn({ err: error }, 'the configuration could not be kept for a restart'),
      )
    }
    return ack
  }

  async #apply(snapshot: Snapshot): Promise<Ack> {
    const { gateway, workers, log, onReady } = this.#options
    const ack = await workers.apply(snapshot)
    for (const { key, path, message } of ack.refused) log.error({ gateway, key, path }, `refused: ${message}`)
    log.info({ gateway, version: ack.version, refused: ack.refused.length }, 'applied')
    if (!this.#ready) {
      this.#ready = true
      onReady()
    }
    return ack
  }
}

/** What the promise gives, or undefined when it takes longer. */
async function within<T>(promise: Promise<T>, limitMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, limitMs, undefined)
  })
  const first = await Promise.race([promise, late])
  clearTimeout(timer)
  return first
}
