import { pino } from 'pino'
import { type TelemetryConfig, telemetryConfig } from '../../contract/telemetry-config.ts'
import { MetricRegistry } from '../../runtime/metrics.ts'
import { answered, attempt, begun, llmFacts } from '../../test/support/exchange.ts'
import { type Exchange, NO_CAPTURE, type Recorder } from '../exchange.ts'
import { noCounts } from './otlp/export-counts.ts'
import { createRecorder, type SpanSink } from './recorder.ts'
import type { Span } from './span.ts'
import { TelemetryMetrics } from './telemetry-metrics.ts'
import { TrafficMetrics } from './traffic-metrics.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'

function fields(add: { readonly [name: string]: string }) {
  return { add: Object.entries(add).map(([name, expression]) => ({ name, expression })) }
}

const ENDPOINT = { name: 'default', otlpEndpoint: 'http://collector:4317' }

/** A recorder with everything that it feeds, readable. */
class Rig {
  readonly registry = new MetricRegistry()
  readonly logged: { level: number; msg: string; [key: string]: unknown }[] = []
  readonly lines: string[] = []
  readonly spans: Span[][] = []
  readonly recorder: Recorder
  readonly #traffic = new TrafficMetrics(this.registry, '0.1.0')
  readonly #metrics = new TelemetryMetrics(this.registry, {
    accessLogDropped: () => 0,
    exporters: () => [
      { name: 'default', counts: { ...noCounts(), ended: this.spans.length, sent: this.spans.length } },
    ],
  })

  constructor(given: object, sink?: SpanSink) {
    this.recorder = this.generation(telemetryConfig.parse(given), sink)
  }

  generation(
    config: TelemetryConfig,
    sink: SpanSink = { record: (spans) => void this.spans.push([...spans]) },
  ): Recorder {
    return createRecorder({
      config,
      gateway: 'ns/gw',
      environment: { podName: 'pod' },
      exporters: (config.tracing?.exporters ?? []).map((one) => ({ config: one, exporter: sink })),
      accessLog: { target: { write: (line) => void this.lines.push(line) }, format: 'text', enabled: true },
      traffic: this.#traffic,
      metrics: this.#metrics,
      log: pino({ level: 'trace' }, { write: (line) => void this.logged.push(JSON.parse(line)) }),
      random: () => 0.3,
    })
  }

  /** The request with these headers, answered. @returns the exchange and the headers that its only attempt sent */
  serve(
    rawHeaders: readonly string[] = [],
    recorder = this.recorder,
  ): { exchange: Exchange; sent: readonly string[] | undefined } {
    const exchange = begun({ rawHeaders })
    recorder.begin(exchange)
    answered(exchange)
    const sent = recorder.contextHeaders(exchange, exchange.attempts[0] as never)
    recorder.end(exchange)
    return { exchange, sent }
  }

  line(name: string): string | undefined {
    return this.registry
      .render()
      .split('\n')
      .find((line) => line.startsWith(name))
  }
}

function tracing(over: object = {}) {
  return { tracing: { randomSampling: true, exporters: [ENDPOINT], ...over } }
}

const semconv = { profile: 'semconv', exporters: [{ ...ENDPOINT, profile: 'semconv' }] }

describe('trace context, profile documented', () => {
  it('passes everything untouched where there is no tracing, and still logs and counts', () => {
    const rig = new Rig({})
    const { exchange, sent } = rig.serve(['traceparent', `00-${TRACE}-${PARENT}-01`])
    expect([sent, exchange.trace, rig.spans]).toEqual([undefined, undefined, []])
    expect(rig.lines).toHaveLength(1)
    expect(rig.lines[0]).not.toContain('trace.id')
    expect(rig.line('agentgateway_requests_total{')).toMatch(/ 1$/)
  })

  it('sends its own context on when it starts a trace', () => {
    const rig = new Rig(tracing())
    const { exchange, sent } = rig.serve()
    expect(sent).toEqual(['traceparent', `00-${exchange.trace?.traceId}-${exchange.trace?.spanId}-01`])
    expect(rig.spans[0]?.[0]).toMatchObject({ traceId: exchange.trace?.traceId, parentSpanId: undefined, flags: 1 })
    expect(rig.lines[0]).toContain(` trace.id=${exchange.trace?.traceId} span.id=${exchange.trace?.spanId} `)
  })

  it('sends nothing of its own when it does not sample', () => {
    const rig = new Rig(tracing({ randomSampling: 0.2 }))
    expect(rig.serve()).toMatchObject({ sent: undefined, exchange: { trace: undefined } })
    expect([rig.spans, rig.lines.length]).toEqual([[], 1])
    expect(rig.lines[0]).not.toContain('trace.id')
  })

  it("continues the caller's trace with its flags and tracestate", () => {
    const rig = new Rig(tracing({ randomSampling: false }))
    const { exchange, sent } = rig.serve([
      ...['traceparent', `00-${TRACE}-${PARENT}-01`],
      ...['tracestate', 'a=1', 'Tracestate', 'b=2'],
    ])
    expect(sent).toEqual([...['traceparent', `00-${TRACE}-${exchange.trace?.spanId}-01`], ...['tracestate', 'a=1,b=2']])
    expect(rig.spans[0]?.[0]).toMatchObject({
      traceId: TRACE,
      parentSpanId: PARENT,
      parentIsRemote: true,
      traceState: 'a=1,b=2',
    })
  })

  it('writes header and log ids for a caller that does not sample, and exports nothing', () => {
    const rig = new Rig(tracing())
    const { exchange, sent } = rig.serve(['traceparent', `00-${TRACE}-${PARENT}-00`])
    expect(sent).toEqual(['traceparent', `00-${TRACE}-${exchange.trace?.spanId}-00`])
    expect(rig.spans).toEqual([])
    expect(rig.lines[0]).toContain(` trace.id=${TRACE} `)
  })

  it("lets the caller's context pass when clientSampling says no", () => {
    const rig = new Rig(tracing({ clientSampling: false }))
    expect(rig.serve(['traceparent', `00-${TRACE}-${PARENT}-01`]).sent).toBeUndefined()
    expect(rig.spans).toEqual([])
  })

  it('takes a broken context as none', () => {
    const rig = new Rig(tracing({ clientSampling: false }))
    const { exchange } = rig.serve(['traceparent', `00-${TRACE}-${PARENT}-zz`])
    expect(exchange.trace?.traceId).not.toBe(TRACE)
    expect(exchange.trace).toMatchObject({ parentSpanId: undefined, exported: true })
  })

  it('decides by an expression over the request', () => {
    const rig = new Rig(tracing({ randomSampling: 'request.headers["x-debug"] == "1" && env.podName == "pod"' }))
    rig.serve(['X-Debug', '1'])
    rig.serve(['X-Debug', '2'])
    rig.serve()
    expect(rig.spans).toHaveLength(1)
  })
})

