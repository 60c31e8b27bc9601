import { MetricRegistry } from './metrics.ts'

describe('MetricRegistry', () => {
  it('renders counters, histograms and observed numbers in the text format', () => {
    const registry = new MetricRegistry()
    const table = registry.table('t', ['a', 'b'], 10)
    const requests = registry.counter('requests_total', 'All of\nthem, with a \\.').by(table)
    const seconds = registry.histogram('seconds', 'How long.', [0.1, 1, 10]).by(table)
    registry.observed({
      name: 'temperature',
      help: 'Now.',
      type: 'gauge',
      labels: ['room'],
      read: () => [
        { labels: ['x'], value: -1.5 },
        { labels: [undefined], value: Number.POSITIVE_INFINITY },
      ],
    })
    const first = table.row(['1', '2'])
    requests.add(first)
    requests.add(first, 2.5)
    for (const value of [0.05, 0.1, 0.5, 10, 11, Number.NaN]) seconds.observe(first, value)
    expect(registry.render().split('\n')).toEqual([
      '# HELP weir_metric_overflows_total Events counted under the labels "overflow", because their table of label values is full.',
      '# TYPE weir_metric_overflows_total counter',
      'weir_metric_overflows_total{table="t"} 0',
      '# HELP requests_total All of\\nthem, with a \\\\.',
      '# TYPE requests_total counter',
      'requests_total{a="1",b="2"} 3.5',
      '# HELP seconds How long.',
      '# TYPE seconds histogram',
      'seconds_bucket{a="1",b="2",le="0.1"} 2',
      'seconds_bucket{a="1",b="2",le="1"} 3',
      'seconds_bucket{a="1",b="2",le="10"} 4',
      'seconds_bucket{a="1",b="2",le="+Inf"} 5',
      'seconds_sum{a="1",b="2"} 21.65',
      'seconds_count{a="1",b="2"} 5',
      '# HELP temperature Now.',
      '# TYPE temperature gauge',
      'temperature{room="x"} -1.5',
      'temperature{room="unknown"} +Inf',
      '',
    ])
  })

  it('renders metrics without labels', () => {
    const registry = new MetricRegistry()
    const table = registry.table('none', [], 10)
    registry.histogram('h', 'x', [1]).by(table).observe(table.row([]), 2)
    expect(registry.render()).toContain('\nh_bucket{le="1"} 0\nh_bucket{le="+Inf"} 1\nh_sum 2\nh_count 1\n')
  })

  it('escapes label values, and cuts long ones', () => {
    const registry = new MetricRegistry()
    const table = registry.table('t', ['a'], 10)
    const counter = registry.counter('c_total', 'x').by(table)
    counter.add(table.row(['"\\\n}x']))
    counter.add(table.row(['y'.repeat(1000)]))
    counter.add(table.row(['\ud800']))
    expect(table.row(['\ud800'])).toBe(3)
    expect(table.row(['y'.repeat(2000)])).toBe(2)
    const page = registry.render()
    expect(page).toContain('c_total{a="\\"\\\\\\n}x"} 1\n')
    expect(page).toContain(`c_total{a="${'y'.repeat(256)}"} 1\n`)
    expect(page).toContain('c_total{a="\ufffd"} 1\n')
  })

  it('does not take one combination of values for another', () => {
    const table = new MetricRegistry().table('t', ['a', 'b'], 10)
    const rows = [
      ['a', 'b1:c'],
      ['a1:b', 'c'],
      ['ab', 'c'],
      ['a', 'bc'],
      ['', 'abc'],
      [undefined, 'abc'],
    ].map((values) => table.row(values))
    expect(rows).toEqual([1, 2, 3, 4, 5, 5])
  })

  it('counts what is beyond the limit in one row, and keeps what it knows', () => {
    const registry = new MetricRegistry()
    const table = registry.table('t', ['a'], 3)
    const counter = registry.counter('c_total', 'x').by(table)
    for (let i = 0; i < 10; i++) counter.add(table.row([String(i)]))
    counter.add(table.row(['1']))
    expect(registry.render().match(/^c_total.*$/gm)).toEqual([
      'c_total{a="overflow"} 7',
      'c_total{a="0"} 1',
      'c_total{a="1"} 2',
      'c_total{a="2"} 1',
    ])
    expect(registry.render()).toContain('weir_metric_overflows_total{table="t"} 7\n')
  })

  it('shares the rows of a table, and forgets a table as a whole', () => {
    const registry = new MetricRegistry()
    const [one, two] = [registry.table('one', ['a'], 10), registry.table('two', ['b'], 10)]
    const counter = registry.counter('c_total', 'x')
    expect(counter.by(one)).toBe(counter.by(one))
    counter.by(one).add(one.row(['x']))
    counter.by(two).add(two.row(['y']))
    expect(registry.render().match(/^c_total.*$/gm)).toEqual(['c_total{a="x"} 1', 'c_total{b="y"} 1'])
    registry.drop(one)
    expect(registry.render().match(/^c_total.*$/gm)).toEqual(['c_total{b="y"} 1'])
    expect(registry.render()).not.toContain('table="one"')
  })

  it('keeps its numbers when there are many rows', () => {
    const registry = new MetricRegistry()
    const table = registry.table('t', ['a'], 1000)
    const counter = registry.counter('c_total', 'x').by(table)
    const histogram = registry.histogram('h', 'x', [1]).by(table)
    for (let i = 0; i < 1000; i++) {
      counter.add(table.row([String(i)]), i)
      histogram.observe(table.row([String(i)]), i)
    }
    const page = registry.render()
    for (const i of [1, 500, 999]) {
      expect(page).toContain(`\nc_total{a="${i}"} ${i}\n`)
      expect(page).toContain(`\nh_sum{a="${i}"} ${i}\n`)
    }
  })

  it('refuses names that Prometheus would, and two metrics of one name', () => {
    const registry = new MetricRegistry()
    registry.counter('c_total', 'x')
    expect(() => registry.counter('c_total', 'x')).toThrow('exists already')
    expect(() => registry.counter('a.b', 'x')).toThrow("'a.b' is no name of a metric")
    expect(() => registry.table('t', ['__a'], 1)).toThrow("'__a' is no name of a label")
  })
})
