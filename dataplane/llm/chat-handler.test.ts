import { type ChatRig, type ChatRigOptions, providerAt, startChatRig } from '../../test/support/chat-rig.ts'
import { type Answer, ask } from '../../test/support/client.ts'
import { COMPLETION, complete, type ScriptedUpstream, startUpstream } from '../../test/support/upstream.ts'
import { NO_CAPTURE } from '../exchange.ts'

const open: { close(): unknown }[] = []

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function upstreamOf(script: ScriptedUpstream['script'] = complete): Promise<ScriptedUpstream> {
  const upstream = await startUpstream(script)
  open.push(upstream)
  return upstream
}

async function rigOf(options: ChatRigOptions): Promise<ChatRig> {
  const rig = await startChatRig(options)
  open.push(rig)
  return rig
}

function errorOf(answer: Answer): unknown {
  expect(answer.headers['content-type']).toBe('application/json')
  return (JSON.parse(answer.body.toString()) as { error: unknown }).error
}

describe('a chat completion', () => {
  it('reaches the provider with its own address, model and token, and comes back as it was sent', async () => {
    const upstream = await upstreamOf()
    const auth = { kind: 'credential', credential: 'credential/ns/key' } as const
    const provider = providerAt(upstream.port, { provider: 'gemini', model: 'gemini-2.5-flash', auth })
    const { port, recorder, budget } = await rigOf({ groups: [[provider]], tokens: { 'credential/ns/key': 's3cret' } })
    const body = '{ "model" : "" ,"messages":[{"role":"user","content":"hi"}], "temperature": 0.5}'
    const answer = await ask(port, {
      path: '/gemini?x=y',
      body,
      headers: {
        authorization: 'Bearer gateway-key',
        'api-key': 'k',
        'x-goog-api-key': 'g',
        'accept-encoding': 'gzip, br',
        'x-other': 'stays',
      },
    })
    expect(answer.status).toBe(200)
    expect(answer.body.toString()).toBe(COMPLETION)
    const [request] = upstream.requests
    expect(request?.path).toBe('/v1beta/openai/chat/completions')
    expect(request?.body.toString()).toBe(body.replace('""', '"gemini-2.5-flash"'))
    expect(request?.headers).toEqual({
      host: `127.0.0.1:${upstream.port}`,
      'content-type': 'application/json',
      'x-other': 'stays',
      authorization: 'Bearer s3cret',
      'content-length': `${request?.body.length}`,
      'accept-encoding': 'identity',
    })
    const [exchange] = await recorder.untilEnded(1)
    expect(exchange?.llm).toMatchObject({
      provider: 'gemini',
      operation: 'chat',
      streaming: false,
      requestModel: '',
      upstreamModel: 'gemini-2.5-flash',
      responseModel: 'gpt-4o-mini-2024-07-18',
      responseId: 'chatcmpl-1',
      finishReasons: ['stop'],
      inputTokens: 12,
      outputTokens: 3,
      totalTokens: 15,
      prompt: undefined,
      completion: undefined,
      params: undefined,
    })
    expect(exchange?.attempts).toHaveLength(1)
    expect(budget.usedBytes).toBe(0)
  })

  it('keeps what somebody will read of the messages', async () => {
    const upstream = await upstreamOf()
    const { port, recorder } = await rigOf({ groups: [[providerAt(upstream.port)]] })
    recorder.prepare = (exchange) => {
      exchange.capture = { ...NO_CAPTURE, prompt: true, completion: true, toolCalls: true, params: true }
    }
    const messages = [
      { role: 'system', content: 'be brief' },
      {
        role: 'user',
        content: [{ type: 'text', text: 'why' }, { type: 'image_url' }, { type: 'text', text: 'blue?' }],
      },
      { role: 'assistant', content: null },
      'nonsense',
    ]
    await ask(port, { path: '/', body: JSON.stringify({ model: 'm', messages, max_tokens: 5, temperature: 1 }) })
    const [exchange] = await recorder.untilEnded(1)
    expect(exchange?.llm).toMatchObject({
      prompt: [
        { role: 'system', content: 'be brief' },
        { role: 'user', content: 'why blue?' },
        { role: 'assistant', content: '' },
      ],
      completion: ['Scattering.'],
      toolCalls: [],
      params: { max_tokens: 5n, temperature: 1 },
    })
  })

  it.each([
    ['the Backend lets them', { kind: 'passthrough' } as const, 'Bearer own', 'k'],
    ['else not', undefined, undefined, undefined],
  ])('passes the client’s credentials on if %s', async (_when, auth, authorization, apiKey) => {
    const upstream = await upstreamOf()
    const { port } = await rigOf({ groups: [[providerAt(upstream.port, auth === undefined ? {} : { auth })]] })
    const headers = { Authorization: 'Bearer own', 'Api-Key': 'k' }
    await ask(port, { path: '/', body: '{"model":"m"}', headers })
    expect(upstream.requests[0]?.headers.authorization).toBe(authorization)
    expect(upstream.requests[0]?.headers['api-key']).toBe(apiKey)
  })

  it('lets Azure’s deployment stand for the model', async () => {
    const upstream = await upstreamOf()
    const provider = providerAt(upstream.port, {
      provider: 'azureopenai',
      deploymentName: 'gpt 4o',
      apiVersion: '2025-01-01',
      auth: { kind: 'credential', credential: 'c' },
    })
    const { port, recorder } = await rigOf({ groups: [[provider]], tokens: { c: 'azure-key' } })
    expect((await ask(port, { path: '/', body: '{}' })).status).toBe(200)
    expect(upstream.requests[0]?.path).toBe('/openai/deployments/gpt%204o/chat/completions?api-version=2025-01-01')
    expect(upstream.requests[0]?.headers['api-key']).toBe('azure-key')
    expect(upstream.requests[0]?.headers.authorization).toBeUndefined()
    expect(upstream.requests[0]?.body.toString()).toBe('{}')
    const [exchange] = await recorder.untilEnded(1)
    expect(exchange?.llm).toMatchObject({ provider: 'azure', upstreamModel: 'gpt 4o', requestModel: undefined })
  })

  it('asks for usage in a stream, and leaves no mark of it', async () => {
    const chunk =
      '{"id":"a","model":"m","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}],"usage":null}'
    const usage =
      '{"id":"a","model":"m","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}'
    const upstream = await upstreamOf((_request, response) => {
      const stream = `data: ${chunk}\n\ndata: ${usage}\n\ndata: [DONE]\n\n`
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'content-length': stream.length })
      response.end(stream)
    })
    const { port, recorder } = await rigOf({ groups: [[providerAt(upstream.port)]] })
    const answer = await ask(port, { path: '/', body: '{"model":"m","stream":true}' })
    expect(upstream.requests[0]?.body.toString()).toBe(
      '{"stream_options":{"include_usage":true},"model":"m","stream":true}',
    )
    expect(answer.body.toString()).toBe(`data: ${chunk.replace(',"usage":null', '')}\n\ndata: [DONE]\n\n`)
    expect(answer.headers['content-length']).toBeUndefined()
    const asked = '{"model":"m","stream":true,"stream_options":{"include_usage":true}}'
    const whole = await ask(port, { path: '/', body: asked })
    expect(upstream.requests[1]?.body.toString()).toBe(asked)
    expect(whole.body.toString()).toBe(`data: ${chunk}\n\ndata: ${usage}\n\ndata: [DONE]\n\n`)
    for (const exchange of await recorder.untilEnded(2)) {
      expect(exchange.llm).toMatchObject({ streaming: true, inputTokens: 1, outputTokens: 2, finishReasons: ['stop'] })
      expect(exchange.llm?.firstTokenMs).toBeGreaterThanOrEqual(exchange.startMs)
    }
  })

  it('does not ask for usage where the Backend says Never', async () => {
    const upstream = await upstreamOf()
    const { port } = await rigOf({ groups: [[providerAt(upstream.port)]], body: { includeUsage: 'Never' } })
    await ask(port, { path: '/', body: '{"model":"m","stream":true}' })
    expect(upstream.requests[0]?.body.toString()).toBe('{"model":"m","stream":true}')
  })

  it('passes an event on while the provider still holds the next one', async () => {
    const event = 'data: {"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}],"usage":null}\n\n'
    let goOn = (): void => undefined
    const upstream = await upstreamOf((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(event)
      goOn = () => response.end('data: [DONE]\n\n')
    })
    const { port, budget } = await rigOf({ groups: [[providerAt(upstream.port)]] })
    const held: number[] = []
    const answer = await ask(port, {
      path: '/',
      body: '{"model":"m","stream":true}',
      onChunk: () => {
        held.push(budget.usedBytes)
        goOn()
      },
    })
    expect(answer.chunks.map(String)).toEqual([event.replace(',"usage":null', ''), 'data: [DONE]\n\n'])
    // The request's body is let go of when the answer begins, not when it ends.
    expect(held).toEqual([0, 0])
  })

  it('aborts the provider when the client leaves, and keeps the facts so far', async () => {
    const upstream = await upstreamOf((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(
        'data: {"model":"real","choices":[{"index":0,"delta":{"content":"par"},"finish_reason":null}]}\n\n',
      )
    })
    const { port, recorder, budget } = await rigOf({ groups: [[providerAt(upstream.port)]] })
    recorder.prepare = (exchange) => {
      exchange.capture = { ...NO_CAPTURE, completion: true }
    }
    const leaving = new AbortController()
    const answer = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      body: '{"model":"m","stream":true}',
      signal: leaving.signal,
    })
    await answer.body?.getReader().read()
    leaving.abort()
    await upstream.waitForAborted(1)
    const [exchange] = await recorder.untilEnded(1)
    expect(exchange?.outcome?.cut).toBe('downstream')
    expect(exchange?.llm).toMatchObject({ responseModel: 'real', completion: ['par'], finishReasons: [] })
    expect(budget.usedBytes).toBe(0)
  })

  it('cuts the answer when the provider breaks off in the middle', async () => {
    const upstream = await upstreamOf((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: {"model":"real","choices":[{"index":0,"delta":{},"finish_reason":null}]}\n\n', () =>
        response.destroy(),
      )
    })
    const { port, recorder } = await rigOf({ groups: [[providerAt(upstream.port)]] })
    await expect(ask(port, { path: '/', body: '{"model":"m","stream":true}' })).rejects.toThrow()
    const [exchange] = await recorder.untilEnded(1)
    expect(exchange?.outcome).toMatchObject({ cut: 'upstream', error: { code: 'upstream_reset' } })
    expect(exchange?.llm?.responseModel).toBe('real')
  })
})

