import type { TracingConfig } from '../contract/telemetry-config.ts'

/**
 * What of a pod's exporters one of its processes may hold: queues are limited per pod, so each worker has its part of
 * the bytes and entries. A batch stays as large as it was, unless the queue is smaller.
 */
export function exporterShare(tracing: TracingConfig | undefined, workers: number): TracingConfig | undefined {
  if (tracing === undefined || workers === 1) return tracing
  const part = (limit: number): number => Math.max(1, Math.floor(limit / workers))
  const exporters = tracing.exporters.map((exporter) => {
    const queueBytes = part(exporter.limits.queueBytes)
    const maxEntries = part(exporter.queue.maxEntries)
    return {
      ...exporter,
      limits: { ...exporter.limits, queueBytes, batchBytes: Math.min(exporter.limits.batchBytes, queueBytes) },
      queue: { ...exporter.queue, maxEntries, maxBatchSize: Math.min(exporter.queue.maxBatchSize, maxEntries) },
    }
  })
  return { ...tracing, exporters }
}
