/** Why an exchange's spans were never delivered. */
export const DROP_REASONS = [
  /** The queue is full, in exchanges or in bytes: the receiver is too slow, or away. */
  'queue_full',
  /** The exchange alone is larger than a request may be. */
  'too_large',
  /** The receiver could not be reached for as long as weir tries. */
  'retry_exhausted',
  /** Still undelivered when the exporter had to close. */
  'shutdown',
  /** The thread that sends died; the receiver may have got them. */
  'worker_failed',
  /** A bug: the spans could not be encoded. */
  'encoder_failed',
] as const

export type DropReason = (typeof DROP_REASONS)[number]

/**
 * What became of the exchanges that an exporter was given. At every moment
 * `ended = queued + inFlight + spooled + sent + refused + all of dropped`.
 */
export interface ExportCounts {
  readonly ended: number
  /** Waiting to be sent. */
  readonly queued: number
  /** With the sending thread: on their way, or waiting to be tried again. */
  readonly inFlight: number
  /** On disk; always 0 until there is a spool. */
  readonly spooled: number
  readonly sent: number
  /** The receiver said no. Of a partial success, the part that the rejected spans are of the spans, rounded up. */
  readonly refused: number
  readonly dropped: { readonly [reason in DropReason]: number }
  /** The same by spans, where a receiver's own count of rejected spans is exact. */
  readonly spans: {
    readonly ended: number
    readonly sent: number
    readonly refused: number
    readonly dropped: number
  }
  /** What queued and in-flight requests take. */
  readonly heldBytes: number
}

type Mutable<T> = { -readonly [key in keyof T]: T[key] extends number ? number : Mutable<T[key]> }

/** Counts that can be counted up. */
export type CountsInProgress = Mutable<ExportCounts>

export function noCounts(): CountsInProgress {
  return {
    ended: 0,
    queued: 0,
    inFlight: 0,
    spooled: 0,
    sent: 0,
    refused: 0,
    dropped: Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as { [reason in DropReason]: number },
    spans: { ended: 0, sent: 0, refused: 0, dropped: 0 },
    heldBytes: 0,
  }
}

/** Adds `more` to `total`. */
export function addCounts(total: CountsInProgress, more: ExportCounts): void {
  for (const key of ['ended', 'queued', 'inFlight', 'spooled', 'sent', 'refused', 'heldBytes'] as const)
    total[key] += more[key]
  for (const reason of DROP_REASONS) total.dropped[reason] += more.dropped[reason]
  for (const key of ['ended', 'sent', 'refused', 'dropped'] as const) total.spans[key] += more.spans[key]
}

/** All that was dropped, whatever the reason. */
export function droppedOf(counts: ExportCounts): number {
  return DROP_REASONS.reduce((sum, reason) => sum + counts.dropped[reason], 0)
}
