import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import type { ExporterConfig } from '../../../contract/telemetry-config.ts'
import { freePort } from '../../../test/support/free-port.ts'
import {
  type ExporterKeys,
  type ExporterRig,
  endpointOf,
  isBalanced,
  PROTOCOLS,
  startExporterRig,
} from '../../../test/support/otlp-rig.ts'
import { type OtlpSink, type SinkBehaviour, startOtlpSink } from '../../../test/support/otlp-sink.ts'
import { attributesOf, sampleSpan } from '../../../test/support/otlp-spans.ts'
import type { SpanExporter } from './exporter.ts'

/** Retries at once, and not for long. */
const QUICK = { initialRetryDelay: 0.001, maxRetryDelay: 0.002, maxRetryTime: 60, maxCoalescingDelay: 0.001 }

const FAILING = 'traces cannot be delivered'
const RECOVERED = 'traces are delivered again'

const rig = startExporterRig()
let sink: OtlpSink

beforeEach(async () => {
  sink = await startOtlpSink()
})

afterEach(async () => {
  await rig.abandonAll()
  rig.forget()
  await sink.close()
})

afterAll(() => rig.pool.close(0))

function exporterTo(
  protocol: ExporterConfig['otlpProtocol'],
  keys: Partial<ExporterKeys> = {},
  from: ExporterRig = rig,
): SpanExporter {
  const queue = { ...QUICK, ...keys.queue }
  return from.exporter({ otlpEndpoint: endpointOf(sink, protocol), otlpProtocol: protocol, ...keys, queue })
}

/** Records one exchange with one span, and checks the books. */
function record(exporter: SpanExporter, name = 'exchange'): void {
  exporter.record([sampleSpan({ name })])
  expect(isBalanced(exporter.counts())).toBe(true)
}

