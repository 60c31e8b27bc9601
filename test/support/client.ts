import { type Agent, request } from 'node:http'

/** An answer as a client saw it. */
export interface Answer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: Buffer
  /** The body's parts as they arrived. */
  readonly chunks: readonly Buffer[]
}

export interface AskOptions {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: string | Buffer
  /** Where the port is; this machine when not given. */
  readonly address?: string
  /** Keeps connections; without one the request has a connection of its own. */
  readonly agent?: Agent
  /** The client leaves when it is aborted. */
  readonly signal?: AbortSignal
  /** Called with each part of the body when it arrives. */
  readonly onChunk?: (chunk: Buffer, soFar: number) => void
}

/** Sends one request to a port, of this machine unless the options say where. Rejects when the answer is cut. */
export function ask(port: number, options: AskOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({
      host: options.address ?? '127.0.0.1',
      port,
      agent: options.agent ?? false,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      method: options.method ?? (options.body === undefined ? 'GET' : 'POST'),
      path: options.path,
      headers: {
        host: 'localhost',
        ...(options.body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(options.body) }),
        ...options.headers,
      },
    })
    sent.on('error', reject)
    sent.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        options.onChunk?.(chunk, chunks.length)
      })
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks), chunks }),
      )
    })
    sent.end(options.body)
  })
}

/** A chat request's body. */
export function chat(overrides: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ model: '', messages: [{ role: 'user', content: 'Why is the sky blue?' }], ...overrides })
}
