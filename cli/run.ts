import { createLog, type Log } from '../runtime/log.ts'
import type { ServiceRoute } from '../runtime/service-server.ts'
import type { FlagValues } from './flags.ts'
import { type RunSettings, readRunSettings } from './run-settings.ts'
import { openServicePorts } from './service-ports.ts'
import { StandAlone } from './stand-alone.ts'

/** `weir run`: serves until it is asked to end. */
export async function runGateway(flags: FlagValues): Promise<number> {
  const settings = readRunSettings(flags, process.env)
  if (typeof settings === 'string' || settings.paths.length === 0) {
    process.stderr.write(`weir: ${typeof settings === 'string' ? settings : 'run needs -f PATH'}\n`)
    return 2
  }
  const log = createLog(settings.log)
  const quit = quitSignal()
  try {
    const running = await startGateway({ settings, log, onQuit: quit.now })
    await quit.asked
    log.info('shutting down')
    await running.close()
    return 0
  } catch (error) {
    log.error({ err: error }, 'cannot start')
    return 1
  }
}

export interface StartGatewayOptions {
  readonly settings: RunSettings
  readonly log: Log
  readonly onQuit: () => void
  readonly adminRoutes?: ReadonlyMap<string, ServiceRoute>
}

export interface RunningGateway {
  readonly gateway: StandAlone
  /** Drains, delivers, ends. */
  close(): Promise<void>
}

/** Starts a stand-alone gateway with its admin, metrics and readiness ports; resolves when it serves. */
export async function startGateway(options: StartGatewayOptions): Promise<RunningGateway> {
  const { settings, log } = options
  const gateway = new StandAlone(settings, log)
  const ports = await openServicePorts({ ...options, served: gateway })
  await gateway.start()
  const notReady = gateway.notReady()
  const where = { adminPort: ports.admin.port, statsPort: ports.stats.port, readinessPort: ports.readiness.port }
  if (notReady === undefined) log.info(where, 'ready')
  else log.warn({ ...where, reason: notReady }, 'not ready')
  return {
    gateway,
    close: async () => {
      await gateway.close()
      await ports.close()
    },
  }
}

/** Resolves `asked` at the first SIGTERM or SIGINT, or when `now` is called; a second signal ends the process at once. */
export function quitSignal(): { readonly asked: Promise<void>; readonly now: () => void } {
  let asked = false
  let resolve: () => void = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  const onSignal = (): void => {
    if (asked) process.exit(1)
    asked = true
    resolve()
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  return { asked: promise, now: onSignal }
}
