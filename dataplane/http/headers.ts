/** Headers here are raw arrays: names and values in turn, as received; names compare without case. */

/**
 * Headers that belong to one connection and are never passed on (RFC 9110 7.6.1); `Expect` is among them because its
 * only value, `100-continue`, is answered by the server side.
 */
const HOP_BY_HOP = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
])

/** Names that `Connection` cannot make hop-by-hop: without them the message would be another one. */
const PROTECTED = new Set(['host', 'content-length', 'content-type', 'content-encoding', 'authorization', 'cookie'])

/** The value of the first header of that name, given in lower case. */
export function headerValue(raw: readonly string[], name: string): string | undefined {
  for (let i = 0; i < raw.length; i += 2) {
    const candidate = raw[i] as string
    if (candidate.length === name.length && candidate.toLowerCase() === name) return raw[i + 1]
  }
  return undefined
}

/** All values of a header, joined with a comma as RFC 9110 5.3 allows; undefined when it is absent. */
export function joinedHeader(raw: readonly string[], name: string): string | undefined {
  let joined: string | undefined
  for (let i = 0; i < raw.length; i += 2) {
    const candidate = raw[i] as string
    if (candidate.length !== name.length || candidate.toLowerCase() !== name) continue
    joined = joined === undefined ? raw[i + 1] : `${joined},${raw[i + 1]}`
  }
  return joined
}

/** The headers without those of the given names (in lower case); the same array when there are none. */
export function withoutHeaders(raw: readonly string[], names: ReadonlySet<string>): readonly string[] {
  let kept: string[] | undefined
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    if (names.has(name.toLowerCase())) kept ??= raw.slice(0, i)
    else kept?.push(name, raw[i + 1] as string)
  }
  return kept ?? raw
}

/**
 * What of a message's head may be passed on: all but the hop-by-hop headers and those that `Connection` names.
 * `TE: trailers` stays, since trailers do pass.
 */
export function forwardableHeaders(raw: readonly string[]): readonly string[] {
  let kept: string[] | undefined
  let named: Set<string> | undefined
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    const lower = name.toLowerCase()
    if (!HOP_BY_HOP.has(lower)) {
      kept?.push(name, raw[i + 1] as string)
      continue
    }
    kept ??= raw.slice(0, i)
    if (lower === 'connection') named = connectionOptions(raw[i + 1] as string, named)
    else if (lower === 'te' && /(^|,)\s*trailers\s*(,|;|$)/i.test(raw[i + 1] as string)) kept.push(name, 'trailers')
  }
  if (kept === undefined) return raw
  return named === undefined ? kept : withoutHeaders(kept, named)
}

function connectionOptions(value: string, known: Set<string> | undefined): Set<string> | undefined {
  let named = known
  for (const part of value.split(',')) {
    const option = part.trim().toLowerCase()
    if (option === '' || option === 'te' || HOP_BY_HOP.has(option) || PROTECTED.has(option)) continue
    if (option === 'close') continue
    named ??= new Set()
    named.add(option)
  }
  return named
}
