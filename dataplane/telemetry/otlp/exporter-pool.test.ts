import { type TracingConfig, telemetryConfig } from '../../../contract/telemetry-config.ts'
import { exporterConfig, isBalanced, startExporterRig } from '../../../test/support/otlp-rig.ts'
import { type OtlpSink, startOtlpSink } from '../../../test/support/otlp-sink.ts'
import { sampleSpan } from '../../../test/support/otlp-spans.ts'
import type { ExportCounts } from './export-counts.ts'
import { SpanExporter } from './exporter.ts'
import { ExporterPool } from './exporter-pool.ts'

const RESOURCE = [{ name: 'service.name', value: 'weir' }]
const QUICK = { initialRetryDelay: 0.001, maxRetryDelay: 0.002 }

let sink: OtlpSink
let rig: ReturnType<typeof startExporterRig>

beforeEach(async () => {
  sink = await startOtlpSink()
  rig = startExporterRig()
})

afterEach(async () => {
  await rig.pool.close(0)
  await sink.close()
})

function keys(more: object = {}) {
  return { otlpEndpoint: `http://127.0.0.1:${sink.httpPort}`, otlpProtocol: 'http' as const, ...more }
}

function counts(name = 'default'): ExportCounts {
  const found = rig.pool.counts().get(name) as ExportCounts
  expect(isBalanced(found)).toBe(true)
  return found
}

describe('exporters over generations', () => {
  it('are one where transport and resource are equal, whatever else changed', () => {
    const first = rig.exporter(keys())
    const config = { ...exporterConfig(keys()), fields: { add: [{ name: 'a', expression: '1' }], remove: [] } }
    expect(rig.pool.acquireOne(config, RESOURCE)).toBe(first)
  })

  it.each<[string, object]>([
    ['endpoint', { otlpEndpoint: 'http://127.0.0.1:1' }],
    ['protocol', { otlpProtocol: 'http/json' }],
    ['path', { path: '/x' }],
    ['headers', { headers: [{ name: 'a', value: 'b' }] }],
    ['limits', { limits: { attributes: 1 } }],
    ['queue', { queue: { maxEntries: 1 } }],
    ['name', { name: 'other' }],
  ])('are two where the %s differs', (_name, change) => {
    expect(rig.exporter(keys(change))).not.toBe(rig.exporter(keys()))
  })

  it('are two where the resource differs', () => {
    const other = rig.pool.acquireOne(exporterConfig(keys()), [{ name: 'service.name', value: 'other' }])
    expect(other).not.toBe(rig.exporter(keys()))
  })

  it('live until the last generation is done with them', async () => {
    const first = rig.exporter(keys())
    expect(rig.exporter(keys())).toBe(first)
    rig.pool.release(first)
    first.record([sampleSpan()])
    expect(counts()).toMatchObject({ ended: 1, dropped: { shutdown: 0 } })
    rig.pool.release(first)
    // It has stopped to wait for more: the batch goes although its delay is not over.
    await sink.waitForSpans(1)
    expect(rig.exporter(keys())).not.toBe(first)
  })

  it('are counted on when they are gone', async () => {
    const first = rig.exporter(keys())
    first.record([sampleSpan()])
    rig.pool.release(first)
    expect(counts()).toMatchObject({ ended: 1 })
    await rig.pool.flush()
    const second = rig.exporter(keys({ path: '/v1/traces' }))
    second.record([sampleSpan()])
    expect(counts()).toMatchObject({ ended: 2, sent: 1, queued: 1 })
    await rig.pool.flush()
    expect(counts()).toMatchObject({ ended: 2, sent: 2 })
  })

  it('of one name hold no more together than one may', async () => {
    sink.behave({ kind: 'hold' })
    for (let generation = 0; generation < 5; generation++) {
      const exporter = rig.exporter(keys({ path: `/${generation}`, queue: { ...QUICK, maxEntries: 10 } }))
      for (let i = 0; i < 10; i++) exporter.record([sampleSpan()])
      rig.pool.release(exporter)
    }
    expect(counts()).toMatchObject({ ended: 50, dropped: { queue_full: 40 } })
    const other = rig.exporter(keys({ name: 'other' }))
    other.record([sampleSpan()])
    expect(counts('other')).toMatchObject({ ended: 1, dropped: { queue_full: 0 } })
  })

  it('are all delivered when the pool closes, and balanced after it', async () => {
    const exporters = ['a', 'b', 'c'].map((name) => rig.exporter(keys({ name })))
    for (const exporter of exporters) for (let i = 0; i < 10; i++) exporter.record([sampleSpan()])
    await rig.pool.close(60_000)
    expect(sink.spans().length).toBe(30)
    for (const name of ['a', 'b', 'c']) expect(counts(name)).toMatchObject({ ended: 10, sent: 10 })
  })
})

