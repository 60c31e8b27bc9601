import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { ClusterAccess } from '../../controller/kube/client/cluster-access.ts'
import { apiVersionOf, WATCHED_KINDS } from '../../controller/kube/watch/watched-kinds.ts'
import { createCertificateAuthority } from './certificates.ts'

/** An object of the scripted API server; `resourceVersion` and `uid` are the server's to give. */
export interface ApiObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown }
  readonly [field: string]: unknown
}

/** A request as it came in. */
export interface ApiRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: unknown
}

/** What an answer written by a test says; a text is sent as it is. */
export interface ApiReply {
  readonly status: number
  readonly body?: unknown
  readonly headers?: { readonly [name: string]: string }
}

/**
 * Has the first word about every request: a reply; `hang` for none ever; `reset` for a connection that ends; undefined
 * for what the server itself would answer. A function takes over the response.
 */
export type Script = (
  request: ApiRequest,
) => ApiReply | 'hang' | 'reset' | undefined | ((response: ServerResponse) => void)

interface Watcher {
  readonly prefix: string
  readonly metadataOnly: boolean
  readonly response: ServerResponse
}

/**
 * As much of an API server as the controller's client can tell apart from a real one, over TLS on loopback: lists in
 * pages, watches from a version on, 409 for a wrong version, merge and apply patches of conditions. What happens beside
 * that is the test's script.
 */
export class KubeApi {
  readonly requests: ApiRequest[] = []
  readonly token = 'the-token-of-the-controller'
  script: Script = () => undefined
  /** `plural.version` of what this server does not have. */
  readonly absent = new Set<string>()
  readonly access: ClusterAccess
  readonly #server: ReturnType<typeof createServer>
  readonly #objects = new Map<string, ApiObject>()
  readonly #history: { version: number; type: string; path: string; object: ApiObject }[] = []
  readonly #watchers = new Set<Watcher>()
  readonly #applied = new Map<string, readonly string[]>()
  #version = 100
  #oldest = 0

  static async start(): Promise<KubeApi> {
    const authority = createCertificateAuthority()
    const { certificate, privateKey } = authority.issue(['127.0.0.1'])
    const server = createServer({ cert: certificate, key: privateKey })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new KubeApi(server, authority.certificate)
  }

