import { clusterAccess } from '../controller/kube/client/cluster-access.ts'
import { Controller } from '../controller/main.ts'
import { createLog } from '../runtime/log.ts'
import { METRICS_CONTENT_TYPE } from '../runtime/metrics.ts'
import { type ServiceReply, serveService, textReply } from '../runtime/service-server.ts'
import { type ControllerPodSettings, readControllerSettings } from './controller-settings.ts'
import type { FlagValues } from './flags.ts'
import { quitSignal } from './run.ts'

/** `weir controller`: follows the cluster until it is asked to end. */
export async function runController(flags: FlagValues): Promise<number> {
  const settings = readControllerSettings(flags)
  if (typeof settings === 'string') {
    process.stderr.write(`weir: ${settings}\n`)
    return 2
  }
  const log = createLog(settings.log)
  const quit = quitSignal()
  try {
    const controller = new Controller(settings, await clusterAccess(process.env), log)
    const pages = await openPages(settings, controller)
    await Promise.race([controller.start().then(() => log.info('ready')), quit.asked])
    await quit.asked
    log.info('shutting down')
    await controller.close()
    await pages.close()
    return 0
  } catch (error) {
    log.error({ err: error }, 'cannot start')
    return 1
  }
}

async function openPages(
  { stats, readiness }: ControllerPodSettings,
  controller: Controller,
): Promise<{ close(): Promise<void> }> {
  const metrics = (): ServiceReply => ({
    status: 200,
    contentType: METRICS_CONTENT_TYPE,
    body: controller.metrics.render(),
  })
  const ready = (): ServiceReply => {
    const reason = controller.notReady()
    return reason === undefined ? textReply('ready\n') : textReply(`${reason}\n`, 503)
  }
  const servers = [
    await serveService(stats, new Map([['GET /metrics', metrics]]), 'none'),
    await serveService(
      readiness,
      new Map([
        ['GET /healthz/ready', ready],
        ['GET /healthz/live', () => textReply('alive\n')],
      ]),
      'none',
    ),
  ]
  return { close: async () => void (await Promise.all(servers.map((server) => server.close()))) }
}
