/**
 * Metrics as Prometheus scrapes them. A table of label sets gives each combination of label values a row number; the
 * counters and histograms that share the labels keep their numbers in typed arrays by that row, so that an event costs
 * one look-up, whatever it is counted in. Everything is bounded: a combination beyond a table's limit is counted in the
 * row whose labels all say `overflow`.
 */
export class MetricRegistry {
  readonly #families = new Map<string, Family>()
  readonly #tables = new Set<LabelTable>()

  constructor() {
    this.observed({
      name: 'weir_metric_overflows_total',
      help: 'Events counted under the labels "overflow", because their table of label values is full.',
      type: 'counter',
      labels: ['table'],
      read: () => [...this.#tables].map((table) => ({ labels: [table.name], value: table.overflows })),
    })
  }

  /**
   * A table of label values.
   * @param name under which its overflows are counted
   * @param limit combinations that it holds at most
   */
  table(name: string, labels: readonly string[], limit: number): LabelTable {
    const table = new LabelTable(name, labels, limit)
    this.#tables.add(table)
    return table
  }

  /** Forgets a table and all that was counted by it. */
  drop(table: LabelTable): void {
    this.#tables.delete(table)
    for (const family of this.#families.values()) if (family instanceof Instrument) family.drop(table)
  }

  counter(name: string, help: string): Instrument<CounterColumn> {
    return this.#add(name, new Instrument(name, help, 'counter', (table) => new CounterColumn(name, table)))
  }

  /** @param buckets upper bounds, ascending; `+Inf` is added */
  histogram(name: string, help: string, buckets: readonly number[]): Instrument<HistogramColumn> {
    return this.#add(
      name,
      new Instrument(name, help, 'histogram', (table) => new HistogramColumn(name, table, buckets)),
    )
  }

  /** Numbers that somebody else keeps and that are read at each scrape. */
  observed(options: ObservedOptions): void {
    this.#add(options.name, new Observed(options))
  }

  /** The text exposition format 0.0.4, families in the order in which they were made. */
  render(): string {
    return renderFamilies(this.collect())
  }

  /** All numbers as they are now, as plain data that another process can be sent. */
  collect(): MetricFamily[] {
    return [...this.#families.values()].map((family) => {
      const samples: Sample[] = []
      family.collect(samples)
      return { name: family.name, help: family.help, type: family.type, combine: family.combine, samples }
    })
  }

  #add<F extends Family>(name: string, family: F): F {
    if (!METRIC_NAME.test(name)) throw new Error(`'${name}' is no name of a metric`)
    if (this.#families.has(name)) throw new Error(`the metric ${name} exists already`)
    this.#families.set(name, family)
    return family
  }
}

/** A series as it is exposed, `name{label="value"}`, and its number. */
export type Sample = readonly [series: string, value: number]

/** One metric of one process at one moment. */
export interface MetricFamily {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** What several processes' numbers come to. */
  readonly combine: Combine
  readonly samples: readonly Sample[]
}

/** `sum` for what is counted; `max` for what every process says of the whole, such as a version. */
export type Combine = 'sum' | 'max'

/** The text exposition format 0.0.4. */
export function renderFamilies(families: readonly MetricFamily[]): string {
  const lines: string[] = []
  for (const { name, help, type, samples } of families) {
    lines.push(`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`)
    for (const [series, value] of samples) lines.push(`${series} ${numberText(value)}`)
  }
  return `${lines.join('\n')}\n`
}

/** The metrics of several processes as if they were one: families by name, series by their labels. */
export function combineFamilies(processes: readonly (readonly MetricFamily[])[]): MetricFamily[] {
  const families = new Map<string, { readonly family: MetricFamily; readonly values: Map<string, number> }>()
  for (const family of processes.flat()) {
    const known = families.get(family.name) ?? { family, values: new Map<string, number>() }
    families.set(family.name, known)
    for (const [series, value] of family.samples) {
      const before = known.values.get(series)
      if (before === undefined) known.values.set(series, value)
      else known.values.set(series, known.family.combine === 'sum' ? before + value : Math.max(before, value))
    }
  }
  return [...families.values()].map(({ family, values }) => ({ ...family, samples: [...values] }))
}

