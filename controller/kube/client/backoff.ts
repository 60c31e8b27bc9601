/** How long to wait between tries: from `firstMs`, twice as long each time, up to `mostMs`. */
export interface BackoffTimes {
  readonly firstMs: number
  readonly mostMs: number
}

/**
 * The waits between the tries of something that must not be given up. Each is drawn between half of the present step
 * and all of it, so that many who failed together do not come back together.
 */
export class Backoff {
  readonly #times: BackoffTimes
  #stepMs: number

  constructor(times: BackoffTimes) {
    this.#times = times
    this.#stepMs = times.firstMs
  }

  /** Milliseconds to wait before the next try. */
  next(): number {
    const stepMs = this.#stepMs
    this.#stepMs = Math.min(stepMs * 2, this.#times.mostMs)
    return stepMs / 2 + (Math.random() * stepMs) / 2
  }

  /** It worked: the next wait is the shortest one again. */
  reset(): void {
    this.#stepMs = this.#times.firstMs
  }
}

/** Resolves after the time, or as soon as the signal aborts; it never rejects. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve()
      return
    }
    const done = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done)
  })
}
