/** A process that lived this long died of something new. */
const STEADY_MS = 30_000
const FIRST_MS = 100
const LONGEST_MS = 10_000

/** How long to wait before a process that died is started again: not at all, unless it died soon, and again soon. */
export class RestartBackoff {
  #soonDeaths = 0

  /** @param livedMs how long it lived */
  afterDeath(livedMs: number): number {
    if (livedMs >= STEADY_MS) {
      this.#soonDeaths = 0
      return 0
    }
    this.#soonDeaths++
    return Math.min(LONGEST_MS, FIRST_MS * 2 ** (this.#soonDeaths - 1))
  }
}
