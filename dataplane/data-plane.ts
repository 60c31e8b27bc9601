import type { BackendResource, CredentialResource, Snapshot, TelemetryResource } from '../contract/snapshot.ts'
import { telemetryConfig } from '../contract/telemetry-config.ts'
import { exporterShare } from './exporter-share.ts'
import { createPipeline } from './http/pipeline.ts'
import { createChatHandler } from './llm/chat-handler.ts'
import { notBuiltHandler } from './mcp/not-built-handler.ts'
import { type BackendPart, buildPlan, type Plan, supersede } from './plan.ts'
import { Ports } from './ports.ts'
import { createHttpHandler } from './service/http-handler.ts'
import type { SharedParts } from './shared-parts.ts'
import { type Ack, PlanHolder } from './sync/plan-holder.ts'
import { createRecorder } from './telemetry/recorder.ts'
import { TelemetryPart } from './telemetry-part.ts'

/** What serves the traffic of one Gateway in this process. */
export class DataPlane {
  readonly gateway: string
  readonly #shared: SharedParts
  readonly #holder: PlanHolder<Plan>
  readonly #ports: Ports
  readonly #superseded = new Set<TelemetryPart>()
  #plan: Plan | undefined

  /** @param gateway `namespace/name` */
  constructor(gateway: string, shared: SharedParts) {
    this.gateway = gateway
    this.#shared = shared
    const { bindHost, portMap, drainMs } = shared.settings
    const onRequest = createPipeline({ plan: () => this.#plan as Plan, onBug: shared.onBug })
    this.#ports = new Ports({
      gateway,
      bindHost,
      portMap,
      drainMs,
      onRequest,
      onConnection: (port, protocol) => shared.traffic.connectionOpened(port, gateway, protocol),
      log: shared.log,
    })
    this.#holder = new PlanHolder((snapshot, current) => this.#takeUp(snapshot, current))
  }

  get plan(): Plan | undefined {
    return this.#plan
  }

  /** The version that runs. */
  get version(): string | undefined {
    return this.#holder.version
  }

  /** Generations of telemetry that are superseded but still have exchanges to record. */
  get supersededParts(): number {
    return this.#superseded.size
  }

  get connections(): number {
    return this.#ports.connections
  }

  /** Where a listener's port really listens; undefined when it does not. */
  localPort(listenerPort: number): number | undefined {
    return this.#ports.localPort(listenerPort)
  }

  /** Takes up a snapshot. Rejects only when weir has a bug; what runs goes on then. */
  apply(snapshot: Snapshot): Promise<Ack> {
    return this.#holder.apply(snapshot)
  }

  /** Drains the ports, then gives everything back. @param drainMs as the settings say, unless given */
  async close(drainMs = this.#shared.settings.drainMs): Promise<void> {
    await this.#ports.close(drainMs)
    if (this.#plan !== undefined) supersede(this.#plan, undefined)
  }

  async #takeUp(snapshot: Snapshot, current: Plan | undefined): Promise<{ plan: Plan; refused: Ack['refused'] }> {
    const { plan, refused } = buildPlan(snapshot, current, {
      backend: (resource, credential) => this.#backend(resource, credential),
      telemetry: (resource) => this.#telemetry(resource),
    })
    this.#plan = plan
    if (current !== undefined) {
      if (current.recorder !== plan.recorder && current.recorder.open > 0) this.#superseded.add(current.recorder)
      supersede(current, plan)
    }
    return { plan, refused: [...refused, ...(await this.#ports.follow(plan.listeners, plan.credentials))] }
  }

  #backend(
    backend: BackendResource,
    credential: (key: string) => CredentialResource | undefined,
  ): Pick<BackendPart, 'handler' | 'close'> {
    const { upstreams, budget, onUnread } = this.#shared
    if (backend.body.type === 'mcp') return { handler: notBuiltHandler, close: () => {} }
    const handler =
      backend.body.type === 'http'
        ? createHttpHandler({ backend, upstreams })
        : createChatHandler({ backend, upstreams, budget, onUnread, credentials: (key) => credential(key)?.body })
    return { handler, close: () => handler.close() }
  }

  #telemetry(resource: TelemetryResource | undefined): TelemetryPart {
    const { settings, exporters, accessLog, traffic, telemetry, log } = this.#shared
    const config = resource?.config ?? telemetryConfig.parse({})
    const [namespace, name] = this.gateway.split('/') as [string, string]
    const acquired = exporters.acquire(exporterShare(config.tracing, settings.workers ?? 1), {
      namespace,
      name,
      version: settings.version,
      env: settings.env,
    })
    const podName = settings.env['POD_NAME']
    const recorder = createRecorder({
      config,
      gateway: this.gateway,
      environment: { namespace, gateway: name, ...(podName === undefined ? {} : { podName }) },
      exporters: acquired,
      accessLog: { target: accessLog, ...settings.accessLog },
      traffic,
      metrics: telemetry,
      log,
    })
    const part = new TelemetryPart(resource?.digest ?? '', recorder, () => {
      this.#superseded.delete(part)
      for (const { exporter } of acquired) exporters.release(exporter)
    })
    return part
  }
}
