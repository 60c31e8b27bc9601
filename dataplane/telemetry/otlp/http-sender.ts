import { isIP } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import { buildConnector, type Dispatcher, Pool } from 'undici'
import { formatHostPort } from '../../../runtime/address.ts'
import { connectTarget } from '../../../runtime/connect-to.ts'
import { describeError, presentableCause } from './cause.ts'
import { errorMessageOf, parseJsonResponse, parseProtobufResponse } from './export-response.ts'
import { traceRequestToJson } from './otlp-json.ts'
import { acceptedOr, MAX_ANSWER_BYTES, type Sender, type SenderSettings, type SendResult } from './sender.ts'

/** Statuses after which OTLP/HTTP lets the same request be sent again (OTLP specification, "Retryable Response Codes"). */
const RETRYABLE = new Set([429, 502, 503, 504])
/** Headers that say what the body and the connection are: weir's to set, whatever the exporter's headers have. */
const OWN_HEADERS = new Set(['content-type', 'content-length', 'transfer-encoding', 'connection', 'expect'])
/** Nothing else runs on these connections, so a few are enough. */
const CONNECTIONS = 8

interface Answer {
  readonly status: number
  readonly contentType: string
  readonly retryAfter: string | undefined
  readonly body: Buffer
}

/** Sends requests by OTLP/HTTP, as protobuf or, written anew, as JSON. */
export function createHttpSender(settings: SenderSettings): Sender {
  const { endpoint, timeouts } = settings
  const json = endpoint.protocol === 'http/json'
  const scheme = endpoint.tls ? 'https' : 'http'
  const pool = new Pool(`${scheme}://${formatHostPort(endpoint.host, endpoint.port)}`, {
    connections: CONNECTIONS,
    allowH2: false,
    connect: connectorOf(settings),
    // The abort signal bounds the whole exchange; the pool's own, coarser, timers are not wanted beside it.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const headers = requestHeaders(settings, json ? 'application/json' : 'application/x-protobuf')
  return {
    send: async (request) => {
      try {
        const body = json ? traceRequestToJson(request) : request
        const signal = AbortSignal.timeout(timeouts.connectMs + timeouts.sendMs)
        const response = await pool.request({ method: 'POST', path: endpoint.path, headers, body, signal })
        return judge(await readAnswer(response), settings)
      } catch (error) {
        return { kind: 'failed', cause: failureOf(error, settings), delayMs: undefined }
      }
    },
    close: () => {
      void pool.destroy()
    },
  }
}

function failureOf(error: unknown, { headers, timeouts }: SenderSettings): string {
  const timedOut = error instanceof Error && error.name === 'TimeoutError'
  if (timedOut) return `no answer within ${timeouts.connectMs + timeouts.sendMs} ms`
  return presentableCause(describeError(error), headers)
}

/** Connects where `--connect-to` says, and asks for a certificate of the endpoint's own name. */
function connectorOf({ endpoint, connectTo, timeouts }: SenderSettings): buildConnector.connector {
  const connect = buildConnector({
    timeout: timeouts.connectMs,
    allowH2: false,
    checkServerIdentity: (_host, certificate) => checkServerIdentity(endpoint.host, certificate),
  })
  return (options, connected) => {
    const { host, port } = connectTarget(connectTo, endpoint.host, endpoint.port)
    const target = { ...options, hostname: host, host, port: String(port) }
    connect(isIP(endpoint.host) === 0 ? { ...target, servername: endpoint.host } : target, connected)
  }
}

function requestHeaders({ headers, userAgent }: SenderSettings, contentType: string): string[] {
  const raw = ['content-type', contentType]
  if (!headers.some(({ name }) => name.toLowerCase() === 'user-agent')) raw.push('user-agent', userAgent)
  for (const { name, value } of headers) if (!OWN_HEADERS.has(name.toLowerCase())) raw.push(name, value)
  return raw
}

async function readAnswer({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<Answer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    chunks.push(chunk as Buffer)
    size += (chunk as Buffer).length
    // Leaving the loop ends the body, and with it the connection. What is this long is no answer, but may be an error page.
    if (size > MAX_ANSWER_BYTES) break
  }
  return {
    status: statusCode,
    contentType: String(headers['content-type'] ?? '').toLowerCase(),
    retryAfter: headers['retry-after']?.toString(),
    body: Buffer.concat(chunks),
  }
}

function judge(answer: Answer, settings: SenderSettings): SendResult {
  const { status, contentType, body } = answer
  if (status >= 200 && status < 300) {
    if (body.length === 0) return { kind: 'accepted' }
    const response = contentType.includes('json') ? parseJsonResponse(body.toString()) : protobufAnswer(answer)
    if (response === undefined) {
      const cause = `HTTP ${status} with an answer (${contentType || 'no type'}) that is not OTLP`
      return { kind: 'refused', cause: presentableCause(cause, settings.headers) }
    }
    return acceptedOr({ ...response, message: presentableCause(response.message, settings.headers) })
  }
  const message = presentableCause(errorMessageOf(contentType, body), settings.headers)
  const cause = message === '' ? `HTTP ${status}` : `HTTP ${status}: ${message}`
  if (RETRYABLE.has(status)) return { kind: 'failed', cause, delayMs: retryAfterMs(answer.retryAfter) }
  return { kind: 'refused', cause }
}

/** An answer without a type is taken for protobuf, as receivers that only say OK leave it out. */
function protobufAnswer({ contentType, body }: Answer): ReturnType<typeof parseProtobufResponse> {
  return contentType === '' || contentType.includes('protobuf') ? parseProtobufResponse(body) : undefined
}

/** Seconds or a date (RFC 9110 10.2.3). */
function retryAfterMs(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  if (/^\d+$/.test(value)) return Number(value) * 1000
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now())
}
