import { createLog } from '../runtime/log.ts'
import { jsonReply } from '../runtime/service-server.ts'
import { DEMO_PORT, type DemoGateway, type DemoWiring, runDemo } from './demo/demo.ts'
import { anyHost, type GatewayAddress, startDemoParts } from './demo/demo-parts.ts'
import type { FlagValues } from './flags.ts'
import { quitSignal, startGateway } from './run.ts'
import { type RunSettings, readRunSettings } from './run-settings.ts'

const LOOPBACK = '127.0.0.1'
/** The quick start of the chart knows them. */
const PARTS_PORTS = { model: 8000, otlp: 4317, view: 8080 }

/** `weir demo`: `run` on the bundled example, with a mock model and a trace view, on this machine's loopback. */
export async function runDemoVerb(flags: FlagValues): Promise<number> {
  if (flags.on('parts')) return serveParts(flags)
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

/** `weir demo --parts`: until it is asked to end, on all addresses, for a gateway that runs elsewhere. */
async function serveParts(flags: FlagValues): Promise<number> {
  const gateway = gatewayAddress(flags.text('gateway-url') ?? '')
  if (typeof gateway === 'string') {
    process.stderr.write(`weir: --gateway-url ${gateway}\n`)
    return 2
  }
  const quit = quitSignal()
  const parts = await startDemoParts({ gateway: () => gateway, host: anyHost(), ports: PARTS_PORTS })
  process.stdout.write(`mock model ${parts.modelPort}, OTLP/gRPC ${parts.otlpPort}, trace view ${parts.viewPort}\n`)
  await quit.asked
  await parts.close()
  return 0
}

/** @returns a message instead when the text is no http URL */
function gatewayAddress(text: string): GatewayAddress | string {
  const url = URL.parse(text)
  if (url?.protocol !== 'http:') return `'${text}': a gateway's address is written http://host:port`
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port || 80) }
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
