import { join } from 'node:path'
import { type MockModel, startMockModel } from '../../cli/demo/mock-model.ts'
import { createCertificateAuthority } from '../support/certificates.ts'
import { ask } from '../support/client.ts'
import type { DecodedSpan } from '../support/otlp-decoding.ts'
import { type OtlpSink, type SinkRequest, startOtlpSink } from '../support/otlp-sink.ts'
import { type ManifestFolder, manifestFolder, startWeir } from '../support/weir-process.ts'
import { CHAT_REQUEST, TAB_SPANS } from './expected-spans.ts'

const PROVIDER = 'generativelanguage.googleapis.com'
const LANGFUSE = 'us.cloud.langfuse.com'
/** Where the tabs but Langfuse's send spans, by gRPC. */
const COLLECTORS = ['jaeger-collector.jaeger.svc.cluster.local:4317', 'localhost:4317']

/** The provider tabs as a reader of the documents has them, each in a process of its own, with a model and a collector. */
describe('the provider tabs', () => {
  const authority = createCertificateAuthority()
  let folder: ManifestFolder
  let model: MockModel
  let plaintext: OtlpSink
  let langfuse: OtlpSink

  beforeAll(async () => {
    folder = manifestFolder({ 'ca.pem': authority.certificate })
    model = await startMockModel({ host: '127.0.0.1', port: 0, tls: authority.issue([PROVIDER]) })
  })

  beforeEach(async () => {
    plaintext = await startOtlpSink()
    langfuse = await startOtlpSink({ tls: authority.issue([LANGFUSE]) })
  })

  afterEach(async () => {
    await plaintext.close()
    await langfuse.close()
  })

  afterAll(async () => {
    await model.close()
    folder.delete()
  })

  /** Sends the request twice, not streamed and streamed. */
  async function spansOf(tab: string): Promise<{ spans: readonly DecodedSpan[]; requests: readonly SinkRequest[] }> {
    const connectTo = [
      `${PROVIDER}:443:127.0.0.1:${model.port}`,
      `${LANGFUSE}:443:127.0.0.1:${langfuse.httpPort}`,
      ...COLLECTORS.map((collector) => `${collector}:127.0.0.1:${plaintext.grpcPort}`),
    ]
    const weir = await startWeir({
      paths: ['base.yaml', `${tab}.yaml`].map((file) => join(import.meta.dirname, 'tabs', file)),
      ports: [80],
      args: connectTo.flatMap((rule) => ['--connect-to', rule]),
      env: { NODE_EXTRA_CA_CERTS: join(folder.path, 'ca.pem') },
    })
    try {
      for (const stream of [false, true]) {
        const body = JSON.stringify(stream ? { ...CHAT_REQUEST, stream } : CHAT_REQUEST)
        expect((await ask(weir.port(80), { path: '/gemini', body })).status).toBe(200)
      }
      const sink = tab.endsWith('langfuse') ? langfuse : plaintext
      return { spans: await sink.waitForSpans(2), requests: sink.requests() }
    } finally {
      await weir.stop()
    }
  }

  it.each(Object.entries(TAB_SPANS))('%s', async (tab, { whole, streamed }) => {
    const { spans, requests } = await spansOf(tab)
    const shapes = spans.map(({ name, attributes }) => ({
      name,
      attributes: attributes.map(({ key, kind }) => ({ key, kind })),
    }))
    expect(shapes).toEqual([whole, streamed])
    if (tab.endsWith('langfuse')) expectLangfuse(spans, requests)
    else {
      const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
      for (const request of requests) expect(request).toMatchObject({ protocol: 'grpc', path })
    }
  })
})

/** Protobuf by HTTP with the literal header of the document; prompt and completion are JSON. */
function expectLangfuse(spans: readonly DecodedSpan[], requests: readonly SinkRequest[]): void {
  for (const request of requests) {
    expect(request).toMatchObject({ protocol: 'http', path: '/api/public/otel/v1/traces' })
    expect(request.headers['authorization']).toBe('Basic <base64-encoded-credentials>')
  }
  for (const { attributes } of spans) {
    const json = (key: string): unknown => JSON.parse(String(attributes.find((one) => one.key === key)?.value))
    expect(json('gen_ai.prompt')).toEqual(CHAT_REQUEST.messages)
    expect(json('gen_ai.completion')).toEqual([{ role: 'assistant', content: expect.stringMatching(/\w+ \w+/) }])
  }
}
