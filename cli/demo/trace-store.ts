import type { ReceivedSpan, ReceivedTrace } from './received-span.ts'

/** The last traces received, bounded in number and in spans of each. */
export interface TraceStore {
  /** Adds the spans of one export and tells the listeners which traces they belong to. */
  add(spans: readonly ReceivedSpan[]): void
  /** Oldest first. */
  traces(): readonly ReceivedTrace[]
  find(traceId: string): ReceivedTrace | undefined
  /** Calls `listener` with each trace that got spans, as it is then. @returns stops that */
  subscribe(listener: (trace: ReceivedTrace) => void): () => void
}

const MAX_SPANS_OF_A_TRACE = 1000

/** @param capacity how many traces are kept */
export function createTraceStore(capacity = 200): TraceStore {
  const kept = new Map<string, ReceivedSpan[]>()
  const listeners = new Set<(trace: ReceivedTrace) => void>()
  const find = (traceId: string): ReceivedTrace | undefined => {
    const spans = kept.get(traceId)
    return spans === undefined ? undefined : { traceId, spans: [...spans] }
  }
  return {
    add(spans) {
      const touched = new Set<string>()
      for (const span of spans) {
        const known = kept.get(span.traceId)
        if (known === undefined) kept.set(span.traceId, [span])
        else if (known.length < MAX_SPANS_OF_A_TRACE) known.push(span)
        touched.add(span.traceId)
      }
      for (const oldest of kept.keys()) {
        if (kept.size <= capacity) break
        kept.delete(oldest)
      }
      for (const traceId of touched) {
        const trace = find(traceId)
        if (trace !== undefined) for (const listener of listeners) listener(trace)
      }
    },
    traces: () => [...kept.keys()].map((traceId) => find(traceId) as ReceivedTrace),
    find,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** The traces as JSON can hold them: times as text of nanoseconds, attributes as a map. */
export function tracesAsJson(traces: readonly ReceivedTrace[]): unknown {
  return traces.map(({ traceId, spans }) => ({
    traceId,
    spans: spans.map(({ startNs, endNs, attributes, ...span }) => ({
      ...span,
      startNs: startNs.toString(),
      endNs: endNs.toString(),
      attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, value])),
    })),
  }))
}
