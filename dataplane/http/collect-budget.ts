/** Told when the bytes that it waited for are its own, or that they did not become free in time. */
export interface BudgetWaiter {
  onGranted(): void
  onTimeout(): void
}

interface Waiting {
  readonly waiter: BudgetWaiter
  readonly bytes: number
  readonly arrival: number
  readonly timer: NodeJS.Timeout
}

/** Holders of no more than this may use the whole budget, all others only {@link LARGE_SHARE} of it. */
const SMALL_BYTES = 64 * 1024
/** What is left free of large bodies, so that they cannot lock out the small ones. */
const LARGE_SHARE = 7 / 8

/**
 * The bytes that all request bodies being collected in this process may hold together. Who finds it used up waits;
 * of those that wait, the request that came first is served first, so that under pressure some bodies become whole
 * instead of all staying halves.
 */
export class CollectBudget {
  readonly limitBytes: number
  readonly #waitMs: number
  readonly #waiting: Waiting[] = []
  #usedBytes = 0
  #arrivals = 0

  /** @param waitMs how long a body waits for room before its request is answered 503 */
  constructor(limitBytes: number, waitMs = 10_000) {
    this.limitBytes = limitBytes
    this.#waitMs = waitMs
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  /** How many bodies wait for room. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** A number that orders requests by when they began to collect. */
  nextArrival(): number {
    this.#arrivals += 1
    return this.#arrivals
  }

  /** The largest body that can ever be collected. */
  get largestBytes(): number {
    return Math.max(SMALL_BYTES, Math.floor(this.limitBytes * LARGE_SHARE))
  }

  /**
   * Takes bytes at once, if there is room and nobody waits for it.
   * @param held what the caller holds already
   */
  take(bytes: number, held: number): boolean {
    const small = held + bytes <= SMALL_BYTES
    if (!small && this.#waiting.length > 0) return false
    if (this.#usedBytes + bytes > (small ? this.limitBytes : this.limitBytes * LARGE_SHARE)) return false
    this.#usedBytes += bytes
    return true
  }

  /** Gets in line for bytes; exactly one of the waiter's methods is called later, unless {@link leave} comes first. */
  wait(waiter: BudgetWaiter, bytes: number, arrival: number): void {
    const timer = setTimeout(() => {
      this.leave(waiter)
      waiter.onTimeout()
    }, this.#waitMs)
    let at = this.#waiting.length
    while (at > 0 && (this.#waiting[at - 1]?.arrival ?? 0) > arrival) at -= 1
    this.#waiting.splice(at, 0, { waiter, bytes, arrival, timer })
  }

  /** Leaves the line; does nothing when the waiter does not stand in it. */
  leave(waiter: BudgetWaiter): void {
    const at = this.#waiting.findIndex((waiting) => waiting.waiter === waiter)
    if (at < 0) return
    clearTimeout(this.#waiting[at]?.timer)
    this.#waiting.splice(at, 1)
    if (at === 0) this.#serve()
  }

  /** Gives bytes back, and serves those that wait. */
  give(bytes: number): void {
    this.#usedBytes -= bytes
    this.#serve()
  }

  #serve(): void {
    for (;;) {
      const first = this.#waiting[0]
      if (first === undefined || this.#usedBytes + first.bytes > this.limitBytes * LARGE_SHARE) return
      this.#waiting.shift()
      clearTimeout(first.timer)
      this.#usedBytes += first.bytes
      first.waiter.onGranted()
    }
  }
}
