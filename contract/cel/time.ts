import { Duration } from '@marcbachmann/cel-js/evaluator'

const NANOS_PER_SECOND = 1_000_000_000n

/** RFC 3339 text of a point in time, without a fraction of zero: `2026-01-01T00:00:00Z`. */
export function timestampText(date: Date): string {
  return date.toISOString().replace(/\.?0*Z$/, 'Z')
}

/** A span of time in seconds, with as many digits as it needs: `1.5s`. */
export function durationText(duration: Duration): string {
  const nanos = duration.seconds * NANOS_PER_SECOND + BigInt(duration.nanos)
  const absolute = nanos < 0n ? -nanos : nanos
  const fraction = (absolute % NANOS_PER_SECOND).toString().padStart(9, '0').replace(/0+$/, '')
  return `${nanos < 0n ? '-' : ''}${absolute / NANOS_PER_SECOND}${fraction && `.${fraction}`}s`
}

/** Reads what {@link durationText} writes; undefined when the text is something else. */
export function parseDurationText(text: string): Duration | undefined {
  const match = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/.exec(text)
  if (match === null) return undefined
  const [, minus, seconds = '', fraction = ''] = match
  const sign = minus === '-' ? -1 : 1
  return new Duration(BigInt(seconds) * BigInt(sign), Number(fraction.padEnd(9, '0')) * sign)
}
