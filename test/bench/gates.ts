import type { Visit } from './measure.ts'

/** Everything that was measured, by load and target. */
export interface Measured {
  readonly loads: ReadonlyMap<string, ReadonlyMap<string, Visit>>
  /** KB of resident memory for one idle stream. */
  readonly idleStreamKb: number
  /** Microseconds of CPU for thirteen typical expressions. */
  readonly expressionsUs: number
  /** Spans that the counter received for requests that weir finished. */
  readonly spans: { readonly received: number; readonly requests: number }
  /** p50 at a fixed rate with the collector down, or never answering, over p50 with one that answers. */
  readonly collectorDown: number
  readonly collectorSlow: number
}

/** One line of the contract: a figure, what it may be at most, and what we aim at. */
export interface Gate {
  readonly name: string
  readonly value: number
  readonly most: number
  readonly aim?: number
}

/** Gates of `reference` figures; those that lack a yardstick on this machine are left out and named in `missing`. */
export function gatesOf(measured: Measured): { gates: readonly Gate[]; missing: readonly string[] } {
  const gates: Gate[] = []
  const missing: string[] = []
  const ratio = (load: string, yardstick: string, pick: (visit: Visit) => number): number | undefined => {
    const ours = measured.loads.get(load)?.get('weir')
    const theirs = measured.loads.get(load)?.get(yardstick)
    return ours === undefined || theirs === undefined ? undefined : pick(ours) / pick(theirs)
  }
  /** Latency that a proxy adds over asking the upstream directly, as a ratio of weir's to the yardstick's. */
  const added = (load: string, yardstick: string, pick: (visit: Visit) => number): number | undefined => {
    const direct = measured.loads.get(load)?.get('direct')
    return direct === undefined ? undefined : ratio(load, yardstick, (visit) => pick(visit) - pick(direct))
  }
  const gate = (name: string, value: number | undefined, most: number, aim?: number): void => {
    if (value === undefined) missing.push(name)
    else gates.push(aim === undefined ? { name, value, most } : { name, value, most, aim })
  }
  gate(
    'JSON 1 KB: CPU, x Envoy',
    ratio('json-1k', 'envoy', (v) => v.cpuUs),
    1.0,
    0.7,
  )
  gate(
    'JSON 1 KB: CPU, x bare',
    ratio('json-1k', 'bare', (v) => v.cpuUs),
    1.8,
    1.5,
  )
  gate(
    'JSON 1 KB at 1000/s: added p50, x Envoy',
    added('json-1k-1000', 'envoy', (v) => v.p50Us),
    1.0,
  )
  gate(
    'JSON 16 KB: CPU, x bare',
    ratio('json-16k', 'bare', (v) => v.cpuUs),
    1.5,
  )
  gate(
    'JSON 128 KB: CPU, x bare',
    ratio('json-128k', 'bare', (v) => v.cpuUs),
    1.5,
  )
  gate(
    'SSE: CPU per event, x Envoy',
    ratio('sse', 'envoy', (v) => v.cpuUs),
    1.25,
  )
  gate(
    'SSE: added event p50, x Envoy',
    added('sse', 'envoy', (v) => v.eventP50Us),
    1.0,
  )
  gate('idle stream, KB', measured.idleStreamKb, 64, 40)
  gate('13 expressions, us of CPU', measured.expressionsUs, 12)
  gate('spans missing at the sink', measured.spans.requests - measured.spans.received, 0)
  gate('collector down: p50, x answering', measured.collectorDown, 1.1)
  gate('collector never answers: p50, x answering', measured.collectorSlow, 1.1)
  return { gates, missing }
}
