import type { ExporterConfig } from '../../../contract/telemetry-config.ts'
import type { Log } from '../../../runtime/log.ts'
import type { Span } from '../span.ts'
import { type CountsInProgress, type DropReason, droppedOf, type ExportCounts, noCounts } from './export-counts.ts'
import type { SenderSettings } from './sender.ts'
import type { DeliveryListener, SenderHandle, SenderThread } from './sender-thread.ts'
import { MAX_TIMER_MS } from './timer-limit.ts'
import { type ResourceAttribute, type SealedBatch, TraceBatch } from './trace-batch.ts'
import type { Delivered } from './worker-messages.ts'

/** Batches of one exporter that are with the sending thread at once. */
const MAX_IN_FLIGHT = 8

/** What exporters hold; those of one name share it, so that a change of the configuration does not raise the bound. */
export interface Held {
  exchanges: number
  bytes: number
}

export interface SpanExporterOptions {
  readonly config: Pick<ExporterConfig, 'name' | 'queue' | 'limits'>
  readonly resource: readonly ResourceAttribute[]
  readonly sender: SenderSettings
  readonly thread: SenderThread
  readonly held: Held
  readonly log: Log
}

/** Somebody who waits until these batches are settled. */
interface Waiter {
  readonly batches: Set<SealedBatch>
  readonly done: () => void
}

/**
 * Takes the spans of exchanges, batches them as bytes, and has them sent by the worker thread. Nobody waits for it:
 * what does not fit into its bounds is dropped and counted. All accounting is done here, on one thread, so that the
 * counts add up at every moment (see {@link ExportCounts}).
 */
export class SpanExporter {
  readonly name: string
  readonly #options: SpanExporterOptions
  readonly #handle: SenderHandle
  /** The open batch, and how much of it is counted as held. */
  readonly #open: TraceBatch
  #openBytes = 0
  /** Runs while the open batch has something in it. */
  #coalescing: NodeJS.Timeout | undefined
  readonly #queue: SealedBatch[] = []
  readonly #inFlight = new Map<number, SealedBatch>()
  readonly #waiters = new Set<Waiter>()
  readonly #counts: CountsInProgress = noCounts()
  #nextBatch = 1
  #closed: Promise<void> | undefined
  #encoderFailed = false

  constructor(options: SpanExporterOptions) {
    const { config, thread, sender, resource } = options
    this.name = config.name
    this.#options = options
    const retry = {
      initialDelayMs: config.queue.initialRetryDelay * 1000,
      maxDelayMs: config.queue.maxRetryDelay * 1000,
      maxTimeMs: config.queue.maxRetryTime * 1000,
    }
    this.#handle = thread.open(sender, retry, this.#listener())
    this.#open = new TraceBatch(config.limits, resource)
  }

  /** Takes the spans of one exchange; they are encoded before this returns. Never throws, never waits. */
  record(spans: readonly Span[]): void {
    if (spans.length === 0) return
    this.#counts.ended++
    this.#counts.spans.ended += spans.length
    const refusal = this.#take(spans)
    if (refusal === undefined) {
      this.#counts.queued++
      this.#options.held.exchanges++
    } else {
      this.#drop({ exchanges: 1, spans: spans.length }, refusal)
    }
    if (this.#open.spans >= this.#options.config.queue.maxBatchSize) this.#seal()
  }

