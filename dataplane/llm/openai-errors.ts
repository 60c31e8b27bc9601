import type { ErrorDialect } from '../fault.ts'

/** An error object as OpenAI's API writes it. */
export function openAiError(status: number, message: string, code: string): string {
  return JSON.stringify({ error: { message, type: errorType(status), param: null, code } })
}

/** For clients of AI backends: errors as OpenAI's API writes them, which its SDKs turn into exceptions. */
export const OPENAI_ERRORS: ErrorDialect = {
  contentType: 'application/json',
  body: (error) => openAiError(error.status, error.message, error.code),
}

function errorType(status: number): string {
  if (status === 401 || status === 403) return 'authentication_error'
  if (status === 429) return 'rate_limit_error'
  return status < 500 ? 'invalid_request_error' : 'server_error'
}
