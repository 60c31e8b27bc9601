/**
 * What of a request is a secret by nature. Spans, log lines and expressions see the mark in its place; no setting
 * changes that, since whoever writes an expression is not always who may see the credential.
 */
const MARK = '<redacted>'

const SECRET_HEADERS = new Set([
  'authorization',
  'proxy-authorization',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
  'x-amz-security-token',
  'cookie',
  'set-cookie',
])
const SECRET_HEADER_LENGTHS = new Set([...SECRET_HEADERS].map((name) => name.length))

/** Raw headers (names and values in turn) with the values of those that carry credentials replaced. */
export function redactHeaders(rawHeaders: readonly string[]): readonly string[] {
  let redacted: string[] | undefined
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (!SECRET_HEADER_LENGTHS.has(name.length) || !SECRET_HEADERS.has(name.toLowerCase())) continue
    redacted ??= [...rawHeaders]
    redacted[i + 1] = MARK
  }
  return redacted ?? rawHeaders
}

/** Query parameters in which providers and clouds take keys and signatures (`?key=` is Gemini's). */
const SECRET_PARAMETERS =
  /([?&])(key|api[-_]?key|access[-_]?token|id[-_]?token|token|auth|authorization|client[-_]?secret|secret|password|sig|signature|x-amz-(?:signature|security-token|credential)|x-goog-signature|awsaccesskeyid)=[^&#]*/gi

/** A path with its query, where the values of parameters that carry credentials are replaced. */
export function redactTarget(target: string): string {
  return target.includes('?') ? target.replace(SECRET_PARAMETERS, `$1$2=${MARK}`) : target
}
