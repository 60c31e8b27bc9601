import { Worker } from 'node:worker_threads'
import type { Log } from '../../../runtime/log.ts'
import type { RetrySettings, SenderSettings } from './sender.ts'
import type { Delivered, FromWorker, ToWorker } from './worker-messages.ts'

/** Who hears what becomes of an exporter's batches. */
export interface DeliveryListener {
  delivered(batch: number, result: Delivered): void
  failing(cause: string): void
  recovered(): void
  /** The thread died; nobody knows what became of the batches that it had. */
  lost(): void
}

/** An exporter's way into the worker thread. */
export interface SenderHandle {
  /** Hands over the bytes: their buffer is empty afterwards. */
  deliver(batch: number, bytes: Uint8Array<ArrayBuffer>): void
  /** Cuts what is on its way; the listener hears nothing any more. */
  close(): void
}

interface Opened {
  readonly listener: DeliveryListener
  readonly message: ToWorker
}

/**
 * The one worker thread of a process that sends for all exporters. It starts with the first batch, and starts again,
 * should it die, with the next. It does not keep the process alive unless {@link hold} says so.
 */
export class SenderThread {
  readonly #log: Log
  readonly #opened = new Map<number, Opened>()
  #worker: Worker | undefined
  #nextExporter = 1
  #holds = 0

  constructor(log: Log) {
    this.#log = log
  }

  open(sender: SenderSettings, retry: RetrySettings, listener: DeliveryListener): SenderHandle {
    const exporter = this.#nextExporter++
    const message: ToWorker = { kind: 'open', exporter, sender, retry }
    this.#opened.set(exporter, { listener, message })
    this.#worker?.postMessage(message)
    return {
      deliver: (batch, bytes) => {
        const deliver: ToWorker = { kind: 'deliver', exporter, batch, bytes }
        this.#running().postMessage(deliver, [bytes.buffer])
      },
      close: () => {
        const close: ToWorker = { kind: 'close', exporter }
        if (this.#opened.delete(exporter)) this.#worker?.postMessage(close)
      },
    }
  }

  /** While somebody waits for deliveries the thread keeps the process alive. Call what it returns when that is over. */
  hold(): () => void {
    this.#holds++
    this.#worker?.ref()
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#holds--
      if (this.#holds === 0) this.#worker?.unref()
    }
  }

  /** Ends the thread, whatever it is doing. */
  async terminate(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }

  #running(): Worker {
    if (this.#worker !== undefined) return this.#worker
    // Built, this module is JavaScript, and so is its neighbour.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const worker = new Worker(new URL(`./worker.${extension}`, import.meta.url), { name: 'otlp' })
    this.#worker = worker
    if (this.#holds === 0) worker.unref()
    worker.on('message', (message: FromWorker) => this.#heard(message))
    worker.on('error', (error) => this.#log.error({ err: error }, 'the thread that sends telemetry failed'))
    worker.on('exit', () => this.#died(worker))
    for (const { message } of this.#opened.values()) worker.postMessage(message)
    return worker
  }

  #heard(message: FromWorker): void {
    const listener = this.#opened.get(message.exporter)?.listener
    if (message.kind === 'delivered') listener?.delivered(message.batch, message.result)
    else if (message.kind === 'failing') listener?.failing(message.cause)
    else listener?.recovered()
  }

  #died(worker: Worker): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    for (const { listener } of this.#opened.values()) listener.lost()
  }
}
