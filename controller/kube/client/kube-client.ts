import type { IncomingMessage } from 'node:http'
import { pause } from '../../../runtime/backoff.ts'
import type { KubeObject } from '../../api/inventory.ts'
import { ApiConnection, type Call, callName, connectionError } from './api-connection.ts'
import type { ClusterAccess } from './cluster-access.ts'
import { errorFromStatus, KubeError } from './kube-error.ts'
import { readWatch, type WatchEvent, type WatchQuery } from './watch-stream.ts'

/** Who owns the fields that weir applies. */
export const FIELD_MANAGER = 'weir'

/** What a client allows; each has a default. */
export interface KubeClientOptions {
  readonly access: ClusterAccess
  /** For one call and its answer, the calls that a busy server puts off not counted; a watch has it for its head. */
  readonly timeoutMs?: number
  readonly maxResponseBytes?: number
  readonly maxLineBytes?: number
}

/** A page of a list; `continue` leads to the next one. */
export interface Page {
  readonly items: readonly unknown[]
  /** The version of the whole list: where a watch goes on. */
  readonly resourceVersion: string
  readonly continue: string | undefined
}

export interface ListQuery {
  readonly limit?: number
  readonly continue?: string | undefined
  readonly labelSelector?: string | undefined
  /** Items are PartialObjectMetadata: no spec, no data. */
  readonly metadataOnly?: boolean
}

interface CallOptions {
  readonly signal?: AbortSignal | undefined
}

const TIMEOUT_MS = 30_000
const MAX_RESPONSE_BYTES = 64 * 1024 * 1024
/** An object is at most 3 MB in the API server's limits; escapes may make its JSON longer. */
const MAX_LINE_BYTES = 16 * 1024 * 1024

/** How often a call is made again that a busy server puts off, and how long one wait may be. */
const MOST_RETRIES = 3
const MOST_RETRY_AFTER_MS = 10_000

const METADATA_ONLY = 'as=PartialObjectMetadata;v=v1;g=meta.k8s.io'
const METADATA_LIST = 'as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'

/**
 * The API server's verbs over keep-alive connections, by path (see {@link resourcePath}). Every call has a limit of
 * time and bytes; what fails throws a {@link KubeError}, or the reason of the caller's own abort. A server that says 429
 * is asked again after the time that it names; a refused credential is read anew once.
 */
export class KubeClient {
  readonly #connection: ApiConnection
  readonly #timeoutMs: number
  readonly #maxResponseBytes: number
  readonly #maxLineBytes: number

  constructor(options: KubeClientOptions) {
    this.#connection = new ApiConnection(options.access)
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS
    this.#maxResponseBytes = options.maxResponseBytes ?? MAX_RESPONSE_BYTES
    this.#maxLineBytes = options.maxLineBytes ?? MAX_LINE_BYTES
  }

  close(): void {
    this.#connection.close()
  }

  /** One object. */
  get<T = KubeObject>(path: string, { signal }: CallOptions = {}): Promise<T> {
    return this.#call<T>({ method: 'GET', path, signal })
  }

