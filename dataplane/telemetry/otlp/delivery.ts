import { backoffMs } from '../../../runtime/backoff.ts'
import { nowMs } from '../../../runtime/clock.ts'
import type { Outage } from './outage.ts'
import type { RetrySettings, Sender } from './sender.ts'
import { MAX_TIMER_MS } from './timer-limit.ts'
import type { Delivered } from './worker-messages.ts'

/** Delivers the batches of one exporter, each with its own retries. */
export class Delivery {
  readonly #sender: Sender
  readonly #retry: RetrySettings
  readonly #outage: Outage
  /** Ends the waits that our own backoff, not the receiver, asked for. */
  readonly #waiting = new Set<() => void>()
  #closed = false

  constructor(sender: Sender, retry: RetrySettings, outage: Outage) {
    this.#sender = sender
    this.#retry = retry
    this.#outage = outage
  }

  /** Tries until the request is taken, refused, or too old. */
  async deliver(request: Uint8Array): Promise<Delivered> {
    const { initialDelayMs, maxDelayMs } = this.#retry
    const firstMs = nowMs()
    for (let attempt = 0; ; attempt++) {
      const result = await this.#sender.send(request)
      if (result.kind === 'accepted') {
        this.#succeeded()
        return { kind: 'sent' }
      }
      this.#outage.failed(result.cause, nowMs())
      if (result.kind === 'partial') return { kind: 'partial', rejectedSpans: result.rejectedSpans }
      if (result.kind === 'refused') return { kind: 'refused' }
      const delayMs = result.delayMs ?? backoffMs({ firstMs: initialDelayMs, mostMs: maxDelayMs }, attempt)
      if (this.#closed || nowMs() - firstMs + delayMs > this.#retry.maxTimeMs) return { kind: 'retry_exhausted' }
      await this.#wait(delayMs, result.delayMs === undefined)
    }
  }

  close(): void {
    this.#closed = true
    this.#sender.close()
    this.#endWaits()
  }

  /** The receiver is back: what waits need not wait until its own delay, grown long by now, is over. */
  #succeeded(): void {
    this.#outage.succeeded()
    this.#endWaits()
  }

  #endWaits(): void {
    for (const end of this.#waiting) end()
  }

  #wait(delayMs: number, endsEarly: boolean): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(end)
        resolve()
      }
      const timer = setTimeout(end, Math.min(delayMs, MAX_TIMER_MS))
      if (endsEarly) this.#waiting.add(end)
    })
  }
}
