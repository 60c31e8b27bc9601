import { chat } from '../support/client.ts'
import { type ExportStates, exportStates, unsettled } from '../support/export-states.ts'
import { sendLoad } from '../support/load.ts'
import { gatewayManifests, tracingConfigMap } from '../support/manifests.ts'
import { type OtlpSink, type SinkBehaviour, startOtlpSink } from '../support/otlp-sink.ts'
import { complete, type ScriptedUpstream, startUpstream } from '../support/upstream.ts'
import { type ManifestFolder, manifestFolder, startWeir, type WeirProcess } from '../support/weir-process.ts'

const REQUESTS = 400
const KiB = 1024
const MiB = 1024 * KiB

type Protocol = 'grpc' | 'http'

/** Lines of `config.tracing.exporters[0]`, beside its name, endpoint and protocol. */
interface Setting {
  readonly protocol: Protocol
  readonly exporter?: readonly string[]
}

describe('a collector in trouble', () => {
  let upstream: ScriptedUpstream
  const ending: (() => unknown)[] = []

  beforeAll(async () => {
    upstream = await startUpstream(complete, { records: false })
  })

  afterEach(async () => {
    for (const end of ending.splice(0).reverse()) await end()
  })

  afterAll(() => upstream.close())

  const sinkAt = async (ports: { readonly grpcPort?: number; readonly httpPort?: number } = {}): Promise<OtlpSink> => {
    const sink = await startOtlpSink(ports)
    ending.push(() => sink.close())
    return sink
  }

  const weirFor = async (sink: OtlpSink, { protocol, exporter = [] }: Setting): Promise<WeirProcess> => {
    const port = protocol === 'grpc' ? sink.grpcPort : sink.httpPort
    const keys = [`otlpEndpoint: "http://127.0.0.1:${port}"`, `otlpProtocol: ${protocol}`, ...exporter]
    const config = ['tracing:', '  randomSampling: true', '  exporters:', '  - name: collector']
    const folder: ManifestFolder = manifestFolder({
      'gateway.yaml': gatewayManifests(upstream.port),
      'tracing.yaml': tracingConfigMap({ config: [...config, ...keys.map((line) => `    ${line}`)] }),
    })
    ending.push(() => folder.delete())
    const weir = await startWeir({ paths: [folder.path], ports: [8080] })
    ending.push(() => weir.stop())
    return weir
  }

  /** Reads the counts; in every scrape they must add up. */
  const scrape = async (weir: WeirProcess): Promise<ExportStates> => {
    const states = exportStates(await weir.metrics(), 'collector')
    const { ended, sent, refused, dropped } = states
    expect(unsettled(states) + sent + refused + dropped).toBe(ended)
    return states
  }

  /** Scrapes one time after the other until the counts are as asked for; the test's own limit ends it else. */
  const scrapeUntil = async (weir: WeirProcess, holds: (states: ExportStates) => boolean): Promise<ExportStates> => {
    for (;;) {
      const states = await scrape(weir)
      if (holds(states)) return states
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /**
   * Sends requests, scraping all the while, and expects that each is answered.
   * @returns the counts as they are once all of the requests are among them
   */
  const traffic = async (weir: WeirProcess, count = REQUESTS, promptBytes = 20): Promise<ExportStates> => {
    const body = chat({ model: 'm', messages: [{ role: 'user', content: 'x'.repeat(promptBytes) }] })
    const before = await scrape(weir)
    let sending = true
    const load = sendLoad({
      port: weir.port(8080),
      count,
      concurrency: 16,
      request: () => ({ path: '/chat', body }),
    }).finally(() => {
      sending = false
    })
    let scrapes = 0
    for (; sending; scrapes++) await scrape(weir)
    expect(scrapes).toBeGreaterThan(0)
    expect(Object.fromEntries(await load)).toEqual({ 200: count })
    return await scrapeUntil(weir, ({ ended }) => ended >= before.ended + count)
  }

  const settled = (weir: WeirProcess): Promise<ExportStates> => scrapeUntil(weir, (states) => unsettled(states) === 0)

  /** What the log says of the exporter's deliveries. */
  const said = (weir: WeirProcess): string[] =>
    weir.logLines.filter((line) => line.msg.startsWith('traces ')).map((line) => `${line.level} ${line.msg}`)

  const expectOutageToldOnce = async (weir: WeirProcess): Promise<void> => {
    await weir.waitForLog((line) => line.msg === 'traces are delivered again')
    expect(said(weir)).toEqual(['warn traces cannot be delivered', 'info traces are delivered again'])
  }

  const differentSpans = (sink: OtlpSink): number => new Set(sink.spans().map((span) => span.spanId)).size

  describe.each<Protocol>(['grpc', 'http'])('by %s', (protocol) => {
    const exporter = ['queue: {maxCoalescingDelay: 0.05, maxRetryDelay: 0.2}']

    it('that is down loses nothing when it is back in time', async () => {
      const gone = await startOtlpSink()
      const { grpcPort, httpPort } = gone
      await gone.close()
      const weir = await weirFor(gone, { protocol, exporter })
      expect(await traffic(weir)).toMatchObject({ ended: REQUESTS, sent: 0, refused: 0, dropped: 0 })
      await weir.waitForLog((line) => line.msg === 'traces cannot be delivered')

      const back = await sinkAt({ grpcPort, httpPort })
      await traffic(weir)
      expect(await settled(weir)).toMatchObject({ ended: 2 * REQUESTS, sent: 2 * REQUESTS })
      expect(differentSpans(back)).toBe(2 * REQUESTS)
      await expectOutageToldOnce(weir)
    })

    it('that is down for too long costs the spans, counted', async () => {
      const gone = await startOtlpSink()
      const { grpcPort, httpPort } = gone
      await gone.close()
      const weir = await weirFor(gone, {
        protocol,
        exporter: ['queue: {maxCoalescingDelay: 0.05, maxRetryDelay: 0.05, maxRetryTime: 0.2}'],
      })
      await traffic(weir)
      expect(await settled(weir)).toMatchObject({ dropped: REQUESTS, sent: 0 })
      expect(await weir.metrics()).toContain(
        `weir_otlp_dropped_total{exporter="collector",reason="retry_exhausted"} ${REQUESTS}\n`,
      )

      const back = await sinkAt({ grpcPort, httpPort })
      // gRPC waits before it dials again: until then what is given up goes on being given up.
      for (let sent = 0; sent === 0; ) {
        await traffic(weir, 20)
        sent = (await settled(weir)).sent
      }
      const before = await scrape(weir)
      await traffic(weir)
      const after = await settled(weir)
      expect(after).toMatchObject({ sent: before.sent + REQUESTS, dropped: before.dropped })
      expect(differentSpans(back)).toBe(after.sent)
      await expectOutageToldOnce(weir)
    })

    it('that takes requests and does not answer holds up nobody', async () => {
      const sink = await sinkAt()
      sink.behave({ kind: 'hold' })
      const weir = await weirFor(sink, { protocol, exporter })
      // Every request is over, and of no span has the exporter heard anything.
      expect(await traffic(weir)).toMatchObject({ ended: REQUESTS, sent: 0, refused: 0, dropped: 0 })
      await sink.waitForRequests(1)
      expect(sink.spans()).toHaveLength(0)
      await weir.waitForLog((line) => line.msg === 'traces cannot be delivered')

      sink.behave({ kind: 'accept' })
      sink.release()
      await traffic(weir)
      expect(await settled(weir)).toMatchObject({ ended: 2 * REQUESTS, sent: 2 * REQUESTS })
      expect(differentSpans(sink)).toBe(2 * REQUESTS)
      await expectOutageToldOnce(weir)
    })

    it.each<[string, SinkBehaviour, string]>([
      ['that refuses', { kind: 'refuse', message: 'no such tenant' }, 'no such tenant'],
      ['that answers garbage', { kind: 'garbage' }, 'not OTLP'],
    ])('%s costs the spans, counted', async (_, behaviour, cause) => {
      const sink = await sinkAt()
      sink.behave(behaviour)
      const weir = await weirFor(sink, { protocol, exporter })
      await traffic(weir)
      expect(await settled(weir)).toMatchObject({ ended: REQUESTS, refused: REQUESTS })
      const line = await weir.waitForLog((one) => one.msg === 'traces cannot be delivered')
      expect(line.text).toContain(cause)

      sink.behave({ kind: 'accept' })
      await traffic(weir)
      expect(await settled(weir)).toMatchObject({ ended: 2 * REQUESTS, sent: REQUESTS, refused: REQUESTS, dropped: 0 })
      expect(differentSpans(sink)).toBe(REQUESTS)
      await expectOutageToldOnce(weir)
    })

    it.each<[string, SinkBehaviour]>([
      ['that is overloaded', { kind: 'unavailable' }],
      ['that cuts connections', { kind: 'reset' }],
    ])('%s gets all of it later', async (_, behaviour) => {
      const sink = await sinkAt()
      sink.behave(behaviour)
      const weir = await weirFor(sink, { protocol, exporter })
      expect(await traffic(weir)).toMatchObject({ ended: REQUESTS, sent: 0, refused: 0, dropped: 0 })
      await weir.waitForLog((line) => line.msg === 'traces cannot be delivered')

      sink.behave({ kind: 'accept' })
      await traffic(weir)
      expect(await settled(weir)).toMatchObject({ ended: 2 * REQUESTS, sent: 2 * REQUESTS })
      expect(differentSpans(sink)).toBe(2 * REQUESTS)
      await expectOutageToldOnce(weir)
    })
  })

  it('costs no more memory than the queue may take', async () => {
    const promptBytes = 256 * KiB
    const sink = await sinkAt()
    const weir = await weirFor(sink, {
      protocol: 'grpc',
      exporter: [
        `limits: {queueBytes: ${4 * MiB}, batchBytes: ${MiB}, attributeBytes: ${MiB}}`,
        "fields: {add: {gen_ai.prompt: 'flattenRecursive(llm.prompt)'}}",
        'queue: {maxCoalescingDelay: 0.05}',
      ],
    })
    // Warm: buffers, pools and code are there before memory is looked at.
    await traffic(weir, 200, promptBytes)
    const warm = await settled(weir)
    expect(sink.spans()[0]?.attributes.find((one) => one.key === 'gen_ai.prompt.0.content')?.value).toHaveLength(
      promptBytes,
    )
    const before = weir.rssBytes()

    sink.behave({ kind: 'hold' })
    const count = 2000
    let most = 0
    const watch = setInterval(() => {
      most = Math.max(most, weir.rssBytes())
    }, 20)
    const { ended, dropped } = await traffic(weir, count, promptBytes).finally(() => clearInterval(watch))
    expect(ended).toBe(warm.ended + count)
    // At most 16 prompts fit into the queue.
    expect(dropped - warm.dropped).toBeGreaterThanOrEqual(count - 16)
    // Unbounded it would be 500 MiB.
    expect(Math.max(most, weir.rssBytes()) - before).toBeLessThan(192 * MiB)
  })
})
