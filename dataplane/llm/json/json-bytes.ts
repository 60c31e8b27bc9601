/** JSON read from bytes, without making strings of what nobody will look at (RFC 8259). */

export const QUOTE = 0x22
export const BACKSLASH = 0x5c
export const COMMA = 0x2c
export const COLON = 0x3a
export const OPEN_BRACE = 0x7b
export const CLOSE_BRACE = 0x7d
export const OPEN_BRACKET = 0x5b
export const CLOSE_BRACKET = 0x5d

/** How far a string is read byte by byte before the native search, which costs as much as this many bytes, is used. */
const NEAR_BYTES = 48

/** RFC 8259 2: space, tab, line feed, carriage return. */
export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

/** The first offset from `from` on that is no white space; `to` when there is none. */
export function skipSpace(bytes: Buffer, from: number, to: number): number {
  let at = from
  while (at < to && isSpace(bytes[at])) at += 1
  return at
}

/**
 * Finds the quote that closes a string.
 * @param from an offset inside the string that no backslash before it escapes
 * @returns -1 when the string does not end before `to`
 */
export function endOfString(bytes: Buffer, from: number, to: number): number {
  let at = from
  while (at < to) {
    const near = Math.min(to, at + NEAR_BYTES)
    while (at < near) {
      const byte = bytes[at]
      if (byte === QUOTE) return at
      at += byte === BACKSLASH ? 2 : 1
    }
    if (at >= to) return -1
    const quote = bytes.indexOf(QUOTE, at)
    if (quote < 0 || quote >= to) return -1
    if (backslashesBefore(bytes, at, quote) % 2 === 0) return quote
    at = quote + 1
  }
  return -1
}

/** How many backslashes stand directly before `at`, none of them before `from`. */
export function backslashesBefore(bytes: Buffer, from: number, at: number): number {
  let first = at
  while (first > from && bytes[first - 1] === BACKSLASH) first -= 1
  return at - first
}

/**
 * The text of a string, from the bytes between its quotes.
 * @returns undefined when it holds an escape or a control character that JSON does not have
 */
export function stringText(bytes: Buffer, from: number, to: number): string | undefined {
  const raw = bytes.toString('utf8', from, to)
  if (!needsDecoding(raw)) return raw
  const value = parseJson(`"${raw}"`)
  return typeof value === 'string' ? value : undefined
}

function needsDecoding(raw: string): boolean {
  for (let at = 0; at < raw.length; at += 1) {
    const unit = raw.charCodeAt(at)
    if (unit === BACKSLASH || unit < 0x20) return true
  }
  return false
}

/** The value of a JSON text; undefined (which no JSON text means) when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
