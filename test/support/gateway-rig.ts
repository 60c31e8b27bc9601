import type { BackendResource, ListenerResource, RouteResource } from '../../contract/snapshot.ts'
import type { Exchange, Recorder } from '../../dataplane/exchange.ts'
import { TEXT_ERRORS } from '../../dataplane/fault.ts'
import type { Call, Handler } from '../../dataplane/http/handler.ts'
import { type HttpServer, type ServerOptions, startServer } from '../../dataplane/http/http1/server.ts'
import { createPipeline } from '../../dataplane/http/pipeline.ts'
import { relay, type Tap } from '../../dataplane/http/relay.ts'
import { buildRouter } from '../../dataplane/http/router.ts'
import { compileRule } from '../../dataplane/http/rule.ts'
import type { Upstream } from '../../dataplane/http/transport.ts'

/** A listener on port 80 for any host, with what the test says instead. */
export function listenerOf(overrides: Partial<ListenerResource> = {}): ListenerResource {
  const name = overrides.name ?? 'http'
  const fixed = { kind: 'listener', digest: 'x', gateway: 'ns/gw', port: 80, protocol: 'HTTP' } as const
  return { ...fixed, name, key: `listener/${name}`, ...overrides }
}

/** A rule that takes every path to the backend `backend/b`, with what the test says instead. */
export function routeOf(overrides: Partial<RouteResource> = {}): RouteResource {
  return {
    kind: 'route',
    key: `route/ns/${overrides.name ?? 'route'}/${overrides.ruleIndex ?? 0}`,
    digest: 'x',
    listener: 'listener/http',
    namespace: 'ns',
    name: 'route',
    ruleIndex: 0,
    creationTimestamp: '2026-01-01T00:00:00Z',
    hostnames: [],
    matches: [{ path: { type: 'PathPrefix', value: '/' }, headers: [], queryParams: [] }],
    filters: [],
    timeouts: {},
    backendRefs: [{ weight: 1, backend: 'backend/b', filters: [] }],
    ...overrides,
  }
}

/** A plain HTTP backend without endpoints: tests bring their own upstream. */
export function backendOf(overrides: Partial<BackendResource> = {}): BackendResource {
  const body = { type: 'http' as const, endpoints: [] }
  return {
    kind: 'backend',
    key: 'backend/b',
    digest: 'x',
    resource: 'Service',
    namespace: 'ns',
    name: 'b',
    body,
    ...overrides,
  }
}

/** A recorder that keeps the exchanges it was told of, and can be waited for. */
export class KeepingRecorder implements Recorder {
  readonly begun: Exchange[] = []
  readonly ended: Exchange[] = []
  contextOf: (exchange: Exchange) => readonly string[] | undefined = () => undefined
  prepare: (exchange: Exchange) => void = () => undefined
  readonly #checks = new Set<() => void>()

  begin(exchange: Exchange): void {
    this.begun.push(exchange)
    this.prepare(exchange)
  }

  contextHeaders(exchange: Exchange): readonly string[] | undefined {
    return this.contextOf(exchange)
  }

  end(exchange: Exchange): void {
    this.ended.push(exchange)
    for (const check of [...this.#checks]) check()
  }

  /** The exchanges, once so many have ended. */
  untilEnded(count: number): Promise<readonly Exchange[]> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.ended.length < count) return
        this.#checks.delete(check)
        resolve(this.ended)
      }
      this.#checks.add(check)
      check()
    })
  }
}

/** A handler that sends every request on as it comes, body streamed, and fails with what the attempt failed with. */
export function passTo(upstream: Upstream, tap?: (call: Call) => Tap): Handler {
  return {
    errors: TEXT_ERRORS,
    handle(call) {
      const { method, target, rawHeaders } = call.head
      const body = call.inbound.bodyLength === 0 ? undefined : 'stream'
      relay(call, upstream, { method, target, rawHeaders, body }, tap?.(call), (result) => {
        if (typeof result === 'object' && 'failed' in result) call.fail(result.failed)
      })
    },
  }
}

export interface Rig {
  readonly server: HttpServer
  readonly port: number
  readonly recorder: KeepingRecorder
  readonly bugs: unknown[]
}

export interface RigOptions {
  readonly listeners?: readonly ListenerResource[]
  readonly routes?: readonly RouteResource[]
  readonly handler: Handler
  readonly backend?: BackendResource
  readonly server?: Partial<ServerOptions>
}

/** A server, a router and a pipeline on a free port, all real; only telemetry is the test's. */
export async function startRig(options: RigOptions): Promise<Rig> {
  const recorder = new KeepingRecorder()
  const bugs: unknown[] = []
  const served = { resource: options.backend ?? backendOf(), handler: options.handler }
  const rules = (options.routes ?? [routeOf()]).map((route) =>
    compileRule(route, (key) => (key === served.resource.key ? served : undefined)),
  )
  const router = buildRouter(options.listeners ?? [listenerOf()], rules)
  const onRequest = createPipeline({ plan: () => ({ recorder, router }), onBug: (bug) => bugs.push(bug) })
  const server = await startServer({ host: '127.0.0.1', port: 0, listenerPort: 80, onRequest, ...options.server })
  return { server, port: server.port, recorder, bugs }
}