describe('trace context, profile semconv', () => {
  it("continues the caller's sampled trace, with the attempt's span as the upstream's parent", () => {
    const rig = new Rig(tracing({ ...semconv, clientSampling: false }))
    const { exchange, sent } = rig.serve(['traceparent', `00-${TRACE}-${PARENT}-01`, 'tracestate', 'a=1'])
    expect(sent).toEqual(['traceparent', `00-${TRACE}-a1a1a1a1a1a1a1a1-01`, 'tracestate', 'a=1'])
    expect(rig.spans[0]?.map((span) => [span.spanId, span.parentSpanId])).toEqual([
      [exchange.trace?.spanId, PARENT],
      ['a1a1a1a1a1a1a1a1', exchange.trace?.spanId],
    ])
  })

  it.each([
    ['an unsampled caller', ['traceparent', `00-${TRACE}-${PARENT}-00`, 'tracestate', 'a=1']],
    ['a request without context', []],
  ])('says that it does not sample, for %s', (_name, headers) => {
    const rig = new Rig(tracing({ ...semconv, randomSampling: false }))
    const { exchange, sent } = rig.serve(headers)
    expect(sent?.slice(0, 2)).toEqual(['traceparent', `00-${exchange.trace?.traceId}-${exchange.trace?.spanId}-00`])
    expect(exchange.trace?.traceId === TRACE).toBe(headers.length > 0)
    expect(sent?.slice(2)).toEqual(headers.slice(2))
    expect(rig.spans).toEqual([])
  })

  it('samples requests without context by randomSampling', () => {
    const rig = new Rig(tracing(semconv))
    expect(rig.serve().sent?.[1]).toMatch(/-01$/)
    expect(rig.spans).toHaveLength(1)
  })
})

describe('contextHeaders', () => {
  it('names the root for the first attempt and the own span of each later one', () => {
    const rig = new Rig(tracing())
    const exchange = begun()
    rig.recorder.begin(exchange)
    const parents = ['a1a1a1a1a1a1a1a1', 'a2a2a2a2a2a2a2a2'].map((spanId) => {
      const next = attempt(0, { spanId })
      exchange.attempts.push(next)
      return rig.recorder.contextHeaders(exchange, next)?.[1]?.split('-')[2]
    })
    expect(parents).toEqual([exchange.trace?.spanId, 'a2a2a2a2a2a2a2a2'])
  })

  it('names no span that is not exported', () => {
    const rig = new Rig(tracing({ exporters: [{ ...ENDPOINT, attempts: 'always' }] }))
    const { exchange, sent } = rig.serve(['traceparent', `00-${TRACE}-${PARENT}-00`])
    expect(sent?.[1]).toBe(`00-${TRACE}-${exchange.trace?.spanId}-00`)
  })
})

describe('capture', () => {
  it('asks for messages only where somebody reads them, and only of exchanges that are exported', () => {
    const rig = new Rig({
      ...tracing({
        randomSampling: 'request.path == "/gemini"',
        exporters: [{ ...ENDPOINT, fields: fields({ p: 'llm.prompt' }) }],
      }),
      logging: { fields: fields({ c: 'size(llm.completion)' }) },
      metrics: fields({ t: 'string(size(llm.toolCalls))' }),
    })
    const always = { ...NO_CAPTURE, completion: true, toolCalls: true }
    expect(rig.serve().exchange.capture).toEqual({ ...always, prompt: true })
    const other = begun({ path: '/other' })
    rig.recorder.begin(other)
    expect(other.capture).toEqual(always)
  })

  it('asks for nothing by default', () => {
    const rig = new Rig(tracing())
    expect(rig.serve().exchange.capture).toEqual(NO_CAPTURE)
  })
})

