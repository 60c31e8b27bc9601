import { epochMs } from '../../../runtime/clock.ts'
import type { Attempt, Exchange, TraceContext } from '../../exchange.ts'
import { Attributes } from '../attributes.ts'
import { errorText } from '../exchange-facts.ts'
import { type Span, SpanKind, StatusCode } from '../span.ts'

/**
 * The CLIENT span of one try at an upstream, child of the root, by the stable HTTP client conventions in either
 * profile. It says where the request went and what came of it, and nothing of its path or headers.
 *
 * @param index which try it was, from 0
 * @param isErrorStatus whether an answer of that status makes the span an error
 */
export function attemptSpan(
  exchange: Exchange,
  trace: TraceContext,
  index: number,
  isErrorStatus: (status: number) => boolean,
): Span {
  const attempt = exchange.attempts[index] as Attempt
  const { status, error } = attempt
  const isError = error !== undefined || (status !== undefined && isErrorStatus(status))
  return {
    traceId: trace.traceId,
    spanId: attempt.spanId,
    parentSpanId: trace.spanId,
    traceState: trace.traceState,
    flags: trace.flags,
    parentIsRemote: false,
    name: `${attempt.method} ${attempt.host}`,
    kind: SpanKind.client,
    startEpochMs: epochMs(attempt.startMs),
    endEpochMs: epochMs(attempt.endMs ?? exchange.outcome?.endMs ?? attempt.startMs),
    attributes: attributesOf(attempt, index, isError),
    status: isError ? StatusCode.error : StatusCode.unset,
    statusMessage: error === undefined ? '' : errorText(error),
    links: [],
  }
}

function attributesOf(attempt: Attempt, index: number, isError: boolean): Attributes {
  const { status, error } = attempt
  const to = new Attributes()
  to.set('http.request.method', 'string', attempt.method)
  to.set('server.address', 'string', attempt.host)
  to.set('server.port', 'int', attempt.port)
  if (index > 0) to.set('http.request.resend_count', 'int', index)
  if (status !== undefined) to.set('http.response.status_code', 'int', status)
  if (isError) to.set('error.type', 'string', error?.code ?? String(status))
  return to
}
