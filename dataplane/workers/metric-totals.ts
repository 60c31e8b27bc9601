import { combineFamilies, type MetricFamily } from '../../runtime/metrics.ts'

/** Series of workers that are gone that are kept; clients choose some labels, and workers may come and go for ever. */
const MAX_PAST_SERIES = 20_000

/**
 * The metrics of several workers added up so that counters only grow: a worker that dies, or does not answer a scrape,
 * leaves the numbers of its last answer. Gauges are those of the workers that answered.
 */
export class MetricTotals<W> {
  readonly #last = new Map<W, readonly MetricFamily[]>()
  #past: readonly MetricFamily[] = []

  /** @param answers what each worker that runs has now; undefined for one that did not answer */
  total(answers: ReadonlyMap<W, readonly MetricFamily[] | undefined>): MetricFamily[] {
    const now = [...answers].map(([worker, families]) => {
      if (families === undefined) return countersOf(this.#last.get(worker) ?? [])
      this.#last.set(worker, families)
      return families
    })
    return combineFamilies([...now, this.#past])
  }

  /** The worker is gone; what it had counted at its last answer stays. */
  gone(worker: W): void {
    const last = this.#last.get(worker)
    this.#last.delete(worker)
    if (last !== undefined) this.#past = bounded(combineFamilies([this.#past, countersOf(last)]))
  }
}

function countersOf(families: readonly MetricFamily[]): MetricFamily[] {
  return families.filter(({ type }) => type !== 'gauge')
}

/** Each family's part of the series that are kept: the oldest, which have been exposed the longest. */
function bounded(families: readonly MetricFamily[]): readonly MetricFamily[] {
  const series = families.reduce((sum, { samples }) => sum + samples.length, 0)
  if (series <= MAX_PAST_SERIES) return families
  const share = MAX_PAST_SERIES / series
  return families.map((family) => ({
    ...family,
    samples: family.samples.slice(0, Math.ceil(family.samples.length * share)),
  }))
}