describe('a request that cannot be served', () => {
  it.each([
    ['is no POST', 'GET', undefined, {}, 400, 'a chat completion is asked for by POST, not GET'],
    ['ends too early', 'POST', '{"model":"m"', {}, 400, 'invalid JSON at byte 12: it ends too early'],
    ['is a form', 'POST', 'model=m', {}, 400, 'invalid JSON at byte 0: a JSON object is expected'],
    ['has a model that is no text', 'POST', '{"model":1}', {}, 400, "'model' must be a string"],
    [
      'is compressed',
      'POST',
      '{"model":"m"}',
      { 'content-encoding': 'gzip' },
      400,
      "a request body with content-encoding 'gzip' cannot be read",
    ],
    [
      'is too large',
      'POST',
      JSON.stringify({ model: 'x'.repeat(2000) }),
      {},
      413,
      'the request body is larger than 1000 bytes',
    ],
  ])('%s', async (_what, method, body, headers, status, message) => {
    const upstream = await upstreamOf()
    const { port, recorder, budget } = await rigOf({
      groups: [[providerAt(upstream.port)]],
      body: { maxRequestBytes: 1000 },
    })
    const answer = await ask(port, { path: '/', method, headers, ...(body !== undefined && { body }) })
    expect(answer.status).toBe(status)
    const code = status === 413 ? 'request_too_large' : 'invalid_request'
    expect(errorOf(answer)).toEqual({ message, type: 'invalid_request_error', param: null, code })
    expect(upstream.requests).toEqual([])
    await recorder.untilEnded(1)
    expect(budget.usedBytes).toBe(0)
  })

  it.each(['{}', '{"model":""}', '{"model":null}'])('names no model: %s', async (body) => {
    const { port, recorder } = await rigOf({ groups: [[providerAt(9)]] })
    const answer = await ask(port, { path: '/', body })
    expect(answer.status).toBe(400)
    expect(errorOf(answer)).toMatchObject({ code: 'model_not_specified', type: 'invalid_request_error' })
    const [exchange] = await recorder.untilEnded(1)
    expect(exchange?.llm?.provider).toBe('openai')
    expect(exchange?.attempts).toEqual([])
  })

  it.each([
    ['is not there', {}, "the credential of provider 'p' is missing"],
    ['is empty', { c: '' }, "the credential of provider 'p' is missing"],
    ['has a line break', { c: 'to\nken' }, "the credential of provider 'p' cannot stand in a header"],
  ])('has a provider whose credential %s', async (_what, tokens, message) => {
    const upstream = await upstreamOf()
    const provider = providerAt(upstream.port, { name: 'p', auth: { kind: 'credential', credential: 'c' } })
    const { port, bugs } = await rigOf({ groups: [[provider]], tokens })
    const answer = await ask(port, { path: '/', body: '{"model":"m"}' })
    expect(answer.status).toBe(500)
    expect(errorOf(answer)).toEqual({ message, type: 'server_error', param: null, code: 'credential_missing' })
    expect(upstream.requests).toEqual([])
    expect(bugs).toEqual([])
  })

  it('has a broken provider, or none', async () => {
    const broken = { status: 500, message: 'the provider is wrong' }
    const first = await rigOf({ groups: [[providerAt(9, { broken })]] })
    expect(errorOf(await ask(first.port, { path: '/', body: '{"model":"m"}' }))).toMatchObject({
      message: 'the provider is wrong',
      code: 'invalid_backend',
    })
    const second = await rigOf({ groups: [] })
    expect((await ask(second.port, { path: '/', body: '{"model":"m"}' })).status).toBe(500)
  })
})

