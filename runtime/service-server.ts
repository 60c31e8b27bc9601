import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ListenAddress } from './address.ts'

/** What one path of a service server answers. */
export interface ServiceReply {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** Answers one method and path; `query` is what stood after the question mark. */
export type ServiceRoute = (query: URLSearchParams) => ServiceReply | Promise<ServiceReply>

export interface ServiceServer {
  /** The port that it really listens on; 0 for a Unix socket or `off`. */
  readonly port: number
  close(): Promise<void>
}

/** A JSON answer, indented for people. */
export function jsonReply(value: unknown, status = 200): ServiceReply {
  return { status, contentType: 'application/json', body: `${JSON.stringify(value, undefined, 2)}\n` }
}

/** A plain text answer. */
export function textReply(body: string, status = 200): ServiceReply {
  return { status, contentType: 'text/plain; charset=utf-8', body }
}

/**
 * Serves weir's own small pages (admin, metrics, readiness), never user traffic.
 * @param routes keyed by `METHOD /path`
 * @param guard when `loopback`, requests whose Host is not this machine's own name are refused, so that a web page in
 *   the operator's browser cannot reach the admin port by a name that it made resolve to loopback
 */
export async function serveService(
  address: ListenAddress,
  routes: ReadonlyMap<string, ServiceRoute>,
  guard: 'loopback' | 'none',
): Promise<ServiceServer> {
  if (address.kind === 'off') return { port: 0, close: async () => {} }
  const server = createServer((request, response) => {
    answer(request, routes, guard).then(
      (reply) => send(response, reply),
      () => send(response, textReply('internal error\n', 500)),
    )
  })
  await listen(server, address).catch((error: NodeJS.ErrnoException) => {
    // A machine without IPv6 cannot bind `::`, which is how all interfaces are written by default.
    if (error.code !== 'EAFNOSUPPORT' || address.kind !== 'tcp' || address.host !== '::') throw error
    return listen(server, { ...address, host: '0.0.0.0' })
  })
  const bound = server.address()
  return {
    port: bound !== null && typeof bound === 'object' ? (bound as AddressInfo).port : 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  request: IncomingMessage,
  routes: ReadonlyMap<string, ServiceRoute>,
  guard: 'loopback' | 'none',
): Promise<ServiceReply> {
  request.resume()
  if (guard === 'loopback' && !isLoopbackHost(request.headers.host ?? '')) {
    return textReply('this port answers to its own machine only\n', 403)
  }
  const url = new URL(request.url ?? '/', 'http://weir')
  const route = routes.get(`${request.method} ${url.pathname}`)
  if (route !== undefined) return await route(url.searchParams)
  const others = [...routes.keys()].filter((key) => key.endsWith(` ${url.pathname}`))
  if (others.length > 0) return textReply(`use ${others.join(' or ')}\n`, 405)
  return textReply(`not found; there is ${[...routes.keys()].join(', ')}\n`, 404)
}

function isLoopbackHost(host: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/i.test(host)
}

function send(response: ServerResponse, reply: ServiceReply): void {
  response.writeHead(reply.status, {
    'content-type': reply.contentType,
    'content-length': Buffer.byteLength(reply.body),
  })
  response.end(reply.body)
}

function listen(server: Server, address: Exclude<ListenAddress, { kind: 'off' }>): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', () => {
      server.off('error', reject)
      resolve()
    })
    if (address.kind === 'unix') server.listen(address.path)
    else server.listen(address.port, address.host)
  })
}