  /** A copy of the counts as they are now. */
  counts(): ExportCounts {
    return structuredClone(this.#counts)
  }

  /** Sends what is there without waiting for more. Resolves when all that was recorded before is settled. */
  flush(): Promise<void> {
    this.#seal()
    const batches = new Set([...this.#queue, ...this.#inFlight.values()])
    if (batches.size === 0) return Promise.resolve()
    const letGo = this.#options.thread.hold()
    return new Promise((resolve) => {
      this.#waiters.add({
        batches,
        done: () => {
          letGo()
          resolve()
        },
      })
    })
  }

  /**
   * Takes no more exchanges, delivers what it has, and drops what is not delivered within `deadlineMs`. Called again, it
   * can only end sooner.
   */
  close(deadlineMs: number): Promise<void> {
    this.#closed ??= this.flush().then(() => this.#handle.close())
    const timer = setTimeout(() => this.#abandon(), Math.min(deadlineMs, MAX_TIMER_MS))
    return this.#closed.finally(() => clearTimeout(timer))
  }

  /** Puts the spans into the open batch, or says why not. */
  #take(spans: readonly Span[]): DropReason | undefined {
    const { config, held } = this.#options
    if (this.#closed !== undefined) return 'shutdown'
    if (held.exchanges >= config.queue.maxEntries) return 'queue_full'
    try {
      if (this.#open.spans + spans.length > config.queue.maxBatchSize) this.#seal()
      if (this.#fits(spans)) return undefined
      if (this.#open.exchanges > 0) {
        this.#seal()
        if (this.#fits(spans)) return undefined
      }
      return this.#roomBytes() < config.limits.batchBytes ? 'queue_full' : 'too_large'
    } catch (error) {
      if (!this.#encoderFailed) this.#options.log.error({ err: error, exporter: this.name }, 'cannot encode a span')
      this.#encoderFailed = true
      return 'encoder_failed'
    }
  }

  #fits(spans: readonly Span[]): boolean {
    const { config } = this.#options
    if (!this.#open.add(spans, Math.min(config.limits.batchBytes, this.#roomBytes()))) return false
    this.#hold(this.#open.byteLength - this.#openBytes)
    this.#openBytes = this.#open.byteLength
    if (this.#coalescing === undefined) {
      this.#coalescing = setTimeout(() => this.#seal(), Math.min(config.queue.maxCoalescingDelay * 1000, MAX_TIMER_MS))
      this.#coalescing.unref()
    }
    return true
  }

  /** How large the open batch may become before the queue is full. */
  #roomBytes(): number {
    const { config, held } = this.#options
    return config.limits.queueBytes - (held.bytes - this.#openBytes)
  }

  #hold(bytes: number): void {
    this.#options.held.bytes += bytes
    this.#counts.heldBytes += bytes
  }

  #seal(): void {
    if (this.#open.exchanges === 0) return
    clearTimeout(this.#coalescing)
    this.#coalescing = undefined
    const batch = this.#open.seal()
    this.#hold(batch.size - this.#openBytes)
    this.#openBytes = 0
    this.#queue.push(batch)
    this.#pump()
  }

  #pump(): void {
    while (this.#inFlight.size < MAX_IN_FLIGHT) {
      const batch = this.#queue.shift()
      if (batch === undefined) return
      const id = this.#nextBatch++
      this.#inFlight.set(id, batch)
      this.#counts.queued -= batch.exchanges
      this.#counts.inFlight += batch.exchanges
      this.#handle.deliver(id, batch.bytes)
    }
  }

  #listener(): DeliveryListener {
    const { log, sender } = this.#options
    const about = { exporter: this.name, endpoint: sender.endpoint.display }
    let droppedBefore = 0
    return {
      delivered: (id, result) => {
        const batch = this.#leaveFlight(id)
        if (batch === undefined) return
        this.#count(batch, result)
        this.#settled(batch)
        this.#pump()
      },
      failing: (cause) => {
        droppedBefore = droppedOf(this.#counts)
        log.warn({ ...about, cause }, 'traces cannot be delivered')
      },
      recovered: () => {
        log.info({ ...about, dropped: droppedOf(this.#counts) - droppedBefore }, 'traces are delivered again')
      },
      lost: () => {
        this.#dropInFlight('worker_failed')
        this.#pump()
      },
    }
  }

  #leaveFlight(id: number): SealedBatch | undefined {
    const batch = this.#inFlight.get(id)
    if (batch === undefined) return undefined
    this.#inFlight.delete(id)
    this.#counts.inFlight -= batch.exchanges
    return batch
  }

  #count(batch: SealedBatch, result: Delivered): void {
    if (result.kind === 'retry_exhausted') return this.#drop(batch, 'retry_exhausted')
    const rejected = result.kind === 'sent' ? 0 : result.kind === 'refused' ? batch.spans : result.rejectedSpans
    const refusedSpans = Math.min(rejected, batch.spans)
    const refused = Math.ceil((batch.exchanges * refusedSpans) / batch.spans)
    this.#counts.refused += refused
    this.#counts.sent += batch.exchanges - refused
    this.#counts.spans.refused += refusedSpans
    this.#counts.spans.sent += batch.spans - refusedSpans
  }

  #drop({ exchanges, spans }: { readonly exchanges: number; readonly spans: number }, reason: DropReason): void {
    this.#counts.dropped[reason] += exchanges
    this.#counts.spans.dropped += spans
  }

  /** The batch is counted; it is held no longer, and who waited for it may go on. */
  #settled(batch: SealedBatch): void {
    this.#options.held.exchanges -= batch.exchanges
    this.#hold(-batch.size)
    for (const waiter of this.#waiters) {
      waiter.batches.delete(batch)
      if (waiter.batches.size > 0) continue
      this.#waiters.delete(waiter)
      waiter.done()
    }
  }

  #dropInFlight(reason: DropReason): void {
    for (const id of [...this.#inFlight.keys()]) {
      const batch = this.#leaveFlight(id) as SealedBatch
      this.#drop(batch, reason)
      this.#settled(batch)
    }
  }

  #abandon(): void {
    this.#handle.close()
    this.#dropInFlight('shutdown')
    for (const batch of this.#queue.splice(0)) {
      this.#counts.queued -= batch.exchanges
      this.#drop(batch, 'shutdown')
      this.#settled(batch)
    }
  }
}
