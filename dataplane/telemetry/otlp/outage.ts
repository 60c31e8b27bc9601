/** After an outage was reported, the next one is not reported for this long, or a flapping receiver fills the log. */
const QUIET_MS = 60_000

/** Decides which of an exporter's failures and successes a person should hear of: the first one of each kind. */
export class Outage {
  readonly #report: (cause: string | undefined) => void
  #reported = false
  #lastReportMs = Number.NEGATIVE_INFINITY

  /** @param report gets the cause when an outage begins, nothing when it is over */
  constructor(report: (cause: string | undefined) => void) {
    this.#report = report
  }

  /** Something was not delivered as it should be. */
  failed(cause: string, nowMs: number): void {
    if (this.#reported || nowMs - this.#lastReportMs < QUIET_MS) return
    this.#reported = true
    this.#lastReportMs = nowMs
    this.#report(cause)
  }

  /** Something was delivered whole. */
  succeeded(): void {
    if (!this.#reported) return
    this.#reported = false
    this.#report(undefined)
  }
}