describe('end', () => {
  it('gives each exporter its own view of one exchange', () => {
    const rig = new Rig(
      tracing({
        exporters: [
          { ...ENDPOINT, fields: fields({ one: '"1"' }) },
          { ...ENDPOINT, name: 'second', profile: 'semconv', fields: fields({ two: '"2"' }) },
        ],
      }),
    )
    rig.serve()
    expect(rig.spans.map((spans) => [spans.length, spans[0]?.name, spans[0]?.attributes.keys.at(-1)])).toEqual([
      [1, 'POST /gemini', 'one'],
      [2, 'POST /gemini/*', 'two'],
    ])
  })

  it('never lets tracing reach the log, nor logging the spans', () => {
    const rig = new Rig({
      ...tracing({ exporters: [{ ...ENDPOINT, fields: { ...fields({ a: '"1"' }), remove: ['gateway'] } }] }),
      logging: { filter: 'false', fields: fields({ b: '"2"' }) },
    })
    rig.serve()
    expect(rig.lines).toEqual([])
    expect(rig.spans[0]?.[0]?.attributes.keys).toContain('a')
    expect(rig.spans[0]?.[0]?.attributes.keys).not.toContain('b')
    const logging = new Rig({ ...tracing(), logging: { fields: fields({ b: '"2"' }) } })
    logging.serve()
    expect(logging.lines[0]).toMatch(/^\S+\tinfo\trequest gateway=.* duration=3165ms b="2"\n$/)
  })

  it('keeps each exchange with the generation that it began with', () => {
    const rig = new Rig(tracing({ exporters: [{ ...ENDPOINT, fields: fields({ generation: '"1"' }) }] }))
    const config = tracing({ exporters: [{ ...ENDPOINT, fields: fields({ generation: '"2"' }) }] })
    const exchange = begun()
    rig.recorder.begin(exchange)
    const second = rig.generation(telemetryConfig.parse(config))
    rig.serve([], second)
    rig.recorder.end(answered(exchange))
    expect(rig.spans.map((spans) => spans[0]?.attributes.values.at(-1))).toEqual(['2', '1'])
  })

  it('is silent when the level says request=off', () => {
    const rig = new Rig({ logging: { level: 'info,request=off' } })
    rig.serve()
    expect(rig.lines).toEqual([])
  })

  it('counts failed expressions by attribute and reason', () => {
    const rig = new Rig({
      ...tracing({ exporters: [{ ...ENDPOINT, fields: fields({ who: 'jwt.sub', bad: 'int(request.path)' }) }] }),
    })
    rig.serve()
    rig.serve()
    expect(rig.line('weir_attribute_failures_total{attribute="who"')).toBe(
      'weir_attribute_failures_total{attribute="who",reason="no_such_key"} 2',
    )
    expect(rig.line('weir_attribute_failures_total{attribute="bad"')).toBe(
      'weir_attribute_failures_total{attribute="bad",reason="invalid_argument"} 2',
    )
  })

  it('says once of an expression that does not compile which one it is, and goes without it', () => {
    const rig = new Rig({
      ...tracing({
        clientSampling: 'nope(',
        exporters: [{ ...ENDPOINT, fields: fields({ bad: 'llm.nope', good: '"1"' }) }],
      }),
    })
    rig.serve()
    expect(rig.spans[0]?.[0]?.attributes.keys.slice(-1)).toEqual(['good'])
    expect(rig.logged.map((entry) => entry['name'])).toEqual(['tracing.clientSampling', 'bad'])
    expect(rig.line('weir_attribute_failures_total{attribute="bad"')).toContain('reason="invalid"} 1')
  })

  it('survives an exporter that throws: the log and the metrics are there, the bug is told once and counted', () => {
    const rig = new Rig(tracing(), {
      record() {
        throw new Error('broken')
      },
    })
    rig.serve()
    rig.serve()
    expect(rig.lines).toHaveLength(2)
    expect(rig.line('agentgateway_requests_total{')).toMatch(/ 2$/)
    expect(rig.line('weir_telemetry_errors_total')).toBe('weir_telemetry_errors_total{part="spans"} 2')
    expect(rig.logged).toHaveLength(1)
    expect(rig.logged[0]).toMatchObject({ msg: 'telemetry failed', part: 'spans' })
  })

  it('survives data that throws', () => {
    const rig = new Rig(tracing())
    const exchange = answered(begun(), llmFacts())
    rig.recorder.begin(exchange)
    Object.defineProperty(exchange, 'llm', {
      get() {
        throw new Error('broken')
      },
    })
    rig.recorder.end(exchange)
    expect(rig.logged.map((entry) => entry['part'])).toEqual(['spans', 'access log', 'metrics'])
  })
})
