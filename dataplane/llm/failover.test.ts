import { createServer } from 'node:net'
import { createCertificateAuthority } from '../../test/support/certificates.ts'
import { type ChatRig, type ChatRigOptions, providerAt, startChatRig } from '../../test/support/chat-rig.ts'
import { ask } from '../../test/support/client.ts'
import { routeOf } from '../../test/support/gateway-rig.ts'
import { COMPLETION, complete, type ScriptedUpstream, startUpstream } from '../../test/support/upstream.ts'

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

const answering =
  (status: number, body = `{"error":{"message":"${status}"}}`): ScriptedUpstream['script'] =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  }

/** A port of this machine at which nobody listens. */
async function deadPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as { port: number }
  await new Promise((done) => server.close(done))
  return port
}

const BODY = '{"model":"client-model","messages":[]}'

describe('failover', () => {
  it.each([429, 500, 502, 503, 504])(
    'goes on to the next group after a %s, which the client never sees',
    async (status) => {
      const first = await upstreamOf(answering(status))
      const second = await upstreamOf()
      const { port, recorder, budget } = await rigOf({
        groups: [
          [providerAt(first.port, { model: 'one' })],
          [providerAt(second.port, { provider: 'gemini', model: 'two' })],
        ],
      })
      const answer = await ask(port, { path: '/', body: BODY })
      expect(answer.status).toBe(200)
      expect(answer.body.toString()).toBe(COMPLETION)
      expect(first.requests[0]?.body.toString()).toBe(BODY.replace('client-model', 'one'))
      expect(second.requests[0]?.body.toString()).toBe(BODY.replace('client-model', 'two'))
      const [exchange] = await recorder.untilEnded(1)
      expect(exchange?.attempts.map((attempt) => [attempt.port, attempt.status])).toEqual([
        [first.port, status],
        [second.port, 200],
      ])
      expect(exchange?.llm).toMatchObject({
        provider: 'gemini',
        upstreamModel: 'two',
        requestModel: 'client-model',
        inputTokens: 12,
      })
      expect(budget.usedBytes).toBe(0)
    },
  )

  it.each([400, 401, 403, 404, 422, 501])(
    'leaves a %s to the client: another provider would say the same',
    async (status) => {
      const first = await upstreamOf(answering(status))
      const second = await upstreamOf()
      const { port } = await rigOf({ groups: [[providerAt(first.port)], [providerAt(second.port)]] })
      const answer = await ask(port, { path: '/', body: BODY })
      expect(answer.status).toBe(status)
      expect(second.requests).toEqual([])
    },
  )

  it('passes the last answer on as it is', async () => {
    const first = await upstreamOf(answering(503))
    const second = await upstreamOf(answering(429, '{"error":{"message":"slow down"}}'))
    const { port } = await rigOf({ groups: [[providerAt(first.port)], [providerAt(second.port)]] })
    const answer = await ask(port, { path: '/', body: BODY })
    expect(answer.status).toBe(429)
    expect(answer.body.toString()).toBe('{"error":{"message":"slow down"}}')
  })

  it('goes on when nobody listens, and fails when nobody does anywhere', async () => {
    const dead = await deadPort()
    const alive = await upstreamOf()
    const good = await rigOf({ groups: [[providerAt(dead)], [providerAt(alive.port)]] })
    expect((await ask(good.port, { path: '/', body: BODY })).status).toBe(200)
    const bad = await rigOf({ groups: [[providerAt(dead)], [providerAt(dead)]] })
    const answer = await ask(bad.port, { path: '/', body: BODY })
    expect(answer.status).toBe(502)
    expect(JSON.parse(answer.body.toString())).toMatchObject({
      error: { code: 'upstream_connect_failed', type: 'server_error' },
    })
    const [exchange] = await bad.recorder.untilEnded(1)
    expect(exchange?.attempts.map((attempt) => attempt.error?.code)).toEqual([
      'upstream_connect_failed',
      'upstream_connect_failed',
    ])
  })

  it('goes on when the connection breaks before the answer, or TLS fails', async () => {
    const breaking = await upstreamOf((request) => request.socket.destroy())
    const plaintext = await upstreamOf()
    const alive = await upstreamOf()
    const ca = createCertificateAuthority().certificate
    const { port, recorder } = await rigOf({
      groups: [
        [providerAt(breaking.port)],
        [providerAt(plaintext.port, { tls: { hostname: 'api.example', ca } })],
        [providerAt(alive.port)],
      ],
    })
    expect((await ask(port, { path: '/', body: BODY })).status).toBe(200)
    expect(plaintext.requests).toEqual([])
    const [exchange] = await recorder.untilEnded(1)
    expect(exchange?.attempts.map((attempt) => attempt.error?.code)).toEqual([
      'upstream_reset',
      'upstream_tls_failed',
      undefined,
    ])
  })

  it('goes on when a provider does not answer in time', async () => {
    const silent = await upstreamOf(() => undefined)
    const alive = await upstreamOf()
    const { port, recorder } = await rigOf({
      groups: [[providerAt(silent.port)], [providerAt(alive.port)]],
      rig: { routes: [routeOf({ timeouts: { backendRequestMs: 200 } })] },
    })
    expect((await ask(port, { path: '/', body: BODY })).status).toBe(200)
    await silent.waitForAborted(1)
    const [exchange] = await recorder.untilEnded(1)
    expect(exchange?.attempts[0]?.error?.code).toBe('upstream_timeout')
  })

  it('does not try elsewhere once bytes of an answer are out', async () => {
    const breaking = await upstreamOf((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.write('{"id":', () => response.destroy())
    })
    const alive = await upstreamOf()
    const { port } = await rigOf({ groups: [[providerAt(breaking.port)], [providerAt(alive.port)]] })
    await expect(ask(port, { path: '/', body: BODY })).rejects.toThrow()
    expect(alive.requests).toEqual([])
  })

  it('does not try elsewhere when the client has left', async () => {
    const silent = await upstreamOf(() => undefined)
    const alive = await upstreamOf()
    const { port, recorder, budget } = await rigOf({ groups: [[providerAt(silent.port)], [providerAt(alive.port)]] })
    const leaving = new AbortController()
    const asked = fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: BODY, signal: leaving.signal })
    await silent.waitForRequests(1)
    leaving.abort()
    await expect(asked).rejects.toThrow()
    await silent.waitForAborted(1)
    await recorder.untilEnded(1)
    expect(alive.requests).toEqual([])
    expect(budget.usedBytes).toBe(0)
  })

  it('skips a provider that is broken or has no credential', async () => {
    const alive = await upstreamOf()
    const { port, recorder } = await rigOf({
      groups: [
        [
          providerAt(9, { broken: { status: 500, message: 'x' } }),
          providerAt(9, { auth: { kind: 'credential', credential: 'none' } }),
        ],
        [providerAt(alive.port)],
      ],
    })
    expect((await ask(port, { path: '/', body: BODY })).status).toBe(200)
    const [exchange] = await recorder.untilEnded(1)
    expect(exchange?.attempts).toHaveLength(1)
  })

  it.each([
    [0, [0, 1, 2]],
    [0.5, [1, 2, 0]],
    [0.99, [2, 0, 1]],
  ])('begins inside a group where chance (%s) says, then tries the others', async (random, order) => {
    const failing = await Promise.all([0, 1, 2].map(() => upstreamOf(answering(503))))
    const last = await upstreamOf()
    const { port, recorder } = await rigOf({
      groups: [failing.map((upstream) => providerAt(upstream.port)), [providerAt(last.port)]],
      handler: { random: () => random },
    })
    expect((await ask(port, { path: '/', body: BODY })).status).toBe(200)
    const [exchange] = await recorder.untilEnded(1)
    expect(exchange?.attempts.map((attempt) => attempt.port)).toEqual([
      ...order.map((place) => failing[place]?.port),
      last.port,
    ])
  })
})
