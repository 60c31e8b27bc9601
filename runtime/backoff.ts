/** How long to wait between tries: from `firstMs`, twice as long each time, up to `mostMs`. */
export interface BackoffTimes {
  readonly firstMs: number
  readonly mostMs: number
}

/**
 * Doubles from the first wait to the longest; half of it is random, so that many who failed together do not come back
 * together.
 * @param attempt how many tries have failed before, from 0
 */
export function backoffMs({ firstMs, mostMs }: BackoffTimes, attempt: number, random = Math.random): number {
  const full = Math.min(mostMs, firstMs * 2 ** Math.min(attempt, 30))
  return full * (0.5 + random() / 2)
}

/** The waits between the tries of something that must not be given up, each by {@link backoffMs}. */
export class Backoff {
  readonly #times: BackoffTimes
  #failures = 0

  constructor(times: BackoffTimes) {
    this.#times = times
  }

  /** Milliseconds to wait before the next try. */
  next(): number {
    return backoffMs(this.#times, this.#failures++)
  }

  /** It worked: the next wait is the shortest one again. */
  reset(): void {
    this.#failures = 0
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