/** The media type of what {@link MetricRegistry.render} gives. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const LABEL_NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/

/** Characters of a label value at most: clients choose some of them. */
const MAX_LABEL_LENGTH = 256
const OVERFLOW_ROW = 0

interface LabelNode {
  next: Map<string, LabelNode> | undefined
  row: number | undefined
}

/** Combinations of label values, each with a row number. */
export class LabelTable {
  readonly name: string
  readonly labels: readonly string[]
  /** How many events were sent to the overflow row. */
  overflows = 0
  readonly #limit: number
  /** A level for each label: no value can be taken for a part of another one, and none is copied to be looked up. */
  readonly #root: LabelNode = { next: undefined, row: undefined }
  /** By row: `a="x",b="y"`. */
  readonly #texts: string[]

  constructor(name: string, labels: readonly string[], limit: number) {
    for (const label of labels) if (!LABEL_NAME.test(label)) throw new Error(`'${label}' is no name of a label`)
    this.name = name
    this.labels = labels
    this.#limit = limit
    this.#texts = [
      labelText(
        labels,
        labels.map(() => 'overflow'),
      ),
    ]
  }

  /**
   * The row of these values, in the order of the table's labels. A missing or empty value says `unknown`; a long one is
   * cut.
   */
  row(values: readonly (string | undefined)[]): number {
    let node = this.#root
    for (let i = 0; i < this.labels.length; i++) {
      const next = node.next?.get(labelValue(values[i]))
      if (next === undefined) return this.#addRow(values)
      node = next
    }
    return node.row ?? this.#addRow(values)
  }

  #addRow(values: readonly (string | undefined)[]): number {
    if (this.#texts.length > this.#limit) {
      this.overflows += 1
      return OVERFLOW_ROW
    }
    let node = this.#root
    for (let i = 0; i < this.labels.length; i++) {
      const value = labelValue(values[i])
      node.next ??= new Map()
      let next = node.next.get(value)
      if (next === undefined) {
        next = { next: undefined, row: undefined }
        node.next.set(copyOf(value), next)
      }
      node = next
    }
    node.row = this.#texts.push(labelText(this.labels, values)) - 1
    return node.row
  }

  /** The labels of a row as they are exposed, without braces. */
  text(row: number): string {
    return this.#texts[row] ?? ''
  }
}

function labelValue(value: string | undefined): string {
  if (value === undefined || value === '') return 'unknown'
  return value.length > MAX_LABEL_LENGTH ? value.slice(0, MAX_LABEL_LENGTH) : value
}

/** The same text in memory of its own: a piece of a client's huge string would keep all of that string alive. */
function copyOf(value: string): string {
  return Buffer.from(value, 'utf16le').toString('utf16le')
}

function labelText(labels: readonly string[], values: readonly (string | undefined)[]): string {
  return labels.map((label, i) => `${label}="${escapeLabel(labelValue(values[i]))}"`).join(',')
}

function escapeLabel(value: string): string {
  return value.toWellFormed().replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))
}

function escapeHelp(help: string): string {
  return help.replace(/[\\\n]/g, (character) => (character === '\n' ? '\\n' : '\\\\'))
}

interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly combine: Combine
  collect(samples: Sample[]): void
}

interface Column {
  collect(samples: Sample[]): void
}

/** A metric whose numbers are kept here: one column for each table of labels that it is counted by. */
export class Instrument<C extends Column> implements Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'histogram'
  readonly combine = 'sum'
  readonly #make: (table: LabelTable) => C
  readonly #columns = new Map<LabelTable, C>()

  constructor(name: string, help: string, type: 'counter' | 'histogram', make: (table: LabelTable) => C) {
    this.name = name
    this.help = help
    this.type = type
    this.#make = make
  }

  /** The numbers by the rows of this table; the same column each time. */
  by(table: LabelTable): C {
    let column = this.#columns.get(table)
    if (column === undefined) {
      column = this.#make(table)
      this.#columns.set(table, column)
    }
    return column
  }

  drop(table: LabelTable): void {
    this.#columns.delete(table)
  }

  collect(samples: Sample[]): void {
    for (const column of this.#columns.values()) column.collect(samples)
  }
}

