/** Longest text of a stranger that goes into a log line. */
const MAX_LENGTH = 200
/** Shorter parts of a header value are no secret, and words like `Basic` are wanted in messages. */
const MIN_SECRET_LENGTH = 8

/**
 * Makes a text that a receiver or a library wrote fit for a log line: without what the exporter's headers hold (a
 * receiver may repeat a key that it does not like), without control characters, and not too long.
 */
export function presentableCause(text: string, headers: readonly { readonly value: string }[]): string {
  let cause = text
  for (const { value } of headers)
    for (const part of [value, ...value.split(/\s+/)])
      if (part.length >= MIN_SECRET_LENGTH) cause = cause.replaceAll(part, '<redacted>')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what has to go
  cause = cause.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim()
  return cause.length > MAX_LENGTH ? `${cause.slice(0, MAX_LENGTH)}…` : cause
}

/** What an error says, with its code; errors of several addresses tried in turn say nothing themselves. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const own = error.message !== '' ? error.message : inner instanceof Error ? '' : error.name
  const texts = [own === '' || own.includes(code) ? own : `${code}: ${own}`]
  if (inner instanceof Error) texts.push(describeError(inner))
  return texts.filter((text) => text !== '').join(': ')
}
