import type { RetrySettings, SenderSettings } from './sender.ts'

/** What the main thread says to the worker thread that sends. Exporters and batches are named by numbers. */
export type ToWorker =
  | { readonly kind: 'open'; readonly exporter: number; readonly sender: SenderSettings; readonly retry: RetrySettings }
  /** The buffer of `bytes` comes along (it is transferred, not copied). */
  | { readonly kind: 'deliver'; readonly exporter: number; readonly batch: number; readonly bytes: Uint8Array }
  /** Cuts what is on its way; nothing more is said about it. */
  | { readonly kind: 'close'; readonly exporter: number }

/** What became of a batch. */
export type Delivered =
  | { readonly kind: 'sent' }
  | { readonly kind: 'partial'; readonly rejectedSpans: number }
  | { readonly kind: 'refused' }
  | { readonly kind: 'retry_exhausted' }

/** What the worker thread says to the main thread. */
export type FromWorker =
  /** Exactly once for every batch of an exporter that is not closed. */
  | { readonly kind: 'delivered'; readonly exporter: number; readonly batch: number; readonly result: Delivered }
  /** The exporter's state as a person should hear of it, not every attempt. */
  | { readonly kind: 'failing'; readonly exporter: number; readonly cause: string }
  | { readonly kind: 'recovered'; readonly exporter: number }
