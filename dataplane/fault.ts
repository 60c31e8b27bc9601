/**
 * The one way in which the data plane says that a request cannot be served. Codes are a closed set; the table gives
 * each its HTTP status and the `reason` under which it is counted. The message goes to the client; the cause goes to
 * log and span only.
 */
export type GatewayErrorCode = keyof typeof GATEWAY_ERRORS

export const GATEWAY_ERRORS = {
  /** The request is not HTTP, or not what the route's dialect asks for. */
  invalid_request: { status: 400, reason: 'InvalidRequest' },
  model_not_specified: { status: 400, reason: 'InvalidRequest' },
  route_not_found: { status: 404, reason: 'NotFound' },
  request_timeout: { status: 408, reason: 'Timeout' },
  request_too_large: { status: 413, reason: 'InvalidRequest' },
  misdirected_request: { status: 421, reason: 'NotFound' },
  headers_too_large: { status: 431, reason: 'InvalidRequest' },
  /** The route, its backend or its credential is wrong; the resource's status says how. */
  invalid_route: { status: 500, reason: 'Internal' },
  invalid_backend: { status: 500, reason: 'Internal' },
  credential_missing: { status: 500, reason: 'Internal' },
  internal: { status: 500, reason: 'Internal' },
  not_implemented: { status: 501, reason: 'Internal' },
  upstream_connect_failed: { status: 502, reason: 'UpstreamFailure' },
  upstream_tls_failed: { status: 502, reason: 'UpstreamFailure' },
  upstream_reset: { status: 502, reason: 'UpstreamFailure' },
  upstream_protocol_error: { status: 502, reason: 'UpstreamFailure' },
  no_healthy_backend: { status: 503, reason: 'NoHealthyBackend' },
  /** Too many request bodies are being collected, or the upstream's queue is full; comes with `Retry-After`. */
  overloaded: { status: 503, reason: 'NoHealthyBackend' },
  upstream_timeout: { status: 504, reason: 'Timeout' },
} as const

/** A request cannot be served. Thrown or handed on inside the data plane; answered once, at its edge. */
export class GatewayError extends Error {
  readonly code: GatewayErrorCode
  /** HTTP headers that belong to the answer, such as `retry-after`. */
  readonly headers: readonly string[]

  /** @param message what the client may read: names and reasons, never secrets or causes */
  constructor(code: GatewayErrorCode, message: string, options: { cause?: unknown; headers?: readonly string[] } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'GatewayError'
    this.code = code
    this.headers = options.headers ?? []
  }

  get status(): number {
    return GATEWAY_ERRORS[this.code].status
  }

  /** Anything that was thrown, as a GatewayError: what is not one already is a bug, `internal`. */
  static from(thrown: unknown): GatewayError {
    return thrown instanceof GatewayError ? thrown : new GatewayError('internal', 'internal error', { cause: thrown })
  }
}

/** How a client's dialect writes an error: the body and its media type. */
export interface ErrorDialect {
  readonly contentType: string
  body(error: GatewayError): string
}

/** For routes that are not a model's: the message and nothing else. */
export const TEXT_ERRORS: ErrorDialect = { contentType: 'text/plain; charset=utf-8', body: (error) => error.message }
