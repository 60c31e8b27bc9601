import OpenAI, { AuthenticationError, BadRequestError, InternalServerError, RateLimitError } from 'openai'
import { type ChatRig, providerAt, startChatRig } from '../../test/support/chat-rig.ts'
import { complete, type ScriptedUpstream, startUpstream } from '../../test/support/upstream.ts'

const open: { close(): unknown }[] = []

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

/** The official client with its defaults, in front of a gateway, in front of a provider that does what the test says. */
async function clientOf(
  script: ScriptedUpstream['script'],
): Promise<{ client: OpenAI; rig: ChatRig; upstream: ScriptedUpstream }> {
  const upstream = await startUpstream(script)
  open.push(upstream)
  const auth = { kind: 'credential', credential: 'c' } as const
  const rig = await startChatRig({ groups: [[providerAt(upstream.port, { auth })]], tokens: { c: 'real-key' } })
  open.push(rig)
  const client = new OpenAI({ baseURL: `http://127.0.0.1:${rig.port}/v1`, apiKey: 'client-key', maxRetries: 0 })
  return { client, rig, upstream }
}

const chunk = (choices: readonly object[], usage: object | null): string =>
  `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'gpt-real', choices, usage })}\n\n`

const stream: ScriptedUpstream['script'] = (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const delta = (content: string): object => ({ index: 0, delta: { content }, finish_reason: null })
  response.write(chunk([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }], null))
  response.write(chunk([delta('Hel')], null) + chunk([delta('lo')], null).slice(0, 40))
  response.write(chunk([delta('lo')], null).slice(40))
  response.write(chunk([{ index: 0, delta: {}, finish_reason: 'stop' }], null))
  response.write(chunk([], { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 }))
  response.end('data: [DONE]\n\n')
}

const ASK = { model: 'gpt', messages: [{ role: 'user' as const, content: 'hi' }] }

describe('the official openai client', () => {
  it('gets an answer with its default headers', async () => {
    const { client, rig, upstream } = await clientOf(complete)
    const answer = await client.chat.completions.create(ASK)
    expect(answer.choices[0]?.message.content).toBe('Scattering.')
    expect(answer.usage?.total_tokens).toBe(15)
    expect(upstream.requests[0]?.headers.authorization).toBe('Bearer real-key')
    expect(upstream.requests[0]?.headers['accept-encoding']).toBe('identity')
    const [exchange] = await rig.recorder.untilEnded(1)
    expect(exchange?.llm).toMatchObject({ inputTokens: 12, outputTokens: 3, responseId: 'chatcmpl-1' })
  })

  it.each([
    [true, [null, null, null, null, 7]],
    [false, [undefined, undefined, undefined, undefined]],
  ])('reads a stream (usage asked for: %s), and the facts are the same', async (asks, usages) => {
    const { client, rig } = await clientOf(stream)
    const parts = await client.chat.completions.create({
      ...ASK,
      stream: true,
      ...(asks && { stream_options: { include_usage: true } }),
    })
    let text = ''
    const seen: unknown[] = []
    for await (const part of parts) {
      text += part.choices[0]?.delta.content ?? ''
      seen.push(part.usage?.total_tokens ?? part.usage)
    }
    expect(text).toBe('Hello')
    expect(seen).toEqual(usages)
    const [exchange] = await rig.recorder.untilEnded(1)
    expect(exchange?.llm).toMatchObject({
      streaming: true,
      responseModel: 'gpt-real',
      responseId: 'c1',
      finishReasons: ['stop'],
      inputTokens: 5,
      outputTokens: 2,
      totalTokens: 7,
    })
  })

  it.each([
    [401, 'application/json', AuthenticationError],
    [429, 'text/html', RateLimitError],
    [502, 'text/html', InternalServerError],
  ])('throws its own exception for a %s of type %s', async (status, type, exception) => {
    const { client } = await clientOf((_request, response) => {
      response.writeHead(status, { 'content-type': type }).end('{"error":{"message":"no","code":"x"}}')
    })
    await expect(client.chat.completions.create(ASK)).rejects.toThrow(exception)
  })

  it('reads the gateway’s own errors', async () => {
    const { client, upstream } = await clientOf(complete)
    const failed = await client.chat.completions.create({ ...ASK, model: '' }).catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(BadRequestError)
    expect(failed).toMatchObject({ code: 'model_not_specified', type: 'invalid_request_error', param: null })
    expect(upstream.requests).toEqual([])
  })
})
