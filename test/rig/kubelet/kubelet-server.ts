import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { ContainerLog, LogLine } from './container-log.ts'
import type { PodManager } from './pod-manager.ts'
import type { PodWorker } from './pod-worker.ts'

/** What `kubectl logs` asks for (core/v1, PodLogOptions). */
export interface LogQuery {
  readonly follow: boolean
  readonly previous: boolean
  readonly timestamps: boolean
  readonly tailLines: number | undefined
  readonly limitBytes: number | undefined
  readonly sinceMs: number | undefined
}

/** Something that was asked for and that there is not; its message is the answer. */
class NotFound extends Error {}

/**
 * The kubelet's own part of its server, on a Unix socket behind the streaming program: the logs of containers, and for
 * that program where a pod's namespaces are and how to run a program in a container.
 */
export async function serveKubelet(socket: string, pods: PodManager): Promise<Server> {
  const server = createServer((request, response) => {
    try {
      answer(request, response, pods)
    } catch (error) {
      response.writeHead(error instanceof NotFound ? 404 : 500, { 'content-type': 'text/plain' })
      response.end(`${(error as Error).message}\n`)
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(socket, resolve)
  })
  return server
}

function answer(request: IncomingMessage, response: ServerResponse, pods: PodManager): void {
  const url = new URL(request.url ?? '/', 'http://kubelet')
  const [area, ...rest] = url.pathname.slice(1).split('/').map(decodeURIComponent) as [string, ...string[]]
  if (area === 'healthz') response.end('ok')
  else if (area === 'containerLogs') sendLog(response, findPod(pods, rest), rest[2], readLogQuery(url.searchParams))
  else if (area === 'rig' && rest[0] === 'sandboxes') sendJson(response, sandboxOf(findPod(pods, rest.slice(1))))
  else if (area === 'rig' && rest[0] === 'containers') {
    const process = containerOf(findPod(pods, rest.slice(1)), rest[3]).process
    if (process === undefined) throw new NotFound(`container ${rest[3]} is not running`)
    const env = Object.entries(process.env).map(([name, value]) => `${name}=${value}`)
    sendJson(response, { argv: process.entryCommand(), env })
  } else throw new NotFound(`the rig's kubelet has no ${url.pathname}`)
}

function findPod(pods: PodManager, [namespace, name]: readonly string[]): PodWorker {
  const worker = pods.find(namespace ?? '', name ?? '')
  if (worker === undefined) throw new NotFound(`pod ${namespace}/${name} does not run on this node`)
  return worker
}

function containerOf(pod: PodWorker, name: string | undefined) {
  const container = pod.container(name ?? '')
  if (container === undefined) throw new NotFound(`pod ${pod.key} has no container ${name}`)
  return container
}

function sandboxOf(pod: PodWorker): { network: string } {
  if (pod.sandbox === undefined) throw new NotFound(`pod ${pod.key} has no sandbox`)
  return { network: pod.sandbox.network }
}

function sendJson(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}

/** Reads the options; what is not set is not asked for. */
export function readLogQuery(query: URLSearchParams): LogQuery {
  const number = (name: string): number | undefined => (query.has(name) ? Number(query.get(name)) : undefined)
  const sinceTime = query.get('sinceTime')
  const sinceSeconds = number('sinceSeconds')
  return {
    follow: query.get('follow') === 'true',
    previous: query.get('previous') === 'true',
    timestamps: query.get('timestamps') === 'true',
    tailLines: number('tailLines'),
    limitBytes: number('limitBytes'),
    sinceMs:
      sinceTime !== null
        ? Date.parse(sinceTime)
        : sinceSeconds === undefined
          ? undefined
          : Date.now() - sinceSeconds * 1000,
  }
}

function sendLog(response: ServerResponse, pod: PodWorker, name: string | undefined, query: LogQuery): void {
  const log = containerOf(pod, name).log(query.previous)
  if (log === undefined) {
    throw new NotFound(`container ${name} of pod ${pod.key} has no ${query.previous ? 'previous ' : ''}log`)
  }
  response.writeHead(200, { 'content-type': 'text/plain' })
  response.flushHeaders()
  writeLog(response, log, query)
}

/** Writes the lines that are asked for; a follower that does not read fast enough holds up nothing but its own memory. */
function writeLog(response: ServerResponse, log: ContainerLog, query: LogQuery): void {
  let left = query.limitBytes ?? Number.POSITIVE_INFINITY
  const write = (line: LogLine): void => {
    if (left <= 0 || line.atMs < (query.sinceMs ?? 0)) return
    const stamp = query.timestamps ? `${new Date(line.atMs).toISOString()} ` : ''
    const bytes = Buffer.from(stamp + line.text)
    response.write(bytes.subarray(0, left))
    left -= bytes.length
  }
  const { lines } = log
  for (const line of query.tailLines === undefined ? lines : lines.slice(Math.max(0, lines.length - query.tailLines))) {
    write(line)
  }
  if (!query.follow || left <= 0) {
    response.end()
    return
  }
  const stop = log.follow((line) => {
    if (line !== undefined) write(line)
    if (line === undefined || left <= 0) response.end()
  })
  response.once('close', stop)
}