describe('an error of the provider', () => {
  it.each([
    [401, 'application/json', '{"error":{"message":"bad key"}}'],
    [429, 'application/json; charset=utf-8', '[{"error":{"code":429}}]'],
    [400, 'application/problem+json', '{"title":"x"}'],
    [500, 'application/json', 'not json at all'],
  ])('%s of type %s passes as it came', async (status, type, body) => {
    const upstream = await upstreamOf((_request, response) => {
      response.writeHead(status, { 'content-type': type, 'retry-after': '7' }).end(body)
    })
    const { port } = await rigOf({ groups: [[providerAt(upstream.port)]] })
    const answer = await ask(port, { path: '/', body: '{"model":"m"}' })
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toBe(type)
    expect(answer.headers['retry-after']).toBe('7')
    expect(answer.body.toString()).toBe(body)
  })

  it.each([
    [502, 'text/html', '<html>Bad gateway</html>', 'p answered 502 without saying why', 'server_error'],
    [503, 'text/plain', ' no upstream\n', 'p answered 503: no upstream', 'server_error'],
    [403, undefined, '', 'p answered 403 without saying why', 'authentication_error'],
    [429, 'text/html', 'x'.repeat(100_000), 'p answered 429 without saying why', 'rate_limit_error'],
    [404, 'text/plain', 'y'.repeat(2000), `p answered 404: ${'y'.repeat(1024)}`, 'invalid_request_error'],
  ])('%s of type %s becomes an error object', async (status, contentType, body, message, type) => {
    const upstream = await upstreamOf((_request, response) => {
      response
        .writeHead(status, { ...(contentType && { 'content-type': contentType }), 'x-request-id': 'r1' })
        .end(body)
    })
    const { port } = await rigOf({ groups: [[providerAt(upstream.port, { name: 'p' })]] })
    const answer = await ask(port, { path: '/', body: '{"model":"m"}' })
    expect(answer.status).toBe(status)
    expect(answer.headers['x-request-id']).toBe('r1')
    expect(errorOf(answer)).toEqual({ message, type, param: null, code: 'upstream_error' })
  })

  it('passes as it came when it is JSON that does not say so', async () => {
    const upstream = await upstreamOf((_request, response) => {
      response.writeHead(400, { 'content-type': 'text/plain' }).end('{ "error": "x" }')
    })
    const { port } = await rigOf({ groups: [[providerAt(upstream.port)]] })
    const answer = await ask(port, { path: '/', body: '{"model":"m"}' })
    expect(answer.body.toString()).toBe('{ "error": "x" }')
    expect(answer.headers['content-type']).toBe('application/json')
  })
})
