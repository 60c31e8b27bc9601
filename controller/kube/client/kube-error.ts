/** Why there is no answer, or none that can be used; beside these, the reasons of meta/v1 Status. */
export type LocalReason = 'Unreachable' | 'TimedOut' | 'Silent' | 'Broken' | 'TooLarge' | 'Malformed'

interface KubeErrorFields {
  /** The HTTP status, or the code in an ERROR event of a watch; 0 when nobody answered. */
  readonly status: number
  /** `reason` of the Status object (`NotFound`, `Conflict`, `Expired` …), or one of {@link LocalReason}. */
  readonly reason: string
  readonly retryAfterMs?: number | undefined
  /** The connection had served before, and its end may have crossed the request: nobody need have read it. */
  readonly staleConnection?: boolean | undefined
}

/**
 * A call to the API server that failed. The message names method and path and repeats what the server's Status says;
 * headers are never part of it, so no token is.
 */
export class KubeError extends Error {
  readonly status: number
  readonly reason: string
  readonly retryAfterMs: number | undefined
  readonly staleConnection: boolean

  constructor(message: string, { status, reason, retryAfterMs, staleConnection = false }: KubeErrorFields) {
    super(message)
    this.name = 'KubeError'
    this.status = status
    this.reason = reason
    this.retryAfterMs = retryAfterMs
    this.staleConnection = staleConnection
  }
}

/** Whether something is a KubeError with this status. */
export function hasStatus(error: unknown, status: number): boolean {
  return error instanceof KubeError && error.status === status
}

/** Longer texts of a server are cut: they end up in logs. */
const MOST_MESSAGE_CHARS = 1024

/** The error that a meta/v1 Status tells of; a body that is none gives what the HTTP status alone says. */
export function errorFromStatus(what: string, status: number, body: unknown, retryAfterMs?: number): KubeError {
  const told = typeof body === 'object' && body !== null ? (body as { readonly [key: string]: unknown }) : {}
  const reason = typeof told['reason'] === 'string' && told['reason'] !== '' ? told['reason'] : `Status${status}`
  const message = typeof told['message'] === 'string' ? `: ${told['message'].slice(0, MOST_MESSAGE_CHARS)}` : ''
  return new KubeError(`${what}: ${status} ${reason}${message}`, { status, reason, retryAfterMs })
}
