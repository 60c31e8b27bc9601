import { join } from 'node:path'
import { type MockModel, startMockModel } from '../../cli/demo/mock-model.ts'
import { createCertificateAuthority } from '../support/certificates.ts'
import { ask, chat } from '../support/client.ts'
import { type OtlpSink, startOtlpSink } from '../support/otlp-sink.ts'
import { type ManifestFolder, manifestFolder, startWeir, type WeirProcess } from '../support/weir-process.ts'

/** The Gemini document, as its reader has it: its manifests, a model behind TLS, a collector, `weir run`. */
const DOCUMENT = join(import.meta.dirname, '../documents/gemini')
const PROVIDER = 'generativelanguage.googleapis.com'
const COLLECTOR = 'opentelemetry-collector-traces.telemetry.svc.cluster.local:4317'

describe('the Gemini document', () => {
  const authority = createCertificateAuthority()
  let folder: ManifestFolder
  let model: MockModel
  let sink: OtlpSink
  const started: WeirProcess[] = []

  beforeAll(async () => {
    folder = manifestFolder({ 'ca.pem': authority.certificate })
    const { certificate, privateKey } = authority.issue([PROVIDER])
    model = await startMockModel({ host: '127.0.0.1', port: 0, tls: { certificate, privateKey } })
    sink = await startOtlpSink()
  })

  afterEach(async () => {
    for (const weir of started.splice(0)) await weir.stop()
  })

  afterAll(async () => {
    await model.close()
    await sink.close()
    folder.delete()
  })

  const start = async (env: Readonly<Record<string, string>>, upstreamPort = model.port): Promise<WeirProcess> => {
    const args = [
      '--connect-to',
      `${PROVIDER}:443:127.0.0.1:${upstreamPort}`,
      '--connect-to',
      `${COLLECTOR}:127.0.0.1:${sink.grpcPort}`,
    ]
    const weir = await startWeir({ paths: [DOCUMENT], ports: [80], args, env })
    started.push(weir)
    return weir
  }
  const trusting = (): Readonly<Record<string, string>> => ({ NODE_EXTRA_CA_CERTS: join(folder.path, 'ca.pem') })

  it('answers, logs and traces as the document shows', async () => {
    const weir = await start(trusting())
    const answer = await ask(weir.port(80), { path: '/gemini', body: chat() })
    expect(answer.status).toBe(200)
    const body = JSON.parse(answer.body.toString()) as {
      object: string
      model: string
      usage: { prompt_tokens: number; completion_tokens: number }
    }
    expect(body.object).toBe('chat.completion')

    const seen = model.requests.at(-1)
    expect(seen?.path).toBe('/v1beta/openai/chat/completions')
    expect(seen?.headers.authorization).toBe('Bearer not-a-real-gemini-key')
    expect(seen?.headers.host).toBe(PROVIDER)
    expect(JSON.parse(seen?.body ?? '{}')).toEqual({
      ...JSON.parse(chat()),
      model: 'gemini-1.5-flash-latest',
    })

    const [line] = await weir.waitForAccessLines(1)
    const { prompt_tokens, completion_tokens } = body.usage
    expect(line).toMatch(
      new RegExp(
        `^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}Z\\tinfo\\trequest gateway=kgateway-system/agentgateway listener=http ` +
          `route=kgateway-system/google endpoint=generativelanguage\\.googleapis\\.com:443 src\\.addr=127\\.0\\.0\\.1:\\d+ http\\.method=POST ` +
          `http\\.host=localhost http\\.path=/gemini http\\.version=HTTP/1\\.1 http\\.status=200 trace\\.id=[0-9a-f]{32} span\\.id=[0-9a-f]{16} ` +
          `llm\\.provider=gemini llm\\.request\\.model= llm\\.request\\.tokens=${prompt_tokens} llm\\.response\\.model=${body.model} ` +
          `llm\\.response\\.tokens=${completion_tokens} duration=\\d+ms$`,
      ),
    )

    const [span] = await sink.waitForSpans(1)
    expect(span).toMatchObject({ name: 'POST /gemini', kind: 2, parentSpanId: '', status: { code: 0 } })
    expect(span?.attributes.map(({ key, kind, value }) => [key, kind, value])).toEqual([
      ['gateway', 'string', 'kgateway-system/agentgateway'],
      ['listener', 'string', 'http'],
      ['route', 'string', 'kgateway-system/google'],
      ['endpoint', 'string', `${PROVIDER}:443`],
      ['src.addr', 'string', expect.stringMatching(/^127\.0\.0\.1:\d+$/)],
      ['http.method', 'string', 'POST'],
      ['http.host', 'string', 'localhost'],
      ['http.path', 'string', '/gemini'],
      ['http.version', 'string', 'HTTP/1.1'],
      ['http.status', 'int', 200],
      ['trace.id', 'string', span?.traceId],
      ['span.id', 'string', span?.spanId],
      ['llm.provider', 'string', 'gemini'],
      ['llm.request.model', 'string', ''],
      ['llm.request.tokens', 'int', prompt_tokens],
      ['llm.response.model', 'string', body.model],
      ['llm.response.tokens', 'int', completion_tokens],
      ['duration', 'string', expect.stringMatching(/^\d+ms$/)],
      ['url.scheme', 'string', 'http'],
      ['network.protocol.version', 'string', '1.1'],
      ['gen_ai.operation.name', 'string', 'chat'],
      ['gen_ai.system', 'string', 'gemini'],
      ['gen_ai.request.model', 'string', ''],
      ['gen_ai.response.model', 'string', body.model],
      ['gen_ai.usage.completion_tokens', 'int', completion_tokens],
      ['gen_ai.usage.prompt_tokens', 'int', prompt_tokens],
    ])
    expect(line).toContain(`trace.id=${span?.traceId} span.id=${span?.spanId}`)
  })

  it('sends nothing when it does not trust the provider', async () => {
    const weir = await start({ NODE_EXTRA_CA_CERTS: '' })
    const before = model.requests.length
    const answer = await ask(weir.port(80), { path: '/gemini', body: chat() })
    expect(answer.status).toBe(502)
    expect(JSON.parse(answer.body.toString())).toMatchObject({
      error: { message: expect.any(String), type: expect.any(String) },
    })
    expect(model.requests).toHaveLength(before)
  })

  it('sends nothing when the certificate is for another name', async () => {
    const { certificate, privateKey } = authority.issue(['other.example'])
    const impostor = await startMockModel({ host: '127.0.0.1', port: 0, tls: { certificate, privateKey } })
    try {
      const weir = await start(trusting(), impostor.port)
      expect((await ask(weir.port(80), { path: '/gemini', body: chat() })).status).toBe(502)
      expect(impostor.requests).toEqual([])
    } finally {
      await impostor.close()
    }
  })
})
