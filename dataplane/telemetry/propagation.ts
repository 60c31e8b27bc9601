/** The span that the caller was in, as it told us (W3C Trace Context Level 2). */
export interface CallerContext {
  readonly traceId: string
  readonly spanId: string
  /** The flags byte as it came. */
  readonly flags: number
  /** The combined tracestate when it is valid. */
  readonly traceState: string | undefined
}

/** Bit 0 of the flags: the caller may have recorded its span. */
export const SAMPLED = 0x01
/** Bit 1 of the flags: the trace id's right-hand bytes are random. */
export const RANDOM_TRACE_ID = 0x02

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/
const LENGTH_00 = 55
const ZERO_TRACE = '0'.repeat(32)
const ZERO_SPAN = '0'.repeat(16)

/**
 * Reads one traceparent (section 3.2). Version 00 has exactly four fields; of later versions the first four are read and
 * more may follow; ff, upper-case digits and ids of zeros are invalid.
 * @returns undefined when it is invalid: the caller counts as one that sent none
 */
export function parseTraceparent(text: string): Omit<CallerContext, 'traceState'> | undefined {
  const found = TRACEPARENT.exec(text)
  if (found === null) return undefined
  const [, version, traceId, spanId, flags] = found as unknown as [string, string, string, string, string]
  if (version === 'ff' || traceId === ZERO_TRACE || spanId === ZERO_SPAN) return undefined
  if (version === '00' && text.length !== LENGTH_00) return undefined
  return { traceId, spanId, flags: Number.parseInt(flags, 16) }
}

/** A traceparent of version 00, the one that we speak. */
export function formatTraceparent(traceId: string, spanId: string, flags: number): string {
  return `00-${traceId}-${spanId}-${flags < 16 ? '0' : ''}${flags.toString(16)}`
}

/** Reads the caller's context from raw headers. More than one traceparent is as good as none (section 3.2.1). */
export function callerContext(rawHeaders: readonly string[]): CallerContext | undefined {
  let traceparent: string | undefined
  let traceState: string | undefined
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    // Lengths first: most headers are told apart without lower-casing their names.
    if (name.length === 11 && name.toLowerCase() === 'traceparent') {
      if (traceparent !== undefined) return undefined
      traceparent = rawHeaders[i + 1] as string
    } else if (name.length === 10 && name.toLowerCase() === 'tracestate') {
      const value = rawHeaders[i + 1] as string
      traceState = traceState === undefined ? value : `${traceState},${value}`
    }
  }
  if (traceparent === undefined) return undefined
  const parsed = parseTraceparent(traceparent.trim())
  return parsed === undefined ? undefined : { ...parsed, traceState: validTraceState(traceState) }
}

const MAX_MEMBERS = 32
/** What section 3.3.1.5 asks to be passed on at least; more is cut by its rule. */
const MAX_STATE_LENGTH = 512
const LONG_MEMBER = 128

const STATE_KEY = /^(?:[a-z0-9][a-z0-9_\-*/@]{0,255})$/
const STATE_VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/

/**
 * The tracestate as it can be passed on: as it came when it is valid (section 3.3.1) and not too long. Of a longer one,
 * members over 128 characters go first, then those at the end.
 * @returns undefined when there is none, or when it breaks the grammar, has a key twice or more than 32 members
 */
export function validTraceState(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const members = text
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '')
  const keys = new Set<string>()
  for (const member of members) {
    const equals = member.indexOf('=')
    const key = member.slice(0, Math.max(equals, 0))
    if (!STATE_KEY.test(key) || !STATE_VALUE.test(member.slice(equals + 1)) || keys.has(key)) return undefined
    keys.add(key)
  }
  if (members.length === 0 || members.length > MAX_MEMBERS) return undefined
  return text.length <= MAX_STATE_LENGTH ? text.trim() : shortened(members)
}

function shortened(members: readonly string[]): string | undefined {
  const kept = [...members]
  const tooLong = (): boolean => kept.join(',').length > MAX_STATE_LENGTH
  for (let i = kept.length - 1; i >= 0 && tooLong(); i--) {
    if ((kept[i] as string).length > LONG_MEMBER) kept.splice(i, 1)
  }
  while (tooLong()) kept.pop()
  return kept.length === 0 ? undefined : kept.join(',')
}