describe.each(PROTOCOLS)('over %s', (protocol) => {
  it('spans arrive as they were recorded', async () => {
    const exporter = exporterTo(protocol, { headers: [{ name: 'X-Team', value: 'blue, %41' }] })
    const attributes = attributesOf([
      ['text', 'string', 'grüße'],
      ['int', 'int', -3],
      ['list', 'strings', ['a', 'b']],
    ])
    exporter.record([sampleSpan({ attributes }), sampleSpan({ name: 'attempt', kind: 3 })])
    await exporter.flush()
    const [root, attempt] = sink.spans()
    expect(root?.attributes).toEqual([
      { key: 'text', kind: 'string', value: 'grüße' },
      { key: 'int', kind: 'int', value: -3 },
      { key: 'list', kind: 'strings', value: ['a', 'b'] },
    ])
    expect(root?.resource).toEqual({ 'service.name': 'weir' })
    expect(root?.scope.name).toBe('weir')
    expect([attempt?.name, attempt?.kind]).toEqual(['attempt', 3])
    const [request] = sink.requests()
    expect(request?.protocol).toBe(protocol)
    expect(request?.path).toBe(
      protocol === 'grpc' ? '/opentelemetry.proto.collector.trace.v1.TraceService/Export' : '/v1/traces',
    )
    expect(request?.headers['x-team']).toBe('blue, %41')
    expect(request?.headers['user-agent']).toMatch(/^weir\/1\.2\.3/)
    expect(exporter.counts()).toMatchObject({ ended: 1, sent: 1, spans: { ended: 2, sent: 2 }, heldBytes: 0 })
    expect(rig.lines).toEqual([])
  })

  it('a receiver that is away is told once, and so is its return; nothing is lost', async () => {
    const port = await freePort()
    const exporter = exporterTo(protocol, { otlpEndpoint: `http://127.0.0.1:${port}` })
    record(exporter, 'before')
    const line = await rig.line(FAILING)
    expect(line).toMatchObject({ exporter: 'default', endpoint: `http://127.0.0.1:${port}` })
    expect(line['cause']).toContain('ECONNREFUSED')
    for (let i = 0; i < 20; i++) record(exporter)
    expect(exporter.counts()).toMatchObject({ ended: 21, sent: 0 })
    const back = await startOtlpSink(protocol === 'grpc' ? { grpcPort: port } : { httpPort: port })
    try {
      await exporter.flush()
      await rig.line(RECOVERED)
      expect(back.spans().length).toBe(21)
      expect(exporter.counts()).toMatchObject({ ended: 21, queued: 0, inFlight: 0, sent: 21 })
      expect(rig.lines.map(({ msg }) => msg)).toEqual([FAILING, RECOVERED])
    } finally {
      await back.close()
    }
  })

  it('a receiver that does not answer holds nothing up, and its request is sent again', async () => {
    const impatient = startExporterRig({ timeouts: { connectMs: 1000, sendMs: 50 } })
    try {
      const exporter = exporterTo(protocol, {}, impatient)
      sink.behave({ kind: 'hold' })
      record(exporter)
      await impatient.line(FAILING)
      expect(exporter.counts()).toMatchObject({ ended: 1, inFlight: 1, sent: 0 })
      sink.behave({ kind: 'accept' })
      await exporter.flush()
      expect(exporter.counts()).toMatchObject({ inFlight: 0, sent: 1 })
    } finally {
      await impatient.pool.close(0)
    }
  })

  it.each<[string, SinkBehaviour, string]>([
    ['that is not welcome', { kind: 'refuse', message: 'no such tenant' }, 'no such tenant'],
    ['answered with something else than OTLP', { kind: 'garbage' }, 'not OTLP'],
  ])('a request %s is refused for good', async (_name, behaviour, cause) => {
    const exporter = exporterTo(protocol)
    sink.behave(behaviour)
    record(exporter)
    record(exporter)
    await exporter.flush()
    expect(exporter.counts()).toMatchObject({ ended: 2, sent: 0, refused: 2, spans: { refused: 2 } })
    const requests = sink.requests().length
    sink.behave({ kind: 'accept' })
    record(exporter)
    await exporter.flush()
    expect(exporter.counts()).toMatchObject({ ended: 3, sent: 1, refused: 2 })
    expect(sink.requests().length).toBe(requests + 1)
    expect((await rig.line(FAILING))['cause']).toContain(cause)
    await rig.line(RECOVERED)
  })

  it('a partial success counts what was rejected, and says why', async () => {
    const exporter = exporterTo(protocol)
    sink.behave({ kind: 'partial', rejectedSpans: 3, errorMessage: 'too old' })
    for (let i = 0; i < 5; i++) exporter.record([sampleSpan(), sampleSpan()])
    await exporter.flush()
    expect(exporter.counts()).toMatchObject({ sent: 3, refused: 2, spans: { sent: 7, refused: 3 } })
    expect((await rig.line(FAILING))['cause']).toBe('3 spans rejected: too old')
  })

  it('a request is given up when it was tried for too long', async () => {
    const exporter = exporterTo(protocol, { queue: { maxRetryTime: 0.5 } })
    sink.behave({ kind: 'unavailable' })
    record(exporter)
    await exporter.flush()
    expect(sink.requests().length).toBeGreaterThan(1)
    expect(exporter.counts()).toMatchObject({ ended: 1, dropped: { retry_exhausted: 1 }, heldBytes: 0 })
  })

  it('patience beyond the time for retries is not waited for', async () => {
    const exporter = exporterTo(protocol, { queue: { maxRetryTime: 30 } })
    sink.behave({ kind: 'unavailable', retryAfterSeconds: 100 })
    record(exporter)
    await exporter.flush()
    expect(sink.requests().length).toBe(1)
    expect(exporter.counts()).toMatchObject({ dropped: { retry_exhausted: 1 } })
  })

  it('a cut connection is tried again', async () => {
    const exporter = exporterTo(protocol)
    sink.behave({ kind: 'reset' })
    record(exporter)
    await sink.waitForRequests(2)
    sink.behave({ kind: 'accept' })
    await exporter.flush()
    expect(exporter.counts()).toMatchObject({ sent: 1 })
  })

  it('a receiver that repeats a secret does not get it into the log', async () => {
    const exporter = exporterTo(protocol, { headers: [{ name: 'authorization', value: 'Basic c2VjcmV0LWtleQ==' }] })
    sink.behave({ kind: 'refuse', message: 'unknown key c2VjcmV0LWtleQ==\nin Basic c2VjcmV0LWtleQ==' })
    record(exporter)
    await exporter.flush()
    const { cause } = await rig.line(FAILING)
    expect(cause).toContain('unknown key <redacted> in <redacted>')
    expect(JSON.stringify(rig.lines)).not.toContain('c2VjcmV0')
  })
})

