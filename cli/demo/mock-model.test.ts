import { request as tlsRequest } from 'node:https'
import OpenAI from 'openai'
import { createCertificateAuthority } from '../../test/support/certificates.ts'
import { type MockModel, startMockModel } from './mock-model.ts'

let model: MockModel

beforeEach(async () => {
  model = await startMockModel({ port: 0, host: '127.0.0.1' })
})

afterEach(() => model.close())

const CHAT = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'What is a weir?' }] }
const TOOL = { type: 'function', function: { name: 'lookup', parameters: { type: 'object' } } } as const

interface Chunk {
  choices: { index: number; delta: { content?: string; tool_calls?: unknown[] }; finish_reason: string | null }[]
  usage?: { total_tokens: number } | null
}

function post(body: unknown, path = '/v1/chat/completions', headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${model.port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

interface Whole {
  id: string
  choices: { message: { content: string | null }; finish_reason: string }[]
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number }
}

async function wholeOf(response: Promise<Response>): Promise<Whole> {
  return (await (await response).json()) as Whole
}

/** The events of a stream, which must end in `[DONE]`. */
async function chunksOf(response: Response): Promise<Chunk[]> {
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  const events = (await response.text()).split('\n\n')
  expect(events.slice(-2)).toEqual(['data: [DONE]', ''])
  return events.slice(0, -2).map((event) => JSON.parse(event.replace(/^data: /, '')) as Chunk)
}

describe('the mock model', () => {
  it('answers whole, with usage, and records the request', async () => {
    const response = await post(CHAT, '/any/path/chat/completions?x=1', { authorization: 'Bearer k' })
    expect(response.status).toBe(200)
    const answer = (await response.json()) as Whole
    expect(answer).toMatchObject({
      object: 'chat.completion',
      model: 'gpt-4o-mini',
      choices: [{ index: 0, message: { role: 'assistant' }, finish_reason: 'stop' }],
    })
    expect(answer.id).toMatch(/^chatcmpl-[A-Za-z0-9]{29}$/)
    expect(answer.usage.total_tokens).toBe(answer.usage.prompt_tokens + answer.usage.completion_tokens)
    expect(answer.usage.completion_tokens).toBeGreaterThan(5)
    expect(model.requests).toMatchObject([
      { method: 'POST', path: '/any/path/chat/completions?x=1', headers: { authorization: 'Bearer k' } },
    ])
    expect(JSON.parse(model.requests[0]?.body ?? '')).toEqual(CHAT)
  })

  it('streams the same text, with null usage in each event and the counts in the last when asked', async () => {
    const whole = await wholeOf(post(CHAT))
    const chunks = await chunksOf(await post({ ...CHAT, stream: true, stream_options: { include_usage: true } }))
    const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')
    expect(text).toBe(whole.choices[0]?.message.content)
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true)
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage })
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop')
  })

  it('says nothing of usage in a stream that did not ask', async () => {
    const chunks = await chunksOf(await post({ ...CHAT, stream: true }))
    expect(chunks.filter((chunk) => 'usage' in chunk)).toEqual([])
    expect(chunks.filter((chunk) => chunk.choices.length === 0)).toEqual([])
  })

  it('has the habits of Gemini on its path', async () => {
    const path = '/v1beta/openai/chat/completions'
    const whole = await wholeOf(post(CHAT, path))
    expect(whole).not.toHaveProperty('system_fingerprint')
    expect(Object.keys(whole.usage)).toEqual(['prompt_tokens', 'completion_tokens', 'total_tokens'])
    const chunks = await chunksOf(await post({ ...CHAT, stream: true, stream_options: { include_usage: true } }, path))
    expect(chunks.at(-1)).toMatchObject({ choices: [{ finish_reason: 'stop' }], usage: whole.usage })
  })

  it('calls an offered tool once, whole and streamed', async () => {
    const whole = await wholeOf(post({ ...CHAT, tools: [TOOL] }))
    expect(whole.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        content: null,
        tool_calls: [{ function: { name: 'lookup', arguments: '{"input":"What is a weir?"}' } }],
      },
    })
    const chunks = await chunksOf(await post({ ...CHAT, tools: [TOOL], stream: true }))
    const pieces = chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []) as {
      function: { arguments: string }
    }[]
    expect(pieces.map((piece) => piece.function.arguments).join('')).toBe('{"input":"What is a weir?"}')
    const messages = [...CHAT.messages, { role: 'tool', content: 'a dam', tool_call_id: 'x' }]
    const after = await wholeOf(post({ ...CHAT, messages, tools: [TOOL] }))
    expect(after.choices[0]?.finish_reason).toBe('stop')
  })

  it('keeps to n and max_tokens', async () => {
    const answer = await wholeOf(post({ ...CHAT, n: 2, max_tokens: 3 }))
    expect(answer.choices.map((choice) => choice.finish_reason)).toEqual(['length', 'length'])
    expect(answer.usage.completion_tokens).toBe(6)
  })

  it.each([
    ['a header', CHAT, '/v1/chat/completions', { 'x-mock-status': '429' }, 429],
    ['the path', CHAT, '/status/503/chat/completions', {}, 503],
    [
      'the message',
      { ...CHAT, messages: [{ role: 'user', content: 'please fail with 401' }] },
      '/chat/completions',
      {},
      401,
    ],
    ['bad JSON', '{"model"', '/chat/completions', {}, 400],
    ['no model', { ...CHAT, model: '' }, '/chat/completions', {}, 400],
    ['no messages', { model: 'm' }, '/chat/completions', {}, 400],
    ['another path', CHAT, '/v1/models', {}, 404],
  ])('refuses on %s', async (_, body, path, headers, status) => {
    const response = await post(body, path, headers)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { message: expect.stringMatching(/\w/), param: null } })
  })

  it('holds back the events of a stream when asked', async () => {
    const response = await post({ ...CHAT, stream: true }, '/v1/chat/completions', { 'x-mock-chunk-delay-ms': '1' })
    expect((await chunksOf(response)).length).toBeGreaterThan(3)
  })

  it('survives a client that leaves in the middle', async () => {
    const abort = new AbortController()
    const leaving = fetch(`http://127.0.0.1:${model.port}/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ ...CHAT, stream: true }),
      headers: { 'x-mock-chunk-delay-ms': '20' },
      signal: abort.signal,
    })
    const reader = (await leaving).body?.getReader()
    await reader?.read()
    abort.abort()
    await expect(reader?.read()).rejects.toThrow()
    expect((await post(CHAT)).status).toBe(200)
  })

  it('is understood by the official client', async () => {
    const client = new OpenAI({ apiKey: 'k', baseURL: `http://127.0.0.1:${model.port}/v1`, maxRetries: 0 })
    const stream = await client.chat.completions.create({
      model: 'gpt-4o',
      messages: [{ role: 'user', content: 'hello' }],
      stream: true,
      stream_options: { include_usage: true },
    })
    let [text, total] = ['', 0]
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      total = chunk.usage?.total_tokens ?? total
    }
    expect(text.length).toBeGreaterThan(20)
    expect(total).toBeGreaterThan(10)
    await expect(
      client.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'fail with 429' }] }),
    ).rejects.toMatchObject({ status: 429, code: 'rate_limit_exceeded' })
  })

  it('speaks TLS', async () => {
    const authority = createCertificateAuthority()
    const tls = await startMockModel({ port: 0, host: '127.0.0.1', tls: authority.issue(['model.example']) })
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = tlsRequest(
        {
          host: '127.0.0.1',
          port: tls.port,
          method: 'POST',
          path: '/v1/chat/completions',
          servername: 'model.example',
          ca: authority.certificate,
          agent: false,
        },
        (response) => {
          response.resume()
          resolve(response.statusCode)
        },
      )
      request.on('error', reject)
      request.end(JSON.stringify(CHAT))
    })
    await tls.close()
    expect(status).toBe(200)
  })
})
