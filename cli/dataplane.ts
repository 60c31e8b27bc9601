import cluster from 'node:cluster'
import { setTimeout as delay } from 'node:timers/promises'
import type { DataPlaneSettings } from '../dataplane/settings.ts'
import { descriptorSink } from '../dataplane/telemetry/log/descriptor-sink.ts'
import { Fleet } from '../dataplane/workers/fleet.ts'
import type { GatewayPod } from '../dataplane/workers/gateway-pod.ts'
import { listenAddress, withPortsChosen } from '../dataplane/workers/listen-address.ts'
import type { Workers } from '../dataplane/workers/workers.ts'
import { createLog, type Log } from '../runtime/log.ts'
import { renderFamilies } from '../runtime/metrics.ts'
import { type DataPlanePodSettings, readDataPlaneSettings } from './dataplane-settings.ts'
import type { FlagValues } from './flags.ts'
import { quitSignal } from './run.ts'
import { openServicePorts, type Served, type ServicePorts } from './service-ports.ts'
import { VERSION } from './version.ts'

const STDOUT = 1

/**
 * `weir dataplane`: serves one Gateway until it is asked to end. Its workers are this program again; each process loads
 * only its own half, because modules that it never runs would still take memory.
 */
export async function runDataPlane(flags: FlagValues): Promise<number> {
  const settings = readDataPlaneSettings(flags, process.env)
  if (typeof settings === 'string') {
    process.stderr.write(`weir: ${settings}\n`)
    return 2
  }
  const log = createLog(settings.log)
  if (cluster.isWorker) {
    const { serveWorker } = await import('../dataplane/workers/serve-worker.ts')
    await serveWorker({ gateway: settings.gateway, settings: dataPlaneSettings(settings), log })
    return 0
  }
  return servePod(settings, log)
}

async function servePod(settings: DataPlanePodSettings, log: Log): Promise<number> {
  const quit = quitSignal()
  let workers: Workers | undefined
  try {
    workers = await startWorkers(settings, log)
    const { GatewayPod } = await import('../dataplane/workers/gateway-pod.ts')
    const { gateway, pod, controller, cacheFile } = settings
    let where = {}
    const onReady = (): void => log.info(where, 'ready')
    const served = new GatewayPod({ gateway, pod, controller, cacheFile, workers, log, onReady })
    const ports = await openServicePorts({ settings, served: pagesOf(served, workers), onQuit: quit.now })
    where = portsOf(ports)
    log.info({ ...where, gateway, workers: workers.count }, 'started')
    await Promise.race([served.start(), quit.asked])
    await quit.asked
    await end(settings, served, log)
    await ports.close()
    return 0
  } catch (error) {
    log.error({ err: error }, 'cannot start')
    await workers?.close(0)
    return 1
  }
}

async function startWorkers(settings: DataPlanePodSettings, log: Log): Promise<Workers> {
  const bindHost = await listenAddress(settings.bindHost)
  if (settings.workers === 1) {
    const { oneProcess } = await import('../dataplane/workers/one-process.ts')
    return oneProcess(settings.gateway, { ...dataPlaneSettings(settings), bindHost }, log)
  }
  const portMap = await withPortsChosen(settings.portMap, bindHost)
  return new Fleet({ count: settings.workers, listen: { bindHost, portMap }, stdout: descriptorSink(STDOUT), log })
}

function dataPlaneSettings(settings: DataPlanePodSettings): DataPlaneSettings {
  const { bindHost, portMap, connectTo, collectBytes, drainMs, env } = settings
  const accessLog = { enabled: settings.log.accessLog, format: settings.log.format }
  return { version: VERSION, bindHost, portMap, connectTo, collectBytes, drainMs, accessLog, env }
}

function pagesOf(pod: GatewayPod, workers: Workers): Served {
  return {
    notReady: () => pod.notReady(),
    metrics: async () => renderFamilies(await workers.metrics()),
    config: async () => [await workers.config()],
    memory: () => workers.memory(),
    setLogLevel: (level) => workers.setLogLevel(level),
  }
}

function portsOf({ admin, stats, readiness }: ServicePorts): object {
  return { adminPort: admin.port, statsPort: stats.port, readinessPort: readiness.port }
}

/** Readiness first: endpoints have to notice before a connection may be refused. */
async function end(settings: DataPlanePodSettings, pod: GatewayPod, log: Log): Promise<void> {
  const { drainMs, drainWaitMs } = settings
  pod.startEnding()
  log.info({ drainWaitMs, drainMs }, 'shutting down')
  await delay(drainWaitMs)
  await pod.close(drainMs - drainWaitMs)
}
