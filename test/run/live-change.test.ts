import type { IncomingMessage, ServerResponse } from 'node:http'
import { Agent, request } from 'node:http'
import { ask, chat } from '../support/client.ts'
import { gatewayManifests, tracingConfigMap } from '../support/manifests.ts'
import type { DecodedSpan } from '../support/otlp-decoding.ts'
import { type OtlpSink, startOtlpSink } from '../support/otlp-sink.ts'
import { complete, type ScriptedUpstream, startUpstream } from '../support/upstream.ts'
import { type ManifestFolder, manifestFolder, startWeir, type WeirProcess } from '../support/weir-process.ts'

const CHANGES = 50
const STREAM_SECONDS = 60

/** A generation of the tracing ConfigMap: two attributes that must always come from the same one. */
const generation = (otlpPort: number, number: number): string =>
  tracingConfigMap({
    otlpPort,
    tracing: ['randomSampling: true', 'fields:', '  add:', `    first: '"${number}"'`, `    second: '"${number}"'`],
  })

const attributeOf = (span: DecodedSpan, key: string): unknown => span.attributes.find((one) => one.key === key)?.value

/** A completion, or, for a streamed request, an event each second for a minute. */
function answer(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  if (!body.includes('"stream":true')) return complete(request, response)
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  let left = STREAM_SECONDS
  const timer = setInterval(() => {
    response.write('data: {"choices":[{"index":0,"delta":{"content":"tick "}}]}\n\n')
    left--
    if (left > 0) return
    clearInterval(timer)
    response.end('data: [DONE]\n\n')
  }, 1000)
  response.on('close', () => clearInterval(timer))
}

/** Sends `perSecond` requests a second over kept connections until told to stop; counts what came back. */
function steadyLoad(port: number, perSecond: number): { stop(): Promise<{ sent: number; failed: number }> } {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const body = chat({ model: 'mock-1' })
  const headers = { host: 'localhost', 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  const running = new Set<Promise<void>>()
  let sent = 0
  let failed = 0
  const one = (): Promise<void> =>
    new Promise((resolve) => {
      const over = (good: boolean): void => {
        if (!good) failed++
        resolve()
      }
      const out = request({ host: '127.0.0.1', port, path: '/chat', method: 'POST', agent, headers }, (response) => {
        response.resume()
        response.on('end', () => over(response.statusCode === 200))
        response.on('error', () => over(false))
      })
      out.on('error', () => over(false))
      out.end(body)
    })
  const startedAt = performance.now()
  const timer = setInterval(() => {
    for (const due = ((performance.now() - startedAt) / 1000) * perSecond; sent < due; sent++) {
      const answer = one().finally(() => running.delete(answer))
      running.add(answer)
    }
  }, 10)
  return {
    stop: async () => {
      clearInterval(timer)
      await Promise.all(running)
      agent.destroy()
      return { sent, failed }
    },
  }
}

describe('live change', () => {
  let folder: ManifestFolder
  let model: ScriptedUpstream
  let sink: OtlpSink
  let weir: WeirProcess

  beforeAll(async () => {
    model = await startUpstream(answer)
    sink = await startOtlpSink()
    folder = manifestFolder({
      'gateway.yaml': gatewayManifests(model.port),
      'tracing.yaml': generation(sink.grpcPort, 0),
    })
    weir = await startWeir({ paths: [folder.path], ports: [8080] })
  })

  afterAll(async () => {
    await weir?.stop()
    await model?.close()
    await sink?.close()
    folder?.delete()
  })

  const applied = (): number => weir.logLines.filter((line) => line.msg === 'applied').length

  it('changes the tracing ConfigMap under load: no request fails, no span is lost or mixes generations, streams end whole', async () => {
    const body = chat({ model: 'mock-1', stream: true })
    const streams = Array.from({ length: 10 }, () => ask(weir.port(8080), { path: '/chat', body }))
    await model.waitForRequests(10)

    const load = steadyLoad(weir.port(8080), 500)
    for (let number = 1; number <= CHANGES; number++) {
      const before = applied()
      folder.write('tracing.yaml', generation(sink.grpcPort, number))
      await weir.waitForLog(() => applied() > before)
    }
    const { sent, failed } = await load.stop()
    expect(failed).toBe(0)
    for (const answer of await Promise.all(streams)) {
      expect(answer.status).toBe(200)
      expect(answer.body.toString().trimEnd().endsWith('data: [DONE]')).toBe(true)
    }

    const spans = await sink.waitForSpans(sent + streams.length)
    expect(spans).toHaveLength(sent + streams.length)
    expect(new Set(spans.map((span) => span.spanId)).size).toBe(spans.length)
    expect(
      spans.filter(
        (span) =>
          attributeOf(span, 'first') === undefined || attributeOf(span, 'first') !== attributeOf(span, 'second'),
      ),
    ).toEqual([])
    const generations = new Set(spans.map((span) => attributeOf(span, 'first')))
    expect(generations.size).toBeGreaterThan(CHANGES / 2)
    const ofStreams = spans.filter((span) => span.endNs - span.startNs > BigInt(STREAM_SECONDS - 5) * 1_000_000_000n)
    expect(ofStreams.map((span) => attributeOf(span, 'first'))).toEqual(Array(10).fill('0'))
  }, 180_000)

  it('keeps the last good telemetry when a change is broken, and says why', async () => {
    const before = sink.spans().length
    const appliedBefore = applied()
    folder.write('tracing.yaml', generation(sink.grpcPort, 77))
    await weir.waitForLog(() => applied() > appliedBefore)
    folder.write('tracing.yaml', `${generation(sink.grpcPort, 78)}\n        nonsense: [`)
    const said = await weir.waitForLog((line) => line.text.includes('tracing.yaml') && line.level === 'error')
    expect(said.text).toMatch(/tracing\.yaml:\d+:\d+: error: /)
    expect((await ask(weir.port(8080), { path: '/chat', body: chat({ model: 'mock-1' }) })).status).toBe(200)
    const span = (await sink.waitForSpans(before + 1)).at(-1) as DecodedSpan
    expect(attributeOf(span, 'first')).toBe('77')
  })

  it('applies a rotated secret, a new route and a removed one to the next request', async () => {
    const key = (): string | undefined => model.requests.at(-1)?.headers.authorization
    await ask(weir.port(8080), { path: '/chat', body: chat({ model: 'mock-1' }) })
    expect(key()).toBe('Bearer sk-test-model-0001')
    const change = async (text: string): Promise<void> => {
      const before = applied()
      folder.write('gateway.yaml', text)
      await weir.waitForLog(() => applied() > before)
    }
    const manifests = gatewayManifests(model.port)
    await change(manifests.replace('sk-test-model-0001', 'sk-test-model-0002'))
    await ask(weir.port(8080), { path: '/chat', body: chat({ model: 'mock-1' }) })
    expect(key()).toBe('Bearer sk-test-model-0002')
    await change(manifests.replace('value: /chat', 'value: /talk'))
    expect((await ask(weir.port(8080), { path: '/chat', body: chat({ model: 'mock-1' }) })).status).toBe(404)
    expect((await ask(weir.port(8080), { path: '/talk', body: chat({ model: 'mock-1' }) })).status).toBe(200)
  })
})
