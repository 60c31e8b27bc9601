import { createLog } from '../runtime/log.ts'
import { jsonReply } from '../runtime/service-server.ts'
import { DEMO_PORT, type DemoGateway, type DemoWiring, runDemo } from './demo/demo.ts'
import type { FlagValues } from './flags.ts'
import { quitSignal, startGateway } from './run.ts'
import { type RunSettings, readRunSettings } from './run-settings.ts'

const LOOPBACK = '127.0.0.1'

/** `weir demo`: `run` on the bundled example, with a mock model and a trace view, on this machine's loopback. */
export async function runDemoVerb(flags: FlagValues): Promise<number> {
  const settings = readRunSettings(flags, process.env)
  if (typeof settings === 'string') {
    process.stderr.write(`weir: ${settings}\n`)
    return 2
  }
  const quit = quitSignal()
  const once = flags.on('once')
  return runDemo({
    once,
    attributes: flags.on('attributes'),
    out: process.stdout,
    stopped: quit.asked,
    startGateway: (wiring) => startDemoGateway(settings, wiring, once, quit.now),
  })
}

/**
 * The gateway of the demo: loopback only, traces on the admin port, no access log in between the traces. With `--once`
 * every port is a free one, so that it runs beside whatever else is there.
 */
async function startDemoGateway(
  given: RunSettings,
  wiring: DemoWiring,
  once: boolean,
  onQuit: () => void,
): Promise<DemoGateway> {
  const anyPort = { kind: 'tcp', host: LOOPBACK, port: 0 } as const
  const settings: RunSettings = {
    ...given,
    paths: wiring.paths,
    connectTo: [...given.connectTo, ...wiring.connectTo],
    bindHost: LOOPBACK,
    portMap: new Map([[DEMO_PORT, given.portMap.get(DEMO_PORT) ?? (once ? 0 : DEMO_PORT)]]),
    ...(once ? { admin: anyPort, stats: anyPort, readiness: anyPort } : {}),
    log: { ...given.log, level: given.log.level === 'info' ? 'warn' : given.log.level, accessLog: false },
  }
  const adminRoutes = new Map([['GET /traces', () => jsonReply(wiring.traces())]])
  const running = await startGateway({ settings, log: createLog(settings.log), onQuit, adminRoutes })
  const port = running.gateway.planes[0]?.localPort(DEMO_PORT)
  if (port === undefined)
    throw new Error(`the demo's gateway does not listen: ${running.gateway.notReady() ?? 'see the log'}`)
  return { port, close: () => running.close() }
}
