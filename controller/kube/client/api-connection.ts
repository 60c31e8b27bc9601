import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { ClusterAccess } from './cluster-access.ts'
import { KubeError } from './kube-error.ts'

/** One HTTP request to the API server. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly query?: { readonly [name: string]: string | number | boolean | undefined }
  readonly accept?: string
  readonly contentType?: string
  /** Sent as JSON. */
  readonly body?: unknown
  readonly signal?: AbortSignal | undefined
}

/** How errors name a call; the query is left out: it may hold long continue tokens. */
export function callName({ method, path }: Call): string {
  return `${method} ${path}`
}

/** A connection that is idle this long sends a probe, so that a peer that is gone is noticed within a minute. */
const KEEP_ALIVE_PROBE_MS = 30_000

/** Keep-alive connections to one API server. */
export class ApiConnection {
  readonly #access: ClusterAccess
  readonly #agent: HttpAgent
  readonly #send: typeof httpRequest

  constructor(access: ClusterAccess) {
    const isTls = access.server.protocol === 'https:'
    const agentOptions = { keepAlive: true, keepAliveMsecs: KEEP_ALIVE_PROBE_MS, scheduling: 'lifo' as const }
    this.#access = access
    this.#agent = isTls ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions)
    this.#send = isTls ? httpsRequest : httpRequest
  }

  /** Ends idle connections; calls under way are their callers' to abort. */
  close(): void {
    this.#agent.destroy()
  }

  /**
   * Sends a request; resolves with the head of the answer, whatever its status. Rejects with a KubeError when there is
   * none, and with the reason of the call's own signal when that aborts.
   * @param deadline aborts as well, as a time-out
   */
  async open(call: Call, deadline: AbortSignal, fresh: boolean): Promise<IncomingMessage> {
    const { headers, tls, agent = this.#agent } = await this.#credentials(call, fresh)
    const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body))
    const { hostname, port, pathname } = this.#access.server
    const options: RequestOptions = {
      ...tls,
      agent,
      method: call.method,
      // The URL keeps the brackets of an IPv6 address, which a socket does not take.
      hostname: hostname.replace(/^\[|\]$/g, ''),
      port,
      path: `${pathname.replace(/\/$/, '')}${call.path}${queryText(call.query)}`,
      signal: call.signal === undefined ? deadline : AbortSignal.any([call.signal, deadline]),
      headers: {
        accept: call.accept ?? 'application/json',
        'user-agent': 'weir',
        ...(body === undefined
          ? {}
          : { 'content-type': call.contentType ?? 'application/json', 'content-length': body.length }),
        ...headers,
      },
    }
    return new Promise((resolve, reject) => {
      const request = this.#send(options, resolve)
      request.on('error', (error: NodeJS.ErrnoException) =>
        reject(connectionError(call, error, deadline, request.reusedSocket)),
      )
      request.end(body)
    })
  }

  async #credentials(call: Call, fresh: boolean): ReturnType<ClusterAccess['credentials']> {
    return await this.#access.credentials(fresh).catch((error: Error) => {
      throw new KubeError(`${callName(call)}: no credentials: ${error.message}`, { status: 0, reason: 'Unreachable' })
    })
  }
}

function queryText(query: Call['query'] = {}): string {
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value))
  return given.size === 0 ? '' : `?${given}`
}

/** What is thrown for an error of the connection: the reason of the caller's own abort, or a KubeError. */
export function connectionError(
  call: Call,
  error: NodeJS.ErrnoException,
  deadline: AbortSignal,
  reusedSocket: boolean,
): unknown {
  if (call.signal?.aborted === true) return call.signal.reason
  if (deadline.aborted) return new KubeError(`${callName(call)}: no answer in time`, { status: 0, reason: 'TimedOut' })
  return new KubeError(`${callName(call)}: ${error.message}`, {
    status: 0,
    reason: 'Unreachable',
    staleConnection: reusedSocket && error.code === 'ECONNRESET',
  })
}
