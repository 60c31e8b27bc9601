import { errors } from 'undici'
import { GatewayError } from '../fault.ts'

/**
 * What undici or a socket says went wrong with a request to `endpoint`, as a GatewayError; the connector's own
 * errors are GatewayErrors already.
 */
export function upstreamError(thrown: unknown, endpoint: string): GatewayError {
  if (thrown instanceof GatewayError) return thrown
  const options = { cause: thrown }
  if (thrown instanceof errors.HeadersTimeoutError || thrown instanceof errors.BodyTimeoutError) {
    return new GatewayError('upstream_timeout', `${endpoint} did not answer in time`, options)
  }
  if (
    thrown instanceof errors.HTTPParserError ||
    thrown instanceof errors.HeadersOverflowError ||
    thrown instanceof errors.ResponseContentLengthMismatchError ||
    (thrown instanceof errors.SocketError && thrown.message.startsWith('bad '))
  ) {
    return new GatewayError('upstream_protocol_error', `${endpoint} answered with what is not HTTP/1.1`, options)
  }
  if (thrown instanceof errors.InvalidArgumentError || thrown instanceof errors.RequestContentLengthMismatchError) {
    return new GatewayError('invalid_request', 'the request cannot be sent on', options)
  }
  const code = thrown instanceof Error ? ((thrown as NodeJS.ErrnoException).code ?? '') : ''
  if (/^ERR_(SSL|TLS)/.test(code)) {
    return new GatewayError('upstream_tls_failed', `TLS with ${endpoint} failed`, options)
  }
  if (thrown instanceof errors.SocketError || /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOTCONN)/.test(code)) {
    return new GatewayError('upstream_reset', `${endpoint} closed the connection before the answer was whole`, options)
  }
  return GatewayError.from(thrown)
}
