import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** An upstream that does what the test says, and tells what became of its connections. */
export interface ScriptedUpstream {
  readonly port: number
  /** What is done with the next requests, once their body is read.. */
  script: (request: IncomingMessage, response: ServerResponse, body: Buffer) => void
  readonly requests: readonly {
    readonly path: string
    readonly headers: IncomingMessage['headers']
    /** Names and values in turn, as they came. */
    readonly rawHeaders: readonly string[]
    readonly body: Buffer
  }[]
  /** Requests whose client went away before the answer was whole. */
  readonly aborted: number
  waitForAborted(count: number): Promise<void>
  waitForRequests(count: number): Promise<void>
  openSockets(): number
  close(): Promise<void>
}

/** @param options records: false where so many or so large requests come that keeping them would fill the memory */
export async function startUpstream(
  script: ScriptedUpstream['script'],
  options: { readonly records: boolean } = { records: true },
): Promise<ScriptedUpstream> {
  const sockets = new Set<Socket>()
  const waiting = new Set<() => void>()
  const requests: ScriptedUpstream['requests'][number][] = []
  let aborted = 0
  const tell = (): void => {
    for (const check of waiting) check()
  }
  const until = (holds: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (!holds()) return
        waiting.delete(check)
        resolve()
      }
      waiting.add(check)
      check()
    })
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      const { url = '', headers, rawHeaders } = request
      if (options.records) requests.push({ path: url, headers, rawHeaders, body })
      tell()
      upstream.script(request, response, body)
    })
    response.on('close', () => {
      if (response.writableFinished) return
      aborted++
      tell()
    })
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const upstream: ScriptedUpstream = {
    port: (server.address() as { port: number }).port,
    script,
    requests,
    get aborted() {
      return aborted
    },
    waitForAborted: (count) => until(() => aborted >= count),
    waitForRequests: (count) => until(() => requests.length >= count),
    openSockets: () => sockets.size,
    close: () =>
      new Promise((done) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => done())
      }),
  }
  return upstream
}

/** A whole chat completion, as a provider sends it. */
export const COMPLETION = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_763_600_000,
  model: 'gpt-4o-mini-2024-07-18',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Scattering.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 },
})

/** Answers with {@link COMPLETION}. */
export function complete(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(COMPLETION) })
  response.end(COMPLETION)
}
