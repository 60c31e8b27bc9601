import { formatHostPort } from '../../runtime/address.ts'
import type { Exchange, SocketAddress } from '../exchange.ts'
import type { GatewayError } from '../fault.ts'

/** What several consumers work out of a sealed exchange, each in one place. */

/** The address as logs write it; IPv4 that came in on an IPv6 socket is written as IPv4. */
export function addressText(socket: SocketAddress): string {
  return formatHostPort(plainAddress(socket.address), socket.port)
}

/** An IP address without the `::ffff:` of an IPv6 socket that took an IPv4 connection. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address
}

/** Milliseconds from the head of the request to the last byte of the answer. */
export function durationMs(exchange: Exchange): number {
  return Math.max(0, (exchange.outcome?.endMs ?? exchange.startMs) - exchange.startMs)
}

/** Why the exchange failed: the gateway could not serve it, or the upstream cut an answer that had begun. */
export function failureOf(exchange: Exchange): GatewayError | undefined {
  const outcome = exchange.outcome
  return outcome?.error ?? (outcome?.cut === 'upstream' ? exchange.attempts.at(-1)?.error : undefined)
}

/**
 * What went wrong, for operators: the message, and for upstream errors what the network said. Nothing of a body: the
 * causes of other errors may hold what a client sent.
 */
export function errorText(error: GatewayError): string {
  const cause = error.code.startsWith('upstream_') ? causeText(error.cause) : ''
  return cause === '' || error.message.includes(cause) ? error.message : `${error.message}: ${cause}`
}

function causeText(cause: unknown): string {
  if (!(cause instanceof Error)) return ''
  return cause.message === '' ? ((cause as NodeJS.ErrnoException).code ?? '') : cause.message
}

/** The text of row `error` of log and span; undefined when all went well. */
export function failureText(exchange: Exchange): string | undefined {
  const failure = failureOf(exchange)
  if (failure !== undefined) return errorText(failure)
  if (exchange.outcome?.cut === 'upstream') return 'the upstream broke off its answer'
  return exchange.outcome?.cut === 'downstream' ? 'the client left before the answer was complete' : undefined
}

/** Streams: milliseconds from the head of the request to the first event that carried a choice. */
export function timeToFirstTokenMs(exchange: Exchange): number | undefined {
  const first = exchange.llm?.firstTokenMs
  return first === undefined || !exchange.llm?.streaming ? undefined : Math.max(0, first - exchange.startMs)
}

/**
 * Streams: milliseconds between output tokens, the time after the first token shared among the others
 * (`gen_ai.server.time_per_output_token` of the GenAI conventions).
 */
export function timePerOutputTokenMs(exchange: Exchange): number | undefined {
  const llm = exchange.llm
  if (!llm?.streaming || llm.firstTokenMs === undefined || exchange.outcome === undefined) return undefined
  const others = (llm.outputTokens ?? 0) - 1
  return others < 1 ? undefined : Math.max(0, exchange.outcome.endMs - llm.firstTokenMs) / others
}

/** Which HTTPRoute the exchange took, as `namespace/name`. */
export function routeName(exchange: Exchange): string | undefined {
  return exchange.route && `${exchange.route.namespace}/${exchange.route.name}`
}

/** The listener's port and Gateway: what took the connection. */
export function bindName(exchange: Exchange): string | undefined {
  return exchange.listener && `${exchange.listener.port}/${exchange.listener.gateway}`
}

/**
 * The path pattern of the match that took the request, for names that must not vary with every request: an exact path is
 * itself, the prefix `/p` is `/p/*`, a regular expression its source. Of several matches of a rule it is the most
 * specific one that fits, in Gateway API's order: exact, longest prefix, regular expression.
 */
export function routePattern(exchange: Exchange): string | undefined {
  const path = exchange.request.path
  let prefix: string | undefined
  let expression: string | undefined
  for (const { path: match } of exchange.route?.matches ?? []) {
    if (match.type === 'Exact') {
      if (match.value === path) return match.value
    } else if (match.type === 'RegularExpression') {
      expression ??= match.value
    } else if (isPrefix(match.value, path) && match.value.length > (prefix?.length ?? -1)) {
      prefix = match.value
    }
  }
  return prefix === undefined ? expression : `${withoutSlash(prefix)}/*`
}

function withoutSlash(prefix: string): string {
  return prefix.endsWith('/') ? prefix.slice(0, -1) : prefix
}

function isPrefix(prefix: string, path: string): boolean {
  const base = withoutSlash(prefix)
  return path.startsWith(base) && (path.length === base.length || path[base.length] === '/')
}
