import { parseLogLevel } from '../runtime/log-level.ts'
import { METRICS_CONTENT_TYPE } from '../runtime/metrics.ts'
import { jsonReply, type ServiceRoute, type ServiceServer, serveService, textReply } from '../runtime/service-server.ts'
import type { ServingSettings } from './serving-settings.ts'

/** The admin, metrics and readiness servers of what serves traffic. */
export interface ServicePorts {
  readonly admin: ServiceServer
  readonly stats: ServiceServer
  readonly readiness: ServiceServer
  close(): Promise<void>
}

/** What the pages of these servers show. */
export interface Served {
  /** Why traffic cannot be taken; undefined when it can. */
  notReady(): string | undefined
  /** The text exposition format. */
  metrics(): string | Promise<string>
  /** What runs, by Gateway, as plain data with nothing secret in it. */
  config(): unknown
  memory(): unknown
  /** A level as pino names it. */
  setLogLevel(level: string): void | Promise<void>
}

export interface ServicePortsOptions {
  readonly settings: Pick<ServingSettings, 'admin' | 'stats' | 'readiness'>
  readonly served: Served
  /** Somebody asked the process to end. */
  readonly onQuit: () => void
  /** More pages of the admin server. */
  readonly adminRoutes?: ReadonlyMap<string, ServiceRoute>
}

/** Opens all three. Rejects when one cannot be opened; the others are closed then. */
export async function openServicePorts(options: ServicePortsOptions): Promise<ServicePorts> {
  const { settings, served, adminRoutes } = options
  const metrics: ServiceRoute = async () => ({
    status: 200,
    contentType: METRICS_CONTENT_TYPE,
    body: await served.metrics(),
  })
  const ready: ServiceRoute = () => {
    const reason = served.notReady()
    return reason === undefined ? textReply('ready\n') : textReply(`${reason}\n`, 503)
  }
  // Lives as long as it answers: a gateway that has no plan yet, or drains, must not be restarted for that.
  const alive: ServiceRoute = () => textReply('alive\n')
  const health = new Map([
    ['GET /healthz/ready', ready],
    ['GET /healthz/live', alive],
  ])
  const pages = new Map([...adminPages(options), ...(adminRoutes ?? [])])
  const open: ServiceServer[] = []
  const close = async (): Promise<void> => {
    await Promise.all(open.map((server) => server.close()))
  }
  const opened = async (...given: Parameters<typeof serveService>): Promise<ServiceServer> => {
    const server = await serveService(...given)
    open.push(server)
    return server
  }
  try {
    const admin = await opened(settings.admin, pages, 'loopback')
    const stats = await opened(settings.stats, new Map([['GET /metrics', metrics]]), 'none')
    const readiness = await opened(settings.readiness, health, 'none')
    return { admin, stats, readiness, close }
  } catch (error) {
    await close()
    throw error
  }
}

function adminPages({ served, onQuit }: ServicePortsOptions): ReadonlyMap<string, ServiceRoute> {
  return new Map<string, ServiceRoute>([
    ['GET /config_dump', async () => jsonReply(await served.config())],
    ['GET /memory', async () => jsonReply(await served.memory())],
    [
      'POST /logging',
      async (query) => {
        const level = parseLogLevel(query.get('level') ?? '')
        if (typeof level === 'string') return textReply(`${level}\n`, 400)
        await served.setLogLevel(level.level)
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