/** `values` with room for `length` elements: itself, or a larger copy. */
function grown(values: Float64Array, length: number): Float64Array {
  if (values.length >= length) return values
  const larger = new Float64Array(Math.max(length, values.length * 2))
  larger.set(values)
  return larger
}

/** A number that only grows, for each row. */
export class CounterColumn implements Column {
  readonly #name: string
  readonly #table: LabelTable
  #values: Float64Array = new Float64Array(0)

  constructor(name: string, table: LabelTable) {
    this.#name = name
    this.#table = table
  }

  add(row: number, count = 1): void {
    this.#values = grown(this.#values, row + 1)
    this.#values[row] = (this.#values[row] as number) + count
  }

  collect(samples: Sample[]): void {
    for (let row = 0; row < this.#values.length; row++) {
      const value = this.#values[row] as number
      if (value > 0) samples.push(sample(this.#name, this.#table.text(row), value))
    }
  }
}

/** Counts by bucket and a sum, for each row. */
export class HistogramColumn implements Column {
  readonly #name: string
  readonly #table: LabelTable
  readonly #buckets: readonly number[]
  /** By row: one count for each bucket, one for `+Inf`, the sum. Counts are not cumulative here. */
  #cells: Float64Array = new Float64Array(0)

  constructor(name: string, table: LabelTable, buckets: readonly number[]) {
    this.#name = name
    this.#table = table
    this.#buckets = buckets
  }

  observe(row: number, value: number): void {
    if (Number.isNaN(value)) return
    const width = this.#buckets.length + 2
    this.#cells = grown(this.#cells, (row + 1) * width)
    const cells = this.#cells
    const found = this.#buckets.findIndex((bound) => value <= bound)
    const at = row * width + (found < 0 ? this.#buckets.length : found)
    cells[at] = (cells[at] as number) + 1
    const sum = row * width + width - 1
    cells[sum] = (cells[sum] as number) + value
  }

  collect(samples: Sample[]): void {
    const width = this.#buckets.length + 2
    for (let row = 0; (row + 1) * width <= this.#cells.length; row++) {
      const cells = this.#cells.subarray(row * width, (row + 1) * width)
      const total = cells.subarray(0, width - 1).reduce((sum, count) => sum + count, 0)
      if (total > 0) this.#collectRow(samples, this.#table.text(row), cells, total)
    }
  }

  #collectRow(samples: Sample[], labels: string, cells: Float64Array, total: number): void {
    const prefix = labels === '' ? '' : `${labels},`
    let cumulative = 0
    this.#buckets.forEach((bound, i) => {
      cumulative += cells[i] as number
      samples.push(sample(`${this.#name}_bucket`, `${prefix}le="${bound}"`, cumulative))
    })
    samples.push(
      sample(`${this.#name}_bucket`, `${prefix}le="+Inf"`, total),
      sample(`${this.#name}_sum`, labels, cells[cells.length - 1] as number),
      sample(`${this.#name}_count`, labels, total),
    )
  }
}

function sample(name: string, labels: string, value: number): Sample {
  return [labels === '' ? name : `${name}{${labels}}`, value]
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}

export interface ObservedOptions {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly labels: readonly string[]
  /** Default: `sum`. */
  readonly combine?: Combine
  /** Called at each scrape; label values in the order of `labels`. What it throws fails the scrape. */
  readonly read: () => Iterable<{ readonly labels: readonly (string | undefined)[]; readonly value: number }>
}

class Observed implements Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly combine: Combine
  readonly #options: ObservedOptions

  constructor(options: ObservedOptions) {
    this.name = options.name
    this.help = options.help
    this.type = options.type
    this.combine = options.combine ?? 'sum'
    this.#options = options
  }

  collect(samples: Sample[]): void {
    for (const { labels, value } of this.#options.read()) {
      samples.push(sample(this.name, labelText(this.#options.labels, labels), value))
    }
  }
}
