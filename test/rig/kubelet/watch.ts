import { Agent, request } from 'undici'
import type { ClusterAddress, Identity } from '../kubeconfig.ts'

const LINE_LIMIT = 4 * 1024 * 1024
const SERVER_TIMEOUT_SECONDS = 240

/** One line of a watch. */
export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: T
}

/** Opens watches, each on a connection of its own. */
export class WatchClient {
  readonly #url: string
  readonly #agent: Agent
  readonly #headers: Readonly<Record<string, string>>

  constructor({ url, authority }: ClusterAddress, identity: Identity) {
    const certificate = 'token' in identity ? {} : { cert: identity.certificate, key: identity.privateKey }
    this.#url = url
    this.#agent = new Agent({ bodyTimeout: 0, pipelining: 1, connect: { ca: authority, ...certificate } })
    this.#headers = 'token' in identity ? { authorization: `Bearer ${identity.token}` } : {}
  }

  /**
   * Follows a collection from a version on until the server ends the watch.
   * @throws when there is no watch, the version is gone (410 comes as an ERROR event), or the stream breaks
   */
  async follow<T>(path: string, resourceVersion: string, signal: AbortSignal, on: (event: WatchEvent<T>) => void) {
    const query = new URLSearchParams({
      watch: 'true',
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(SERVER_TIMEOUT_SECONDS),
      resourceVersion,
    })
    const { statusCode, body } = await request(`${this.#url}${path}?${query}`, {
      dispatcher: this.#agent,
      headers: this.#headers,
      signal,
    })
    if (statusCode !== 200) {
      await body.dump()
      throw new Error(`watch of ${path}: ${statusCode}`)
    }
    let rest = ''
    body.setEncoding('utf8')
    for await (const chunk of body as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() as string
      if (rest.length > LINE_LIMIT) throw new Error(`watch of ${path}: a line is longer than ${LINE_LIMIT} characters`)
      for (const line of lines) if (line !== '') on(JSON.parse(line) as WatchEvent<T>)
    }
  }

  /** Breaks every watch. */
  async close(): Promise<void> {
    await this.#agent.destroy()
  }
}
