import type { Exchange } from '../../exchange.ts'
import type { AttributeKind, Attributes, AttributeValue } from '../attributes.ts'
import { addressText, durationMs, failureText, routeName } from '../exchange-facts.ts'
import { redactTarget } from '../redaction.ts'

/** Where rows go: the two differ in the type of `retry.attempt`. */
export type RowTarget = 'span' | 'log'

/** Writes one built-in unless the user took it out. */
export function put(
  to: Attributes,
  hidden: ReadonlySet<string>,
  key: string,
  kind: AttributeKind,
  value: AttributeValue | undefined,
): void {
  if (value !== undefined && !hidden.has(key)) to.set(key, kind, value)
}

/**
 * The documented rows of access log and span, in the documented order (agentgateway v0.9.0). A row without a value is
 * left out. Rows of parts that weir has not built (`grpc.status`, `jwt.sub`, `a2a.method`, `mcp.target`, `mcp.tool`,
 * `inferencepool.selected_endpoint`) come with those parts.
 *
 * @param gateway stands for the listener's Gateway where no listener took the request
 * @param hidden names of rows that the user removed, or writes in another way
 */
export function writeRows(
  to: Attributes,
  exchange: Exchange,
  gateway: string,
  hidden: ReadonlySet<string>,
  target: RowTarget,
): void {
  const { request, listener, route, trace, llm, attempts } = exchange
  put(to, hidden, 'gateway', 'string', listener?.gateway ?? gateway)
  put(to, hidden, 'listener', 'string', listener?.name)
  put(to, hidden, 'route_rule', 'string', route?.rule)
  put(to, hidden, 'route', 'string', routeName(exchange))
  put(to, hidden, 'endpoint', 'string', attempts.at(-1)?.endpoint)
  put(to, hidden, 'src.addr', 'string', addressText(request.peer))
  put(to, hidden, 'http.method', 'string', request.method)
  put(to, hidden, 'http.host', 'string', request.host === '' ? undefined : request.host)
  put(to, hidden, 'http.path', 'string', redactTarget(request.target))
  put(to, hidden, 'http.version', 'string', `HTTP/${request.httpVersion}`)
  put(to, hidden, 'http.status', 'int', exchange.response?.status)
  put(to, hidden, 'trace.id', 'string', trace?.traceId)
  put(to, hidden, 'span.id', 'string', trace?.spanId)
  if (llm !== undefined) {
    put(to, hidden, 'llm.provider', 'string', llm.provider)
    put(to, hidden, 'llm.request.model', 'string', llm.requestModel)
    put(to, hidden, 'llm.request.tokens', 'int', llm.inputTokens)
    put(to, hidden, 'llm.response.model', 'string', llm.responseModel)
    put(to, hidden, 'llm.response.tokens', 'int', llm.outputTokens)
  }
  const retries = attempts.length - 1
  if (retries > 0) {
    if (target === 'span') put(to, hidden, 'retry.attempt', 'string', String(retries))
    else put(to, hidden, 'retry.attempt', 'int', retries)
  }
  put(to, hidden, 'error', 'string', failureText(exchange))
  put(to, hidden, 'duration', 'string', `${Math.floor(durationMs(exchange))}ms`)
}