describe('acquire', () => {
  const identity = { namespace: 'prod', name: 'edge', version: '1.2.3', env: {} }
  const tracing = (exporters: readonly object[], more: object = {}): TracingConfig =>
    telemetryConfig.parse({ tracing: { exporters, ...more } }).tracing as TracingConfig

  it('gives the exporters with what environment and resource say', async () => {
    const env = { OTLP_ENDPOINT: keys().otlpEndpoint, OTLP_PROTOCOL: 'http', OTLP_HEADERS: 'x-env=1' }
    const configured = tracing([{ name: 'default', otlpEndpoint: 'http://127.0.0.1:1' }], {
      resource: [{ name: 'deployment.environment.name', value: 'test' }],
    })
    const [acquired] = rig.pool.acquire(configured, { ...identity, env })
    expect(acquired?.config.otlpEndpoint).toBe(keys().otlpEndpoint)
    acquired?.exporter.record([sampleSpan()])
    await acquired?.exporter.flush()
    expect(sink.requests()[0]?.headers['x-env']).toBe('1')
    expect(sink.spans()[0]?.resource).toMatchObject({
      'service.name': 'edge',
      'deployment.environment.name': 'test',
    })
  })

  it('gives the good ones, and says what is wrong with the others', () => {
    const configured = tracing([
      { name: 'scheme', otlpEndpoint: 'ftp://collector' },
      { name: 'header', otlpEndpoint: 'collector', headers: [{ name: 'x', value: 'hunter2\n' }] },
      { name: 'good', otlpEndpoint: 'collector' },
    ])
    const acquired = rig.pool.acquire(configured, { ...identity, env: { OTLP_PROTOCOL: 'pigeon' } })
    expect(acquired.map(({ config }) => config.name)).toEqual(['good'])
    expect(acquired[0]?.exporter).toBeInstanceOf(SpanExporter)
    expect(rig.lines.map(({ msg }) => msg)).toEqual([
      expect.stringContaining('OTLP_PROTOCOL'),
      "exporter 'scheme': otlpEndpoint scheme 'ftp' is not supported; there is http, https and grpc",
      "exporter 'header': header 'x': its value has characters that grpc cannot carry",
    ])
  })

  it("keeps one Gateway's queue out of another's of the same process", () => {
    const configured = tracing([keys({ name: 'default', queue: { maxEntries: 1, maxCoalescingDelay: 60 } })])
    for (const name of ['edge', 'inner']) {
      const [acquired] = rig.pool.acquire(configured, { ...identity, name })
      acquired?.exporter.record([sampleSpan()])
    }
    expect(counts()).toMatchObject({ ended: 2, queued: 2, dropped: { queue_full: 0 } })
  })

  it('has nothing to do without tracing', () => {
    expect(rig.pool.acquire(undefined, identity)).toEqual([])
  })
})

describe('--connect-to', () => {
  it.each(['http', 'grpc'] as const)('sends %s elsewhere under the same name', async (otlpProtocol) => {
    const rule = { fromHost: 'collector.test', fromPort: 9999, toHost: '127.0.0.1', toPort: undefined }
    const toPort = otlpProtocol === 'grpc' ? sink.grpcPort : sink.httpPort
    const pool = new ExporterPool({ log: rig.log, version: '1', connectTo: [{ ...rule, toPort }] })
    try {
      const config = exporterConfig({ otlpEndpoint: 'http://collector.test:9999', otlpProtocol })
      const exporter = pool.acquireOne(config, RESOURCE) as SpanExporter
      exporter.record([sampleSpan()])
      await exporter.flush()
      const headers = sink.requests()[0]?.headers
      expect(headers?.['host'] ?? headers?.[':authority']).toBe('collector.test:9999')
    } finally {
      await pool.close(0)
    }
  })
})