  /** One page of a collection. */
  async list(path: string, query: ListQuery = {}, { signal }: CallOptions = {}): Promise<Page> {
    const { metadataOnly = false, ...rest } = query
    const accept = metadataOnly ? `application/json;${METADATA_LIST}` : 'application/json'
    const call: Call = { method: 'GET', path, accept, query: rest, signal }
    const { items, metadata } = await this.#call<{
      readonly items?: readonly unknown[] | null
      readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string }
    }>(call)
    if (metadata?.resourceVersion === undefined) {
      throw new KubeError(`${callName(call)}: the list has no resourceVersion`, { status: 200, reason: 'Malformed' })
    }
    const next = metadata.continue === '' ? undefined : metadata.continue
    return { items: items ?? [], resourceVersion: metadata.resourceVersion, continue: next }
  }

  /**
   * Follows a collection from a version on. Resolves when the server ends the watch as agreed; rejects when it breaks,
   * is silent too long, says ERROR (410 with reason `Expired`: list again) or sends what cannot be read.
   */
  async watch(
    path: string,
    { resourceVersion, labelSelector, metadataOnly = false, timeoutSeconds, silenceMs }: WatchQuery,
    { onOpen, onEvent, signal }: WatchHandlers,
  ): Promise<void> {
    const call: Call = {
      method: 'GET',
      path,
      accept: metadataOnly ? `application/json;${METADATA_ONLY}` : 'application/json',
      query: { watch: true, allowWatchBookmarks: true, resourceVersion, labelSelector, timeoutSeconds },
      signal,
    }
    const response = await this.#retrying(call, (fresh) => this.#openWatch(call, fresh))
    onOpen?.()
    await readWatch(response, { call, silenceMs, maxLineBytes: this.#maxLineBytes, onEvent })
  }

  /**
   * Server-side apply, by force: what is applied wins. The path is the object's, or for its status that of `/status`;
   * with `metadata.resourceVersion` in the body, only of that version, else 409.
   */
  apply<T = KubeObject>(
    path: string,
    body: unknown,
    { signal, fieldManager = FIELD_MANAGER }: ApplyOptions = {},
  ): Promise<T> {
    return this.#call<T>({
      method: 'PATCH',
      path,
      contentType: 'application/apply-patch+yaml',
      query: { fieldManager, force: true },
      body,
      signal,
    })
  }

  /** JSON merge patch (RFC 7396); with `metadata.resourceVersion` in it, only of that version, else 409. */
  mergePatch<T = KubeObject>(path: string, body: unknown, { signal }: CallOptions = {}): Promise<T> {
    const query = { fieldManager: FIELD_MANAGER }
    return this.#call<T>({ method: 'PATCH', path, contentType: 'application/merge-patch+json', query, body, signal })
  }

  /** Replaces an object; with `metadata.resourceVersion` in it, only that version, else 409. */
  replace<T = KubeObject>(path: string, body: unknown, { signal }: CallOptions = {}): Promise<T> {
    return this.#call<T>({ method: 'PUT', path, query: { fieldManager: FIELD_MANAGER }, body, signal })
  }

  /** Creates an object in a collection, or posts to a subresource or a review (TokenReview, for instance). */
  create<T = KubeObject>(path: string, body: unknown, { signal }: CallOptions = {}): Promise<T> {
    return this.#call<T>({ method: 'POST', path, query: { fieldManager: FIELD_MANAGER }, body, signal })
  }

  /** Deletes an object, what it owns in the background; `uid` given: only the object that has it, else 409. */
  async delete(path: string, { uid, signal }: DeleteOptions = {}): Promise<void> {
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Background',
      ...(uid === undefined ? {} : { preconditions: { uid } }),
    }
    await this.#call({ method: 'DELETE', path, body, signal })
  }

  #call<T>(call: Call): Promise<T> {
    return this.#retrying(call, async (fresh) => {
      const deadline = AbortSignal.timeout(this.#timeoutMs)
      const response = await this.#connection.open(call, deadline, fresh)
      return (await this.#read(call, response, deadline)) as T
    })
  }

  async #openWatch(call: Call, fresh: boolean): Promise<IncomingMessage> {
    // Only the head has a deadline; the stream is under the eye of readWatch.
    const head = new AbortController()
    const timer = setTimeout(() => head.abort(), this.#timeoutMs)
    try {
      const response = await this.#connection.open(call, head.signal, fresh)
      if (response.statusCode !== 200) await this.#read(call, response, head.signal)
      return response
    } finally {
      clearTimeout(timer)
    }
  }

  async #retrying<T>(call: Call, attempt: (fresh: boolean) => Promise<T>): Promise<T> {
    let fresh = false
    for (let retries = 0; ; retries++) {
      try {
        return await attempt(fresh)
      } catch (error) {
        const waitMs = retries < MOST_RETRIES ? waitBeforeRetry(call, error, fresh) : undefined
        if (waitMs === undefined) throw error
        fresh ||= (error as KubeError).status === 401
        await pause(waitMs, call.signal)
        call.signal?.throwIfAborted()
      }
    }
  }

  /** The answer's body; throws what a status beyond 2xx tells. */
  async #read(call: Call, response: IncomingMessage, deadline: AbortSignal): Promise<unknown> {
    const text = await this.#text(call, response, deadline)
    const { statusCode = 0, headers } = response
    const body = parsed(text)
    if (statusCode < 200 || statusCode > 299) {
      throw errorFromStatus(callName(call), statusCode, body, retryAfterMs(headers['retry-after']))
    }
    if (typeof body !== 'object' || body === null) {
      throw new KubeError(`${callName(call)}: the answer is no JSON object`, {
        status: statusCode,
        reason: 'Malformed',
      })
    }
    return body
  }

  #text(call: Call, response: IncomingMessage, deadline: AbortSignal): Promise<string> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        chunks.push(chunk)
        if (bytes <= this.#maxResponseBytes) return
        const message = `${callName(call)}: the answer is longer than ${this.#maxResponseBytes} bytes`
        reject(new KubeError(message, { status: response.statusCode ?? 0, reason: 'TooLarge' }))
        response.destroy()
      })
      response.on('end', () => resolve(Buffer.concat(chunks, bytes).toString('utf8')))
      response.on('error', (error) => reject(connectionError(call, error, deadline, false)))
    })
  }
}

/** Who is told of a watch. */
export interface WatchHandlers {
  /** The server has taken the watch. */
  readonly onOpen?: () => void
  readonly onEvent: (event: WatchEvent) => void
  readonly signal?: AbortSignal
}

interface ApplyOptions extends CallOptions {
  /** Default: {@link FIELD_MANAGER}. What a manager leaves out of its next apply goes, so that each writer needs its own. */
  readonly fieldManager?: string
}

interface DeleteOptions extends CallOptions {
  readonly uid?: string
}

/** Milliseconds until a failed call may be made again by the client itself; undefined: it is the caller's affair. */
function waitBeforeRetry({ method }: Call, error: unknown, fresh: boolean): number | undefined {
  if (!(error instanceof KubeError)) return undefined
  const { status, retryAfterMs: told, staleConnection } = error
  if (status === 401 && !fresh) return 0
  // Nobody read the request, as far as one can tell; a second POST could still create a second object.
  if (staleConnection && method !== 'POST') return 0
  if (status === 429) return Math.min(told ?? 1000, MOST_RETRY_AFTER_MS)
  return undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** RFC 9110, 10.2.3, as seconds: the form that API servers send. */
function retryAfterMs(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : undefined
}
