import { decodeSnapshot } from '../../contract/decode.ts'
import type { Log } from '../../runtime/log.ts'
import type { DataPlaneSettings } from '../settings.ts'
import { Channel, type ProcessPipe } from './channel.ts'
import { GatewayWorker } from './gateway-worker.ts'
import type { PrimaryCalls, WorkerCalls } from './worker-calls.ts'

export interface ServeWorkerOptions {
  /** `namespace/name` */
  readonly gateway: string
  /** Of the pod: limits that are not divided yet, the address and ports as they were given. */
  readonly settings: DataPlaneSettings
  readonly log: Log
}

/** Serves as the worker that this process was started as. Resolves when the primary has asked it to end and it has. */
export async function serveWorker({ gateway, settings, log }: ServeWorkerOptions): Promise<void> {
  // The primary decides when workers end: a terminal's Ctrl-C reaches all of them at once.
  process.on('SIGTERM', () => {})
  process.on('SIGINT', () => {})
  let end: () => void = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const calls: WorkerCalls = {
    apply: async (data) => {
      const decoded = decodeSnapshot(data)
      if (!decoded.ok) throw new Error(`not a snapshot: ${decoded.path}: ${decoded.message}`)
      return (await starting).apply(decoded.snapshot)
    },
    metrics: async () => (await starting).metrics(),
    config: async () => (await starting).config(),
    memory: async () => (await starting).memory(),
    setLogLevel: async (level) => (await starting).setLogLevel(level),
    close: async (drainMs) => {
      await (await starting).close(drainMs)
      end()
    },
  }
  const primary = new Channel<PrimaryCalls>(process as ProcessPipe, calls)
  const starting = start(primary, gateway, settings, log)
  await starting
  await ended
  // The answer to `close` goes out first. Without its primary node:cluster ends a worker.
  setImmediate(() => process.disconnect())
}

async function start(
  primary: Channel<PrimaryCalls>,
  gateway: string,
  settings: DataPlaneSettings,
  log: Log,
): Promise<GatewayWorker> {
  const { number, count, bindHost, portMap, logLevel } = await primary.call('start', undefined)
  const own = log.child({ worker: number })
  own.level = logLevel
  const collectBytes = Math.max(1, Math.floor(settings.collectBytes / count))
  return new GatewayWorker(gateway, { ...settings, bindHost, portMap, collectBytes, workers: count }, own)
}
