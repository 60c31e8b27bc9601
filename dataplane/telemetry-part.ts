import type { Attempt, Exchange, Recorder } from './exchange.ts'

/**
 * The recorder of one generation of the telemetry configuration, and what it holds (exporters) until the last exchange
 * that began with it is over: a stream that was opened before a change is recorded as the configuration then said.
 */
export class TelemetryPart implements Recorder {
  readonly digest: string
  readonly #recorder: Recorder
  readonly #release: () => void
  #open = 0
  #superseded = false
  #released = false

  constructor(digest: string, recorder: Recorder, release: () => void) {
    this.digest = digest
    this.#recorder = recorder
    this.#release = release
  }

  /** Exchanges that began with it and are not over. */
  get open(): number {
    return this.#open
  }

  begin(exchange: Exchange): void {
    this.#open++
    this.#recorder.begin(exchange)
  }

  contextHeaders(exchange: Exchange, attempt: Attempt): readonly string[] | undefined {
    return this.#recorder.contextHeaders(exchange, attempt)
  }

  end(exchange: Exchange): void {
    this.#recorder.end(exchange)
    this.#open--
    this.#releaseWhenIdle()
  }

  /** No new exchange will begin with it. */
  supersede(): void {
    this.#superseded = true
    this.#releaseWhenIdle()
  }

  #releaseWhenIdle(): void {
    if (!this.#superseded || this.#open > 0 || this.#released) return
    this.#released = true
    this.#release()
  }
}