describe('a peer that is no receiver', () => {
  it.each(PROTOCOLS)('and speaks something else than %s fails like one that is away', async (otlpProtocol) => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', () => socket.end('SSH-2.0-OpenSSH_9.9\r\n\r\n'))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const exporter = exporterTo(otlpProtocol, {
      otlpEndpoint: `http://127.0.0.1:${port}`,
      queue: { maxRetryTime: 0 },
    })
    record(exporter)
    await exporter.flush()
    expect(exporter.counts()).toMatchObject({ ended: 1, dropped: { retry_exhausted: 1 } })
    await rig.line(FAILING)
    await new Promise((resolve) => server.close(resolve))
  })

  it.each([200, 404])('and answers %d with a page without end is not read to its end', async (status) => {
    const server = createHttpServer((request, response) => {
      request.resume()
      response.writeHead(status, { 'content-type': 'text/plain' })
      const write = (): void => {
        while (!response.destroyed && response.write('page '.repeat(1000)));
        response.once('drain', write)
      }
      write()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const exporter = exporterTo('http', { otlpEndpoint: `http://127.0.0.1:${port}` })
    record(exporter)
    await exporter.flush()
    expect(exporter.counts()).toMatchObject({ ended: 1, refused: 1 })
    expect((await rig.line(FAILING))['cause']).toContain(`HTTP ${status}`)
    await new Promise((resolve) => server.close(resolve))
  })
})

describe('batches', () => {
  it('end at their size in spans, with the spans of an exchange together', async () => {
    const exporter = exporterTo('http', { queue: { maxBatchSize: 5, maxCoalescingDelay: 60 } })
    for (let i = 0; i < 10; i++) exporter.record([sampleSpan({ name: `${i}` }), sampleSpan({ name: `${i}` })])
    exporter.record(Array.from({ length: 7 }, () => sampleSpan({ name: 'large' })))
    await exporter.flush()
    const batches = sink.requests().map(({ spans }) => spans.map(({ name }) => name).join(''))
    expect(batches.sort()).toEqual(['0011', '2233', '4455', '6677', '8899', 'large'.repeat(7)])
  })

  it('go when they have waited long enough', async () => {
    const exporter = exporterTo('http', { queue: { maxCoalescingDelay: 0.02 } })
    record(exporter)
    record(exporter)
    expect((await sink.waitForSpans(2)).length).toBe(2)
    expect(sink.requests().length).toBe(1)
  })

  it('stay below their size in bytes', async () => {
    const batchBytes = 20_000
    const exporter = exporterTo('http', { limits: { batchBytes }, queue: { maxCoalescingDelay: 60 } })
    const attributes = attributesOf([['text', 'string', 'x'.repeat(3000)]])
    for (let i = 0; i < 20; i++) exporter.record([sampleSpan({ attributes })])
    await exporter.flush()
    expect(sink.spans().length).toBe(20)
    const sizes = sink.requests().map(({ headers }) => Number(headers['content-length']))
    expect(Math.max(...sizes)).toBeLessThanOrEqual(batchBytes)
    expect(sizes.filter((size) => size < batchBytes - 4000).length).toBeLessThanOrEqual(1)
  })

  it('do not hold what is too large, and go on with what is not', async () => {
    const exporter = exporterTo('http', { limits: { batchBytes: 10_000 } })
    record(exporter, 'small')
    exporter.record([sampleSpan(), sampleSpan({ attributes: attributesOf([['text', 'string', 'x'.repeat(10_000)]]) })])
    record(exporter, 'small')
    expect(isBalanced(exporter.counts())).toBe(true)
    await exporter.flush()
    expect(sink.spans().map(({ name }) => name)).toEqual(['small', 'small'])
    expect(exporter.counts()).toMatchObject({
      ended: 3,
      sent: 2,
      dropped: { too_large: 1 },
      spans: { ended: 4, sent: 2, dropped: 2 },
    })
  })
})

