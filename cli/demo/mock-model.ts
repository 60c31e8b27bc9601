import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { answerOf, type MockAnswer, streamedAnswer, wholeAnswer } from './mock-answer.ts'
import { type MockRefusal, type MockRequest, readMockRequest } from './mock-request.ts'

/** A request as the mock model got it. */
export interface RecordedRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface MockModel {
  readonly port: number
  /** The last requests, oldest first. */
  readonly requests: readonly RecordedRequest[]
  /** Cuts what is under way. */
  close(): Promise<void>
}

export interface MockModelOptions {
  /** 0 takes any free port. */
  readonly port: number
  readonly host: string
  /** PEM; without it the server speaks plaintext. */
  readonly tls?: { readonly certificate: string; readonly privateKey: string }
}

const MAX_RECORDED = 1000
const MAX_BODY_BYTES = 64 * 1024 * 1024
const MAX_DELAY_MS = 60_000

/**
 * A server that answers chat completions as providers do, on every path that ends in `/chat/completions`; paths with
 * `/v1beta/openai/` in them as Gemini's. What else it does is asked for by the request:
 *
 * - `x-mock-status: 429`, a path that begins with `/status/429/`, or a last message that says `fail with 429`: an error
 * - `x-mock-delay-ms`, `x-mock-chunk-delay-ms`: time before the answer, and before each event of a stream
 */
export async function startMockModel(options: MockModelOptions): Promise<MockModel> {
  const requests: RecordedRequest[] = []
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    serve(request, response, requests).catch((error: unknown) => {
      // A client that left is its own affair; there is nobody to tell.
      response.destroy(error instanceof Error ? error : undefined)
    })
  }
  const { tls } = options
  const server: Server =
    tls === undefined
      ? createServer(listener)
      : createTlsServer({ cert: tls.certificate, key: tls.privateKey }, listener)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function serve(request: IncomingMessage, response: ServerResponse, requests: RecordedRequest[]): Promise<void> {
  const body = await collect(request)
  const path = request.url ?? '/'
  if (body === undefined) return refuse(response, { ...TOO_LARGE })
  if (requests.length >= MAX_RECORDED) requests.shift()
  requests.push({ method: request.method ?? '', path, headers: request.headers, body })
  await pause(request.headers['x-mock-delay-ms'])
  if (!/\/chat\/completions$/.test(path.split('?', 1)[0] as string)) return refuse(response, unknownUrl(request))
  const wanted = readMockRequest(body)
  const status = askedStatus(request, wanted)
  if (status !== undefined) return refuse(response, ERRORS[status] ?? otherError(status))
  if (!('messages' in wanted)) return refuse(response, wanted)
  const answer = answerOf(wanted, path.includes('/v1beta/openai/') ? 'gemini' : 'openai')
  if (wanted.stream) return stream(response, answer, wanted, request.headers['x-mock-chunk-delay-ms'])
  response.writeHead(200, { 'content-type': 'application/json', 'x-request-id': `req_${answer.id.slice(-16)}` })
  response.end(wholeAnswer(answer))
}

async function stream(
  response: ServerResponse,
  answer: MockAnswer,
  wanted: MockRequest,
  chunkDelay: string | string[] | undefined,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  for (const event of streamedAnswer(answer, wanted.includeUsage)) {
    await pause(chunkDelay)
    if (response.destroyed) return
    response.write(event)
  }
  response.end()
}

/** undefined: the body is longer than anything that a model would read. */
async function collect(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length <= MAX_BODY_BYTES) chunks.push(chunk)
  }
  return length > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks).toString()
}

function pause(header: string | string[] | undefined): Promise<void> {
  const milliseconds = Math.min(Number(header ?? 0), MAX_DELAY_MS)
  return milliseconds > 0 ? delay(milliseconds) : Promise.resolve()
}

/** The error that the request asks for, 400 to 599. */
function askedStatus(request: IncomingMessage, wanted: MockRequest | MockRefusal): number | undefined {
  const spoken =
    'messages' in wanted ? /\bfail with (\d{3})\b/i.exec(wanted.messages.at(-1)?.text ?? '')?.[1] : undefined
  const inPath = /^\/status\/(\d{3})\//.exec(request.url ?? '')?.[1]
  const status = Number(request.headers['x-mock-status'] ?? inPath ?? spoken)
  return status >= 400 && status <= 599 ? status : undefined
}

const TOO_LARGE: MockRefusal = {
  status: 413,
  type: 'invalid_request_error',
  code: null,
  message: 'The request is too large.',
}

const ERRORS: { readonly [status: number]: MockRefusal } = {
  401: {
    status: 401,
    type: 'invalid_request_error',
    code: 'invalid_api_key',
    message: 'Incorrect API key provided.',
  },
  413: TOO_LARGE,
  429: {
    status: 429,
    type: 'requests',
    code: 'rate_limit_exceeded',
    message: 'Rate limit reached for requests. Please try again in 1s.',
  },
  503: {
    status: 503,
    type: 'server_error',
    code: null,
    message: 'The engine is currently overloaded, please try again later.',
  },
}

function otherError(status: number): MockRefusal {
  const ours = status >= 500
  return {
    status,
    type: ours ? 'server_error' : 'invalid_request_error',
    code: null,
    message: ours ? 'The server had an error while processing your request.' : 'The request is not valid.',
  }
}

function unknownUrl(request: IncomingMessage): MockRefusal {
  const message = `Unknown request URL: ${request.method} ${request.url}.`
  return { status: 404, type: 'invalid_request_error', code: 'unknown_url', message }
}

function refuse(response: ServerResponse, { status, type, code, message }: MockRefusal): void {
  const retry = status === 429 ? { 'retry-after': '1' } : {}
  response.writeHead(status, { 'content-type': 'application/json', ...retry })
  response.end(JSON.stringify({ error: { message, type, param: null, code } }, undefined, 2))
}
