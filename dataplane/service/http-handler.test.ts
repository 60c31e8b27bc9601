import { createServer } from 'node:http'
import { ask } from '../../test/support/client.ts'
import { backendOf, type Rig, startRig } from '../../test/support/gateway-rig.ts'
import { rawClient } from '../../test/support/raw-client.ts'
import { type ScriptedUpstream, startUpstream } from '../../test/support/upstream.ts'
import { UpstreamPools } from '../http/upstream-pools.ts'
import { createHttpHandler } from './http-handler.ts'

const open: { close(): unknown }[] = []

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function upstreamOf(script: ScriptedUpstream['script']): Promise<ScriptedUpstream> {
  const upstream = await startUpstream(script)
  open.push(upstream)
  return upstream
}

async function rigFor(...upstreams: readonly { port: number }[]): Promise<Rig & { pools: UpstreamPools }> {
  const pools = new UpstreamPools()
  const endpoints = upstreams.map(({ port }) => ({ host: '127.0.0.1', port }))
  const backend = backendOf({ body: { type: 'http', endpoints } })
  const handler = createHttpHandler({ backend, upstreams: pools })
  const rig = await startRig({ handler, backend })
  open.push({
    close: async () => {
      await rig.server.close(0)
      handler.close()
      expect(pools.size).toBe(0)
    },
  })
  return { ...rig, pools }
}

const echo: ScriptedUpstream['script'] = (request, response, body) => {
  response.writeHead(200, { 'content-type': 'text/plain', 'x-seen': `${request.method} ${request.url}` }).end(body)
}

describe('a plain HTTP backend', () => {
  it.each([
    ['GET', undefined],
    ['POST', 'a body'],
    ['PUT', ''],
    ['DELETE', undefined],
  ])('gets a %s as it came', async (method, body) => {
    const upstream = await upstreamOf(echo)
    const { port } = await rigFor(upstream)
    const answer = await ask(port, {
      method,
      path: '/a?b=c',
      headers: { 'x-y': 'z' },
      ...(body !== undefined && { body }),
    })
    expect(answer.status).toBe(200)
    expect(answer.headers['x-seen']).toBe(`${method} /a?b=c`)
    expect(answer.body.toString()).toBe(body ?? '')
    expect(upstream.requests[0]?.headers).toMatchObject({ host: 'localhost', 'x-y': 'z' })
  })

  it('takes turns among its endpoints', async () => {
    const upstreams = await Promise.all([0, 1, 2].map(() => upstreamOf(echo)))
    const { port } = await rigFor(...upstreams)
    for (let i = 0; i < 6; i += 1) await ask(port, { path: `/${i}` })
    expect(upstreams.map((upstream) => upstream.requests.map((request) => request.path))).toEqual([
      ['/0', '/3'],
      ['/1', '/4'],
      ['/2', '/5'],
    ])
  })

  it('streams both ways: the answer begins before the request is whole', async () => {
    const server = createServer((request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' })
      request.pipe(response)
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    open.push({ close: () => server.close() }, { close: () => server.closeAllConnections() })
    const { port } = await rigFor(server.address() as { port: number })
    const client = await rawClient(port)
    client.write(
      'POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n4\r\nping\r\n',
    )
    await client.until((received) => received.includes('ping'))
    client.write('4\r\npong\r\n0\r\n\r\n')
    expect(await client.closed()).toContain('pong')
  })

  it('answers 503 without an endpoint', async () => {
    const { port, recorder } = await rigFor()
    const answer = await ask(port, { path: '/' })
    expect(answer.status).toBe(503)
    expect(answer.body.toString()).toBe('no healthy backends')
    const [exchange] = await recorder.untilEnded(1)
    expect(exchange?.outcome?.error?.code).toBe('no_healthy_backend')
    expect(exchange?.attempts).toEqual([])
  })

  it('answers 502 in plain text when nobody listens', async () => {
    const gone = await upstreamOf(echo)
    await gone.close()
    const { port } = await rigFor(gone)
    const answer = await ask(port, { path: '/', body: 'x' })
    expect(answer.status).toBe(502)
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8')
  })
})
