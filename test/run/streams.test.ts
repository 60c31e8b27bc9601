import OpenAI from 'openai'
import { type MockModel, startMockModel } from '../../cli/demo/mock-model.ts'
import { ask, chat } from '../support/client.ts'
import { chatManifests } from '../support/manifests.ts'
import { type OtlpSink, startOtlpSink } from '../support/otlp-sink.ts'
import { startUpstream } from '../support/upstream.ts'
import { type ManifestFolder, manifestFolder, startWeir, type WeirProcess } from '../support/weir-process.ts'

describe('streams through weir run', () => {
  let folder: ManifestFolder
  let model: MockModel
  let sink: OtlpSink
  let weir: WeirProcess

  beforeAll(async () => {
    model = await startMockModel({ host: '127.0.0.1', port: 0 })
    sink = await startOtlpSink()
    folder = manifestFolder({ 'all.yaml': chatManifests({ modelPort: model.port, otlpPort: sink.grpcPort }) })
    weir = await startWeir({ paths: [folder.path], ports: [8080] })
  })

  afterAll(async () => {
    await weir?.stop()
    await model?.close()
    await sink?.close()
    folder?.delete()
  })

  const direct = (body: string): Promise<string> =>
    ask(model.port, { path: '/v1/chat/completions', body }).then((answer) => answer.body.toString())
  /** Ids and times differ from answer to answer; everything else must not. */
  const normal = (text: string): string =>
    text.replace(/"id":"[^"]*"/g, '"id":""').replace(/"created":\d+/g, '"created":0')

  it('passes the first event on while the upstream still holds the second', async () => {
    const event = (text: string): string =>
      `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: text } }] })}\n\n`
    let sendSecond: () => void = () => {}
    const upstream = await startUpstream((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(event('first'))
      sendSecond = () => response.end(`${event('second')}data: [DONE]\n\n`)
    })
    const holding = manifestFolder({ 'all.yaml': chatManifests({ modelPort: upstream.port }) })
    const gateway = await startWeir({ paths: [holding.path], ports: [8080] })
    try {
      const body = chat({ model: 'm', stream: true })
      const answer = await ask(gateway.port(8080), {
        path: '/chat',
        body,
        onChunk: (_chunk, soFar) => soFar === 1 && sendSecond(),
      })
      expect(answer.chunks[0]?.toString()).toBe(event('first'))
      expect(answer.body.toString()).toBe(`${event('first')}${event('second')}data: [DONE]\n\n`)
    } finally {
      await gateway.stop()
      await upstream.close()
      holding.delete()
    }
  })

  it('gives a client that asked for usage every byte as sent', async () => {
    const body = chat({ stream: true, model: 'mock-1', stream_options: { include_usage: true } })
    const answer = await ask(weir.port(8080), { path: '/chat', body })
    expect(normal(answer.body.toString())).toBe(normal(await direct(body)))
    expect(answer.body.toString()).toContain('"usage":{')
  })

  it('gives a client that did not ask exactly what the provider sends without the option', async () => {
    const body = chat({ stream: true, model: 'mock-1' })
    const answer = await ask(weir.port(8080), { path: '/chat', body })
    expect(normal(answer.body.toString())).toBe(normal(await direct(body)))
    expect(answer.body.toString()).not.toContain('usage')
    expect(JSON.parse(model.requests.at(-2)?.body ?? '{}')).toMatchObject({
      stream_options: { include_usage: true },
    })
  })

  it('serves the official client, which asks for compression, with all facts', async () => {
    const before = sink.spans().length
    const client = new OpenAI({ apiKey: 'client-key', baseURL: `http://127.0.0.1:${weir.port(8080)}/chat` })
    const messages = [{ role: 'user' as const, content: 'Why is the sky blue?' }]
    const whole = await client.chat.completions.create({ model: 'mock-1', messages })
    let text = ''
    for await (const event of await client.chat.completions.create({ model: 'mock-1', messages, stream: true })) {
      text += event.choices[0]?.delta.content ?? ''
    }
    expect(text).toBe(whole.choices[0]?.message.content)
    const spans = (await sink.waitForSpans(before + 2)).slice(before)
    for (const span of spans) {
      const of = (key: string): unknown => span.attributes.find((one) => one.key === key)?.value
      expect(of('llm.request.tokens')).toBe(whole.usage?.prompt_tokens)
      expect(of('llm.response.tokens')).toBe(whole.usage?.completion_tokens)
      expect(of('llm.response.model')).toBe(whole.model)
    }
  })
})
