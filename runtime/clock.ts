/**
 * Time for spans and durations. `nowMs` is monotonic with microsecond precision; `epochMs` says which wall-clock time
 * a reading of it was. The offset is read anew once a minute, so that a long-lived process follows the wall clock
 * while two readings of one request never run backwards.
 */
const REANCHOR_MS = 60_000

let offset = Date.now() - performance.now()
let anchoredAt = performance.now()

/** Milliseconds on a monotonic clock. */
export function nowMs(): number {
  return performance.now()
}

/** The wall-clock time, in milliseconds since 1970, of a reading of {@link nowMs}. */
export function epochMs(reading: number): number {
  const now = performance.now()
  if (now - anchoredAt > REANCHOR_MS) {
    offset = Date.now() - now
    anchoredAt = now
  }
  return reading + offset
}
