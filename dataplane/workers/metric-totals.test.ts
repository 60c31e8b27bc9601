import { type MetricFamily, MetricRegistry, renderFamilies } from '../../runtime/metrics.ts'
import { MetricTotals } from './metric-totals.ts'

/** A worker's metrics after so many requests, of which some are in flight. */
function metricsOf(requests: number, inFlight: number): MetricFamily[] {
  const registry = new MetricRegistry()
  const table = registry.table('t', ['path'], 10)
  const row = table.row(['/a'])
  const counter = registry.counter('requests_total', 'Requests.').by(table)
  const histogram = registry.histogram('seconds', 'Times.', [1, 2]).by(table)
  for (let n = 0; n < requests; n++) {
    counter.add(row)
    histogram.observe(row, 1.5)
  }
  const read = () => [{ labels: [], value: inFlight }]
  registry.observed({ name: 'in_flight', help: 'Now.', type: 'gauge', labels: [], read })
  return registry.collect()
}

const samples = (families: readonly MetricFamily[]): Record<string, number> =>
  Object.fromEntries(families.flatMap((family) => family.samples))

describe('MetricTotals', () => {
  it('adds up counters, histograms and gauges', () => {
    const totals = new MetricTotals<string>()
    const total = totals.total(
      new Map([
        ['a', metricsOf(3, 1)],
        ['b', metricsOf(4, 2)],
      ]),
    )
    expect(samples(total)).toMatchObject({
      'requests_total{path="/a"}': 7,
      'seconds_bucket{path="/a",le="1"}': 0,
      'seconds_bucket{path="/a",le="2"}': 7,
      'seconds_bucket{path="/a",le="+Inf"}': 7,
      'seconds_sum{path="/a"}': 10.5,
      'seconds_count{path="/a"}': 7,
      in_flight: 3,
    })
    expect(renderFamilies(total).match(/^# TYPE requests_total counter$/gm)).toHaveLength(1)
  })

  it('keeps the counts of a worker that is gone, and lets its gauges go', () => {
    const totals = new MetricTotals<string>()
    totals.total(
      new Map([
        ['a', metricsOf(3, 1)],
        ['b', metricsOf(4, 2)],
      ]),
    )
    totals.gone('a')
    const total = samples(
      totals.total(
        new Map([
          ['b', metricsOf(5, 2)],
          ['c', metricsOf(1, 0)],
        ]),
      ),
    )
    expect(total).toMatchObject({ 'requests_total{path="/a"}': 9, 'seconds_count{path="/a"}': 9, in_flight: 2 })
  })

  it('lets the last counts of a worker stand in that does not answer', () => {
    const totals = new MetricTotals<string>()
    totals.total(new Map([['a', metricsOf(3, 1)]]))
    const silent = totals.total(new Map([['a', undefined]]))
    expect(samples(silent)).toMatchObject({ 'requests_total{path="/a"}': 3 })
    expect(samples(silent)).not.toHaveProperty('in_flight')
    expect(samples(totals.total(new Map([['a', metricsOf(4, 1)]])))).toMatchObject({ 'requests_total{path="/a"}': 4 })
    expect(totals.total(new Map([['never answered', undefined]]))).toEqual([])
  })
})