describe('the queue', () => {
  it('holds no more exchanges than it may', async () => {
    const exporter = exporterTo('http', { queue: { maxEntries: 30, maxBatchSize: 2 } })
    sink.behave({ kind: 'hold' })
    for (let i = 0; i < 100; i++) record(exporter)
    expect(exporter.counts()).toMatchObject({ ended: 100, queued: 14, inFlight: 16, dropped: { queue_full: 70 } })
    sink.behave({ kind: 'accept' })
    await sink.waitForRequests(8)
    sink.release()
    await exporter.flush()
    expect(exporter.counts()).toMatchObject({ queued: 0, inFlight: 0, sent: 30, heldBytes: 0 })
    record(exporter)
    await exporter.flush()
    expect(exporter.counts()).toMatchObject({ ended: 101, sent: 31 })
  })

  it('holds no more bytes than it may', async () => {
    const queueBytes = 50_000
    const exporter = exporterTo('http', { limits: { queueBytes }, queue: { maxBatchSize: 3 } })
    sink.behave({ kind: 'hold' })
    const attributes = attributesOf([['text', 'string', 'x'.repeat(1000)]])
    for (let i = 0; i < 100; i++) {
      exporter.record([sampleSpan({ attributes })])
      expect(exporter.counts().heldBytes).toBeLessThanOrEqual(queueBytes)
      expect(isBalanced(exporter.counts())).toBe(true)
    }
    const { dropped, heldBytes } = exporter.counts()
    expect(heldBytes).toBeGreaterThan(queueBytes - 2000)
    expect(dropped.queue_full).toBeGreaterThan(50)
  })

  it('does not care for a receiver that is slow: recording comes back at once, whatever is in flight', () => {
    const exporter = exporterTo('grpc')
    sink.behave({ kind: 'hold' })
    const results = Array.from({ length: 1000 }, () => exporter.record([sampleSpan()]))
    expect(results.every((result) => result === undefined)).toBe(true)
    // The event loop has not turned, so nothing can have been answered: all of it is held.
    expect(exporter.counts()).toMatchObject({ ended: 1000, sent: 0, refused: 0 })
    expect(exporter.counts().queued + exporter.counts().inFlight).toBe(1000)
  })
})

describe('a bug in what is recorded', () => {
  it('is counted and told once, and does not reach who records', async () => {
    const exporter = exporterTo('http')
    const broken = { ...sampleSpan(), attributes: undefined as never }
    exporter.record([sampleSpan(), broken])
    exporter.record([broken])
    record(exporter, 'good')
    await exporter.flush()
    expect(sink.spans().map(({ name }) => name)).toEqual(['good'])
    expect(exporter.counts()).toMatchObject({ ended: 3, sent: 1, dropped: { encoder_failed: 2 } })
    expect(rig.lines.map(({ msg }) => msg)).toEqual(['cannot encode a span'])
  })
})

describe('the end of an exporter', () => {
  it('delivers what is there and takes nothing more', async () => {
    const exporter = exporterTo('http', { queue: { maxCoalescingDelay: 60 } })
    for (let i = 0; i < 10; i++) record(exporter)
    const closed = exporter.close(60_000)
    record(exporter)
    await closed
    expect(sink.spans().length).toBe(10)
    expect(exporter.counts()).toMatchObject({ ended: 11, sent: 10, dropped: { shutdown: 1 } })
  })

  it('does not wait longer than it may', async () => {
    const exporter = exporterTo('grpc', { queue: { maxBatchSize: 1 } })
    sink.behave({ kind: 'hold' })
    for (let i = 0; i < 20; i++) record(exporter)
    await sink.waitForRequests(1)
    const patient = exporter.close(600_000)
    await exporter.close(0)
    await patient
    expect(exporter.counts()).toMatchObject({ ended: 20, dropped: { shutdown: 20 }, heldBytes: 0 })
    expect(isBalanced(exporter.counts())).toBe(true)
  })

  it('resolves flushes that wait for what is dropped', async () => {
    const exporter = exporterTo('http')
    sink.behave({ kind: 'hold' })
    record(exporter)
    const flushed = exporter.flush()
    await exporter.close(0)
    await flushed
    expect(exporter.counts()).toMatchObject({ queued: 0, inFlight: 0, dropped: { shutdown: 1 } })
  })
})
