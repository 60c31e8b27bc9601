import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Example, type Expectations, readExamples, requestScript } from './support/example.ts'
import { type ExampleRun, runExample } from './support/example-run.ts'
import type { DecodedSpan } from './support/otlp-decoding.ts'

const KINDS = { server: 2, client: 3 } as const
const STATUSES = { unset: 0, error: 2 } as const

/** Processes at once: the tests have few cores. */
const LANES = 2

const examples = readExamples()
const runs = new Map<string, Promise<ExampleRun>>()

/** What expect.yaml says of a value, as jest compares. */
function pattern(said: unknown): unknown {
  if (typeof said === 'string' && said.startsWith('~ '))
    return expect.stringMatching(new RegExp(`^(?:${said.slice(2)})$`))
  if (Array.isArray(said)) return said.map(pattern)
  if (said === null || typeof said !== 'object') return said
  return expect.objectContaining(Object.fromEntries(Object.entries(said).map(([key, value]) => [key, pattern(value)])))
}

function expectFacts(actual: Readonly<Record<string, unknown>>, said: Readonly<Record<string, unknown>>): void {
  const there = Object.entries(said).filter(([, value]) => value !== null)
  expect(actual).toEqual(pattern(Object.fromEntries(there)))
  for (const [key, value] of Object.entries(said)) if (value === null) expect(Object.keys(actual)).not.toContain(key)
}

function expectAnswers({ requests }: Expectations, { answers }: ExampleRun): void {
  requests.forEach(({ answer: said, upstream }, index) => {
    const answer = answers[index] as ExampleRun['answers'][number]
    expect({ status: answer.status, text: answer.text }).toMatchObject({ status: said.status })
    expectFacts(answer.headers, said.headers)
    if (said.body !== undefined) expect(JSON.parse(answer.text)).toEqual(pattern(said.body))
    for (const text of said.text) expect(answer.text).toMatch(new RegExp(text))
    if (upstream === undefined) return
    expect(answer.upstream).toHaveLength(upstream.length)
    upstream.forEach((request, at) => {
      const got = answer.upstream[at] as ExampleRun['answers'][number]['upstream'][number]
      expect(got).toMatchObject({ path: request.path, ...(request.at !== undefined && { at: request.at }) })
      expectFacts(got.headers, request.headers)
      if (request.body !== undefined) expectFacts(JSON.parse(got.body) as Record<string, unknown>, request.body)
    })
  })
}

function expectSpans({ requests }: Expectations, { spans }: ExampleRun): void {
  const said = requests.flatMap((request) => request.spans)
  for (const [address, got] of spans) {
    const here = said.filter(({ at }) => at === undefined || at === address)
    const shape = ({ name, kind, status }: DecodedSpan): object => ({ name, kind, status: status.code })
    expect(got.map(shape)).toEqual(
      here.map(({ name, kind, status }) => ({ name, kind: KINDS[kind], status: STATUSES[status] })),
    )
    here.forEach(({ traceId, parentSpanId, attributes, resource }, index) => {
      const span = got[index] as DecodedSpan
      if (traceId !== undefined) expect(span.traceId).toBe(traceId)
      if (parentSpanId !== undefined) expect(span.parentSpanId).toBe(parentSpanId)
      expectFacts(Object.fromEntries(span.attributes.map(({ key, value }) => [key, value])), attributes)
      expectFacts(span.resource, resource)
    })
  }
}

/** An upstream that got a context of weir's got one of a span that a collector has. */
function expectParents({ requests }: Expectations, { answers, spans }: ExampleRun): void {
  const known = [...spans.values()].flat().map(({ traceId, spanId }) => `${traceId}-${spanId}`)
  answers.forEach(({ upstream }, index) => {
    for (const { headers } of upstream) {
      const context = headers['traceparent']
      if (context === undefined || context === requests[index]?.headers['traceparent']) continue
      expect(known).toContain(String(context).slice(3, -3))
    }
  })
}

function expectLog({ log, requests }: Expectations, { accessLines }: ExampleRun): void {
  expect(accessLines).toHaveLength(log?.length ?? requests.length)
  log?.forEach((said, index) => {
    const line = accessLines[index] as string
    if (typeof said === 'string') expect(line).toMatch(new RegExp(said))
    else expectFacts(JSON.parse(line) as Record<string, unknown>, said)
  })
}

function expectExports({ exports: said }: Expectations, { exports }: ExampleRun): void {
  if (said === undefined) return
  expect(exports).not.toEqual([])
  for (const { protocol, path, headers } of exports) {
    expect({ protocol, path }).toEqual({ protocol: said.protocol, path: said.path })
    expectFacts(headers, said.headers)
  }
}

function expectMetrics(said: Expectations, run: ExampleRun): void {
  const lines = run.metrics.split('\n')
  for (const { name, labels, value } of said.metrics) {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`)
    const found = lines.filter((line) => line.startsWith(`${name}{`) && pairs.every((pair) => line.includes(pair)))
    expect(found.map((line) => line.slice(line.lastIndexOf(' ') + 1))).toEqual([String(value)])
  }
  for (const name of said.absentMetrics) expect(run.metrics).not.toMatch(new RegExp(`^${name}`, 'm'))
}

describe('examples', () => {
  // Every example has a process of its own; a few run at once, and each test waits for its own.
  beforeAll(() => {
    const lanes: Promise<unknown>[] = Array.from({ length: LANES }, () => Promise.resolve())
    examples.forEach((example, index) => {
      const run = (lanes[index % LANES] as Promise<unknown>).then(() => runExample(example))
      runs.set(example.name, run)
      // Whoever waits for the run hears of its error.
      lanes[index % LANES] = run.catch(() => {})
    })
  })

  afterAll(() => Promise.allSettled(runs.values()))

  it.each(examples.map(({ name }) => name))('%s', async (name) => {
    const { expected } = examples.find((example) => example.name === name) as Example
    const run = await (runs.get(name) as Promise<ExampleRun>)
    expect(run.problems).toEqual([])
    expectAnswers(expected, run)
    expectSpans(expected, run)
    expectParents(expected, run)
    expectLog(expected, run)
    expectExports(expected, run)
    expectMetrics(expected, run)
  })

  // GOLDEN=write writes the scripts.
  it.each(examples.map(({ name }) => name))('%s: request.sh sends what expect.yaml says', (name) => {
    const { folder, expected } = examples.find((example) => example.name === name) as Example
    const path = join(folder, 'request.sh')
    if (process.env['GOLDEN'] === 'write') writeFileSync(path, requestScript(expected), { mode: 0o755 })
    expect(readFileSync(path, 'utf8')).toBe(requestScript(expected))
  })

  it('have a line each in examples/README.md', () => {
    const text = readFileSync(join(import.meta.dirname, '../examples/README.md'), 'utf8')
    const listed = [...text.matchAll(/^\| \[([a-z-]+)\]\(\1\/\)/gm)].map((match) => match[1])
    expect(listed.filter((name) => name !== 'demo').sort()).toEqual(examples.map(({ name }) => name).sort())
  })
})
