import { configDump } from '../dataplane/config-dump.ts'
import type { Log } from '../runtime/log.ts'
import { parseLogLevel } from '../runtime/log-level.ts'
import { METRICS_CONTENT_TYPE } from '../runtime/metrics.ts'
import { jsonReply, type ServiceRoute, type ServiceServer, serveService, textReply } from '../runtime/service-server.ts'
import type { RunSettings } from './run-settings.ts'
import type { StandAlone } from './stand-alone.ts'

/** The admin, metrics and readiness servers of a stand-alone gateway. */
export interface ServicePorts {
  readonly admin: ServiceServer
  readonly stats: ServiceServer
  readonly readiness: ServiceServer
  close(): Promise<void>
}

export interface ServicePortsOptions {
  readonly settings: RunSettings
  readonly gateway: StandAlone
  readonly log: Log
  /** Somebody asked the process to end. */
  readonly onQuit: () => void
  /** More pages of the admin server. */
  readonly adminRoutes?: ReadonlyMap<string, ServiceRoute>
}

export async function openServicePorts(options: ServicePortsOptions): Promise<ServicePorts> {
  const { settings, gateway, adminRoutes } = options
  const metrics: ServiceRoute = () => ({
    status: 200,
    contentType: METRICS_CONTENT_TYPE,
    body: gateway.shared.registry.render(),
  })
  const ready: ServiceRoute = () => {
    const reason = gateway.notReady()
    return reason === undefined ? textReply('ready\n') : textReply(`${reason}\n`, 503)
  }
  const admin = await serveService(
    settings.admin,
    new Map([...adminPages(options), ...(adminRoutes ?? [])]),
    'loopback',
  )
  const stats = await serveService(settings.stats, new Map([['GET /metrics', metrics]]), 'none')
  const readiness = await serveService(settings.readiness, new Map([['GET /healthz/ready', ready]]), 'none')
  return {
    admin,
    stats,
    readiness,
    close: async () => {
      await Promise.all([admin.close(), stats.close(), readiness.close()])
    },
  }
}

function adminPages({ gateway, log, onQuit }: ServicePortsOptions): ReadonlyMap<string, ServiceRoute> {
  return new Map<string, ServiceRoute>([
    [
      'GET /config_dump',
      () =>
        jsonReply(
          gateway.planes.map(({ gateway: name, version, plan }) => ({
            gateway: name,
            version,
            resources: plan === undefined ? [] : configDump(plan),
          })),
        ),
    ],
    ['GET /memory', () => jsonReply({ ...process.memoryUsage(), collectedBytes: gateway.shared.budget.usedBytes })],
    [
      'POST /logging',
      (query) => {
        const level = parseLogLevel(query.get('level') ?? '')
        if (typeof level === 'string') return textReply(`${level}\n`, 400)
        log.level = level.level
        return textReply(`level ${level.level}\n`)
      },
    ],
    [
      'POST /quitquitquit',
      () => {
        onQuit()
        return textReply('shutting down\n')
      },
    ],
  ])
}