  private constructor(server: ReturnType<typeof createServer>, ca: string) {
    this.#server = server
    server.on('request', (request, response) => void this.#answer(request, response))
    const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const credentials = { headers: { authorization: `Bearer ${this.token}` }, tls: { ca } }
    this.access = { server: url, credentials: async () => credentials }
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  get version(): string {
    return String(this.#version)
  }

  get watching(): number {
    return this.#watchers.size
  }

  /** Creates or replaces an object, and tells the watches. */
  put(object: ApiObject): ApiObject {
    const path = objectPath(object)
    const before = this.#objects.get(path)
    const stored: ApiObject = {
      ...object,
      metadata: {
        creationTimestamp: '2026-01-01T00:00:00Z',
        generation: 1,
        ...object.metadata,
        uid: before?.metadata['uid'] ?? object.metadata['uid'] ?? `uid-${this.#version + 1}`,
        resourceVersion: String(++this.#version),
        managedFields: [{ manager: 'kubectl' }],
      },
    }
    this.#objects.set(path, stored)
    this.#tell(before === undefined ? 'ADDED' : 'MODIFIED', path, stored)
    return stored
  }

  remove(object: ApiObject): void {
    const path = objectPath(object)
    const before = this.#objects.get(path)
    if (before === undefined) return
    this.#objects.delete(path)
    const metadata = { ...before.metadata, resourceVersion: String(++this.#version) }
    this.#tell('DELETED', path, { ...before, metadata })
  }

  get(object: ApiObject): ApiObject | undefined {
    return this.#objects.get(objectPath(object))
  }

  /** Every version before the present one is gone: watches from there get 410. */
  compact(): void {
    this.#oldest = this.#version
  }

  /** Ends the connections of all watches, in the middle. */
  cutWatches(): void {
    for (const { response } of this.#watchers) response.destroy()
    this.#watchers.clear()
  }

  /** Ends all watches, as a server does when their time is over. */
  endWatches(): void {
    for (const { response } of this.#watchers) response.end()
    this.#watchers.clear()
  }

  /** Writes to all watches of a plural. */
  writeToWatches(plural: string, text: string): void {
    for (const { prefix, response } of this.#watchers) if (prefix.endsWith(`/${plural}`)) response.write(text)
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const url = new URL(incoming.url ?? '/', 'https://api')
    const text = Buffer.concat(chunks).toString()
    const request: ApiRequest = {
      method: incoming.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: incoming.headers,
      body: text === '' ? undefined : JSON.parse(text),
    }
    this.requests.push(request)
    const scripted = this.script(request)
    if (scripted === 'hang') return
    if (scripted === 'reset') incoming.socket.destroy()
    else if (typeof scripted === 'function') scripted(response)
    else if (scripted !== undefined) send(response, scripted)
    else if (incoming.headers.authorization !== `Bearer ${this.token}`) send(response, failure(401, 'Unauthorized'))
    else if (url.searchParams.get('watch') === 'true') this.#watch(request, response)
    else send(response, this.#reply(request))
  }

  #reply(request: ApiRequest): ApiReply {
    const { method, path } = request
    const collection = collectionOf(path)
    if (collection !== undefined && method === 'GET') return this.#list(request, collection)
    if (method === 'POST') return this.#create(request)
    const target = path.replace(/\/status$/, '')
    const before = this.#objects.get(target)
    if (before === undefined) return failure(404, 'NotFound')
    switch (method) {
      case 'GET':
        return { status: 200, body: before }
      case 'DELETE':
        this.remove(before)
        return { status: 200, body: { kind: 'Status', status: 'Success' } }
      case 'PUT':
        return this.#replace(before, request.body as ApiObject)
      default:
        return this.#patch(target, before, request)
    }
  }

  #list({ query, headers }: ApiRequest, { plural, version, prefix }: Collection): ApiReply {
    if (this.absent.has(`${plural}.${version}`)) return failure(404, 'NotFound')
    const all = this.#under(prefix)
    const start = Number(query.get('continue') ?? 0)
    const end = start + Number(query.get('limit') ?? all.length)
    const more = end < all.length ? { continue: String(end) } : {}
    const metadataOnly = headers.accept?.includes('PartialObjectMetadataList') === true
    const items = all.slice(start, end).map((object) => {
      const { apiVersion: _version, kind: _kind, ...rest } = object
      return metadataOnly ? partial(object) : rest
    })
    return { status: 200, body: { metadata: { resourceVersion: this.version, ...more }, items } }
  }

  #under(prefix: string): readonly ApiObject[] {
    return [...this.#objects].filter(([path]) => isUnder(path, prefix)).map(([, object]) => object)
  }

  #create({ path, body }: ApiRequest): ApiReply {
    const object = body as ApiObject
    // Reviews are answered and not kept.
    if (object.metadata?.name === undefined) return { status: 201, body: object }
    if (this.#objects.has(`${path}/${object.metadata.name}`)) return failure(409, 'AlreadyExists')
    return { status: 201, body: this.put(object) }
  }

  #replace(before: ApiObject, body: ApiObject): ApiReply {
    const version = body.metadata['resourceVersion']
    if (version !== undefined && version !== before.metadata['resourceVersion']) return failure(409, 'Conflict')
    return { status: 200, body: this.put(body) }
  }

  #patch(path: string, before: ApiObject, { headers, body }: ApiRequest): ApiReply {
    const { metadata, status } = body as {
      metadata?: { [field: string]: unknown }
      status?: { [field: string]: unknown }
    }
    for (const field of ['resourceVersion', 'uid']) {
      if (metadata?.[field] !== undefined && metadata[field] !== before.metadata[field]) return failure(409, 'Conflict')
    }
    const old = (before['status'] ?? {}) as { [field: string]: unknown }
    const next =
      headers['content-type'] === 'application/apply-patch+yaml'
        ? { ...old, ...status, conditions: this.#appliedConditions(path, old, status ?? {}) }
        : { ...old, ...status }
    if (JSON.stringify(next) === JSON.stringify(old)) return { status: 200, body: before }
    return { status: 200, body: this.put({ ...before, status: next }) }
  }

  /** A list map by type: what the manager applied before and does not any more goes, what others have stays. */
  #appliedConditions(path: string, old: { [field: string]: unknown }, next: { [field: string]: unknown }): unknown {
    type Typed = { readonly type: string }
    const [former, applied] = [(old['conditions'] ?? []) as Typed[], (next['conditions'] ?? []) as Typed[]]
    const types = applied.map(({ type }) => type)
    const owned = [...(this.#applied.get(path) ?? []), ...types]
    this.#applied.set(path, types)
    return [...former.filter(({ type }) => !owned.includes(type)), ...applied]
  }

  #watch({ path, query, headers }: ApiRequest, response: ServerResponse): void {
    const collection = collectionOf(path)
    if (collection === undefined || this.absent.has(`${collection.plural}.${collection.version}`)) {
      send(response, failure(404, 'NotFound'))
      return
    }
    const from = Number(query.get('resourceVersion'))
    if (from < this.#oldest) {
      response.writeHead(200)
      response.end(`${JSON.stringify({ type: 'ERROR', object: failure(410, 'Expired').body })}\n`)
      return
    }
    const metadataOnly = headers.accept?.includes('PartialObjectMetadata') === true
    const watcher: Watcher = { prefix: collection.prefix, metadataOnly, response }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    this.#watchers.add(watcher)
    response.on('close', () => this.#watchers.delete(watcher))
    for (const event of this.#history) {
      if (event.version > from && isUnder(event.path, collection.prefix)) writeEvent(watcher, event.type, event.object)
    }
  }

  #tell(type: string, path: string, object: ApiObject): void {
    this.#history.push({ version: this.#version, type, path, object })
    for (const watcher of this.#watchers) if (isUnder(path, watcher.prefix)) writeEvent(watcher, type, object)
  }
}

/** A Status that says why not. */
export function failure(status: number, reason: string, message: string = reason): ApiReply {
  return { status, body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status, reason, message } }
}

function send(response: ServerResponse, { status, body, headers }: ApiReply): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body ?? {}))
}

function writeEvent({ metadataOnly, response }: Watcher, type: string, object: ApiObject): void {
  response.write(`${JSON.stringify({ type, object: metadataOnly ? partial(object) : object })}\n`)
}

function partial({ metadata }: ApiObject): ApiObject {
  return { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', metadata }
}

interface Collection {
  readonly plural: string
  readonly version: string
  readonly prefix: string
}

function collectionOf(path: string): Collection | undefined {
  const match = /^\/apis?\/(?:[^/]+\/)?(v[^/]+)(?:\/namespaces\/[^/]+)?\/([^/]+)$/.exec(path)
  if (match === null) return undefined
  return { version: match[1] as string, plural: match[2] as string, prefix: path }
}

/** Whether an object's path is one of a collection's, of one namespace or of all. */
function isUnder(path: string, prefix: string): boolean {
  const collection = path.slice(0, path.lastIndexOf('/'))
  return collection === prefix || collection.replace(/\/namespaces\/[^/]+(?=\/)/, '') === prefix
}

const PLURALS = new Map([
  ...WATCHED_KINDS.map(({ kind, plural }) => [kind, plural] as const),
  ['Lease', 'leases'],
  ['Event', 'events'],
])

function objectPath({ apiVersion, kind, metadata: { namespace, name } }: ApiObject): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const scope = namespace === undefined ? '' : `/namespaces/${namespace}`
  return `${root}${scope}/${PLURALS.get(kind)}/${name}`
}

/** An object of a followed kind, in the version that is served. */
export function apiObject(kind: string, name: string, fields: { readonly [field: string]: unknown } = {}): ApiObject {
  const row = WATCHED_KINDS.find((one) => one.kind === kind)
  if (row === undefined) throw new Error(`no kind ${kind}`)
  const { metadata = {}, ...rest } = fields as { metadata?: object }
  const namespace = row.namespaced ? { namespace: 'ns' } : {}
  return { apiVersion: apiVersionOf(row), kind, metadata: { name, ...namespace, ...metadata }, ...rest }
}
