import type { Exchange } from '../../exchange.ts'
import type { Attributes } from '../attributes.ts'
import { errorText, failureOf, plainAddress, routePattern } from '../exchange-facts.ts'
import { redactTarget } from '../redaction.ts'
import { StatusCode } from '../span.ts'
import { put } from './documented-rows.ts'
import { writeGenAi } from './gen-ai.ts'
import type { RootSettings, RootShape, SpanStatus } from './root-shape.ts'

/**
 * Profile `semconv`: the stable HTTP server conventions of OpenTelemetry (1.23 and later), then the `gen_ai.*`
 * conventions 1.41 on the same span (layout wide).
 */
export const semconvView: RootShape = {
  name(exchange) {
    const method = knownMethod(exchange.request.method) ?? 'HTTP'
    const route = routePattern(exchange)
    return route === undefined ? method : `${method} ${route}`
  },

  write(to: Attributes, exchange: Exchange, settings: RootSettings): void {
    writeHttp(to, exchange, settings.hidden)
    if (settings.genAi) writeGenAi(to, exchange, settings.hidden, settings.style)
  },

  /** A server span is an error on 5xx and where the gateway or the upstream broke off; 4xx is the client's error. */
  status(exchange: Exchange): SpanStatus {
    if (errorType(exchange) === undefined) return { code: StatusCode.unset, message: '' }
    const failure = failureOf(exchange)
    return { code: StatusCode.error, message: failure === undefined ? '' : errorText(failure) }
  },

  isAttemptError: (status) => status >= 400,
}

function writeHttp(to: Attributes, exchange: Exchange, hidden: ReadonlySet<string>): void {
  const { request, response, listener } = exchange
  const method = knownMethod(request.method)
  put(to, hidden, 'http.request.method', 'string', method ?? '_OTHER')
  put(to, hidden, 'http.request.method_original', 'string', method === undefined ? request.method : undefined)
  put(to, hidden, 'url.path', 'string', request.path)
  put(to, hidden, 'url.query', 'string', queryOf(request.target))
  put(to, hidden, 'url.scheme', 'string', request.scheme)
  put(to, hidden, 'server.address', 'string', request.host === '' ? undefined : request.host)
  const port = request.host === '' ? undefined : authorityPort(request.authority)
  put(to, hidden, 'server.port', 'int', port ?? listener?.port ?? request.local.port)
  put(to, hidden, 'http.route', 'string', routePattern(exchange))
  put(to, hidden, 'http.response.status_code', 'int', response?.status)
  put(to, hidden, 'network.protocol.version', 'string', request.httpVersion)
  put(to, hidden, 'client.address', 'string', plainAddress(request.peer.address))
  put(to, hidden, 'user_agent.original', 'string', header(request.rawHeaders, 'user-agent'))
  put(to, hidden, 'error.type', 'string', errorType(exchange))
}

/** What made the exchange an error: weir's code for it, or the status; undefined when it is none. */
function errorType(exchange: Exchange): string | undefined {
  const failure = failureOf(exchange)
  const status = exchange.response?.status
  if (failure !== undefined && failure.status >= 500) return failure.code
  if (exchange.outcome?.cut === 'upstream') return failure?.code ?? 'upstream_reset'
  return status !== undefined && status >= 500 ? String(status) : undefined
}

/** Methods that the conventions know: RFC 9110, RFC 5789 and QUERY. */
const METHODS = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'QUERY', 'TRACE'])

function knownMethod(method: string): string | undefined {
  return METHODS.has(method) ? method : undefined
}

/** The query without its question mark. */
function queryOf(target: string): string | undefined {
  const at = target.indexOf('?')
  return at < 0 ? undefined : redactTarget(target).slice(at + 1)
}

function authorityPort(authority: string): number | undefined {
  const digits = /:(\d{1,5})$/.exec(authority)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

function header(rawHeaders: readonly string[], name: string): string | undefined {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const candidate = rawHeaders[i] as string
    if (candidate.length === name.length && candidate.toLowerCase() === name) return rawHeaders[i + 1]
  }
  return undefined
}
