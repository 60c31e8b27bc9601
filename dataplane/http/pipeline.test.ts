import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ask } from '../../test/support/client.ts'
import {
  backendOf,
  listenerOf,
  passTo,
  type Rig,
  type RigOptions,
  routeOf,
  startRig,
} from '../../test/support/gateway-rig.ts'
import { rawClient } from '../../test/support/raw-client.ts'
import { type ScriptedUpstream, startUpstream } from '../../test/support/upstream.ts'
import { GatewayError, TEXT_ERRORS } from '../fault.ts'
import { collectBody } from './collect.ts'
import { CollectBudget } from './collect-budget.ts'
import type { Call } from './handler.ts'
import { relay } from './relay.ts'
import { UpstreamPools } from './upstream-pools.ts'

const open: { close(): unknown }[] = []
const pools = new UpstreamPools()

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function rig(options: RigOptions): Promise<Rig> {
  const started = await startRig(options)
  open.push({ close: () => started.server.close(0) })
  return started
}

async function upstreamOf(script: ScriptedUpstream['script']): Promise<ScriptedUpstream> {
  const upstream = await startUpstream(script)
  open.push(upstream)
  return upstream
}

async function proxyTo(
  script: ScriptedUpstream['script'],
  options: Partial<RigOptions> = {},
): Promise<Rig & { upstream: ScriptedUpstream }> {
  const upstream = await upstreamOf(script)
  const started = await rig({ handler: passTo(pools.acquire({ host: '127.0.0.1', port: upstream.port })), ...options })
  return { ...started, upstream }
}

const hello = (_request: IncomingMessage, response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'text/plain', 'content-length': 5 })
  response.end('hello')
}

describe('pipeline', () => {
  it('passes a request and its answer, and ends the exchange once', async () => {
    const { port, recorder, upstream } = await proxyTo(hello)
    const answer = await ask(port, { path: '/a/b?c=d', body: 'ping', headers: { 'x-one': ['1', '2'] } })
    expect(answer.status).toBe(200)
    expect(answer.body.toString()).toBe('hello')
    expect(upstream.requests[0]?.path).toBe('/a/b?c=d')
    expect(upstream.requests[0]?.body.toString()).toBe('ping')
    expect(upstream.requests[0]?.headers['x-one']).toBe('1, 2')
    const [exchange] = await recorder.untilEnded(1)
    expect(exchange?.request).toMatchObject({
      method: 'POST',
      target: '/a/b?c=d',
      path: '/a/b',
      host: 'localhost',
      bodyBytes: 4,
    })
    expect(exchange?.response).toMatchObject({ status: 200, bodyBytes: 5 })
    expect(exchange?.outcome).toMatchObject({ error: undefined, cut: undefined })
    expect(exchange?.attempts).toHaveLength(1)
    expect(exchange?.attempts[0]).toMatchObject({
      endpoint: `127.0.0.1:${upstream.port}`,
      status: 200,
      error: undefined,
    })
    expect(exchange?.attempts[0]?.endMs).toBeGreaterThanOrEqual(
      exchange?.attempts[0]?.startMs ?? Number.POSITIVE_INFINITY,
    )
  })

  it.each([
    ['no listener for the host', { listeners: [listenerOf({ hostname: 'other' })] }, 404, 'listener not found'],
    ['no rule for the path', { routes: [routeOf({ matches: [exact('/only')] })] }, 404, 'route not found'],
    [
      'a broken rule',
      { routes: [routeOf({ broken: { status: 500, message: 'filter unknown' } })] },
      500,
      'filter unknown',
    ],
    ['a rule without backends', { routes: [routeOf({ backendRefs: [] })] }, 500, 'no backend that takes traffic'],
    [
      'weights of 0 alone',
      { routes: [routeOf({ backendRefs: [{ weight: 0, backend: 'backend/b', filters: [] }] })] },
      500,
      'no backend',
    ],
    [
      'a broken reference',
      {
        routes: [
          routeOf({ backendRefs: [{ weight: 1, broken: { status: 500, message: 'no such Service' }, filters: [] }] }),
        ],
      },
      500,
      'no such Service',
    ],
    ['a broken backend', { backend: backendOf({ broken: { status: 503, message: 'CA unknown' } }) }, 503, 'CA unknown'],
    [
      'a backend that the plan has not',
      { routes: [routeOf({ backendRefs: [{ weight: 1, backend: 'backend/x', filters: [] }] })] },
      500,
      'not there',
    ],
  ])('answers %s, sends nothing and records it', async (_name, options, status, message) => {
    const { port, recorder, upstream } = await proxyTo(hello, options)
    const answer = await ask(port, { path: '/' })
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(answer.body.toString()).toContain(message)
    const [exchange] = await recorder.untilEnded(1)
    expect(recorder.begun).toEqual([exchange])
    expect(exchange?.response?.status).toBe(status)
    expect(exchange?.outcome?.error?.status).toBe(status)
    expect(exchange?.attempts).toEqual([])
    expect(upstream.requests).toEqual([])
  })

  it('knows the listener when telemetry begins, and the route and backend at the end', async () => {
    const listener = listenerOf({ hostname: 'localhost' })
    const route = routeOf()
    const { port, recorder } = await proxyTo(hello, { listeners: [listener], routes: [route] })
    const seen: unknown[] = []
    recorder.prepare = (exchange) => seen.push([exchange.listener, exchange.route])
    await ask(port, { path: '/' })
    const [exchange] = await recorder.untilEnded(1)
    expect(seen).toEqual([[listener, undefined]])
    expect(exchange?.route).toBe(route)
    expect(exchange?.backend?.key).toBe('backend/b')
  })

  it('changes heads both ways as the filters of rule and backendRef say, and keeps hop-by-hop headers to itself', async () => {
    const filters = [
      { type: 'RequestHeaderModifier' as const, set: [{ name: 'X-Rule', value: 'r' }], add: [], remove: ['x-secret'] },
      { type: 'ResponseHeaderModifier' as const, set: [], add: [{ name: 'x-added', value: '1' }], remove: ['server'] },
      {
        type: 'URLRewrite' as const,
        hostname: 'inner.example',
        path: { type: 'ReplacePrefixMatch' as const, replacePrefixMatch: '/v2' },
      },
    ]
    const refFilters = [
      { type: 'RequestHeaderModifier' as const, set: [], add: [{ name: 'x-rule', value: 'ref' }], remove: [] },
    ]
    const route = routeOf({
      matches: [{ path: { type: 'PathPrefix', value: '/v1' }, headers: [], queryParams: [] }],
      filters,
      backendRefs: [{ weight: 1, backend: 'backend/b', filters: refFilters }],
    })
    const { port, upstream } = await proxyTo(
      (_request, response) =>
        response.writeHead(200, { server: 'secret', connection: 'x-hop', 'x-hop': '1', 'content-length': 0 }).end(),
      { routes: [route] },
    )
    const answer = await ask(port, {
      path: '/v1/x?q=1',
      headers: {
        'x-secret': 's',
        connection: 'keep-alive, x-mine',
        'x-mine': '1',
        te: 'trailers, deflate',
        'proxy-authorization': 'Basic x',
      },
    })
    const sent = upstream.requests[0]
    expect(sent?.path).toBe('/v2/x?q=1')
    expect(sent?.headers).toMatchObject({ host: 'inner.example', 'x-rule': 'r, ref', te: 'trailers' })
    for (const gone of ['x-secret', 'x-mine', 'proxy-authorization', 'x-forwarded-for'])
      expect(sent?.headers).not.toHaveProperty(gone)
    expect(answer.headers).toMatchObject({ 'x-added': '1' })
    for (const gone of ['server', 'x-hop']) expect(answer.headers).not.toHaveProperty(gone)
  })

  it("redirects by the listener's port in the manifest, without a backend", async () => {
    const route = routeOf({
      filters: [
        { type: 'RequestRedirect', path: { type: 'ReplaceFullPath', replaceFullPath: '/new' }, statusCode: 301 },
      ],
      backendRefs: [],
    })
    const { port, recorder } = await proxyTo(hello, {
      listeners: [listenerOf({ port: 8080 })],
      routes: [route],
      server: { listenerPort: 8080 },
    })
    const answer = await ask(port, { path: '/old?q=1', headers: { host: 'Example.com:1234' } })
    expect(answer.status).toBe(301)
    expect(answer.headers.location).toBe('http://example.com:8080/new?q=1')
    const [exchange] = await recorder.untilEnded(1)
    expect(exchange?.outcome?.error).toBeUndefined()
  })

  it("puts the recorder's trace headers in the place of those that came in", async () => {
    const { port, recorder, upstream } = await proxyTo(hello)
    recorder.contextOf = () => ['traceparent', '00-new']
    await ask(port, { path: '/', headers: { Traceparent: '00-old', tracestate: 'old=1' } })
    expect(upstream.requests[0]?.headers['traceparent']).toBe('00-new')
    expect(upstream.requests[0]?.headers).not.toHaveProperty('tracestate')
    recorder.contextOf = () => undefined
    await ask(port, { path: '/', headers: { traceparent: '00-old', tracestate: 'old=1' } })
    expect(upstream.requests[1]?.headers).toMatchObject({ traceparent: '00-old', tracestate: 'old=1' })
  })

  it("answers 504 when the rule's time is over, and aborts the upstream", async () => {
    const { port, recorder, upstream } = await proxyTo(() => undefined, {
      routes: [routeOf({ timeouts: { requestMs: 50 } })],
    })
    expect((await ask(port, { path: '/' })).status).toBe(504)
    await upstream.waitForAborted(1)
    const [exchange] = await recorder.untilEnded(1)
    expect(exchange?.outcome?.error?.code).toBe('upstream_timeout')
    expect(exchange?.attempts[0]?.endMs).toBeDefined()
  })

  it("answers 504 when the attempt's time is over", async () => {
    const { port, recorder, upstream } = await proxyTo(() => undefined, {
      routes: [routeOf({ timeouts: { backendRequestMs: 50 } })],
    })
    expect((await ask(port, { path: '/' })).status).toBe(504)
    await upstream.waitForAborted(1)
    const [exchange] = await recorder.untilEnded(1)
    expect(exchange?.attempts[0]?.error?.code).toBe('upstream_timeout')
  })

  it('cuts an answer that has begun when the time is over', async () => {
    const { port, recorder } = await proxyTo((_request, response) => response.write('begun'), {
      routes: [routeOf({ timeouts: { requestMs: 100 } })],
    })
    await expect(ask(port, { path: '/' })).rejects.toThrow()
    const [exchange] = await recorder.untilEnded(1)
    expect(exchange?.outcome).toMatchObject({ cut: 'upstream' })
    expect(exchange?.outcome?.error?.code).toBe('upstream_timeout')
  })

  it('cuts an answer that the upstream breaks off, whatever its framing', async () => {
    for (const headers of [{}, { 'content-length': 100 }]) {
      const { port, recorder } = await proxyTo((_request, response) => {
        response.writeHead(200, headers)
        response.write('half', () => setImmediate(() => response.destroy()))
      })
      await expect(ask(port, { path: '/' })).rejects.toThrow()
      const [exchange] = await recorder.untilEnded(1)
      expect(exchange?.outcome?.cut).toBe('upstream')
      expect(exchange?.attempts[0]?.error?.code).toMatch(/^upstream_(reset|protocol_error)$/)
    }
  })

  it('answers 502 when the upstream closes without an answer', async () => {
    const { port, recorder } = await proxyTo((request) => request.socket.destroy())
    const answer = await ask(port, { path: '/', body: 'x' })
    expect(answer.status).toBe(502)
    const [exchange] = await recorder.untilEnded(1)
    expect(exchange?.attempts[0]?.error?.code).toBe('upstream_reset')
  })

  it('passes a stream chunk by chunk, its head before the first one', async () => {
    let respond: ServerResponse | undefined
    const { port } = await proxyTo((_request, response) => {
      respond = response
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.flushHeaders()
    })
    const client = await rawClient(port)
    client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    await client.until((text) => text.includes('\r\n\r\n'))
    expect(client.received()).not.toContain('data:')
    respond?.write('data: 1\n\n')
    await client.until((text) => text.includes('data: 1\n\n'))
    respond?.end('data: 2\n\n')
    await client.until((text) => text.includes('data: 2\n\n') && text.endsWith('0\r\n\r\n'))
    client.destroy()
  })

  it('aborts the upstream when the client leaves mid-stream', async () => {
    const { port, recorder, upstream } = await proxyTo((_request, response) => response.write('begun'))
    const client = await rawClient(port)
    client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    await client.until((text) => text.includes('begun'))
    client.destroy()
    await upstream.waitForAborted(1)
    const [exchange] = await recorder.untilEnded(1)
    expect(exchange?.outcome).toMatchObject({ cut: 'downstream', error: undefined })
  })

  it('aborts the upstream when the client leaves before the answer, its body half sent', async () => {
    let received = (): void => undefined
    const halfReceived = new Promise<void>((resolve) => {
      received = resolve
    })
    let over = 0
    let aborted = 0
    const handle = (call: Call) => {
      call.whenOver(() => {
        over += 1
      })
      call.inbound.receive({
        onData: () => received(),
        onEnd: () => undefined,
        onAbort: () => {
          aborted += 1
        },
      })
    }
    const { port, recorder } = await rig({ handler: { errors: TEXT_ERRORS, handle } })
    const client = await rawClient(port)
    client.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf')
    await halfReceived
    client.destroy()
    const [exchange] = await recorder.untilEnded(1)
    expect(exchange?.response).toBeUndefined()
    expect(exchange?.outcome?.cut).toBe('downstream')
    expect([over, aborted]).toEqual([1, 1])
  })

  it('answers 500 to what a handler throws, at once or later, and tells of the bug', async () => {
    const bug = new Error('a bug')
    const throwing = [
      () => {
        throw bug
      },
      (call: Call) =>
        call.inbound.receive({
          ...nowhere,
          onData: () => {
            throw bug
          },
        }),
      (call: Call) =>
        call.inbound.receive({
          ...nowhere,
          onEnd: () => {
            throw bug
          },
        }),
    ]
    for (const handle of throwing) {
      const { port, recorder, bugs } = await rig({ handler: { errors: TEXT_ERRORS, handle } })
      const answer = await ask(port, { path: '/', body: 'x' })
      expect(answer.status).toBe(500)
      expect(answer.body.toString()).toBe('internal error')
      expect(bugs).toEqual([bug])
      const [exchange] = await recorder.untilEnded(1)
      expect(exchange?.outcome?.error?.code).toBe('internal')
    }
  })

  it("treats a tap that throws as a bug, not as the upstream's fault", async () => {
    const upstream = await upstreamOf(hello)
    const handler = passTo(pools.acquire({ host: '127.0.0.1', port: upstream.port }), () => ({
      changesBody: false,
      onHead: () => {
        throw new Error('a bug')
      },
      onData: (chunk) => chunk,
      onEnd: () => undefined,
    }))
    const { port, recorder, bugs } = await rig({ handler })
    expect((await ask(port, { path: '/' })).status).toBe(500)
    expect(bugs).toEqual([new Error('a bug')])
    const [exchange] = await recorder.untilEnded(1)
    expect(exchange?.outcome?.error?.code).toBe('internal')
  })

  it('answers 500 when what comes after an attempt or a body throws', async () => {
    const nobody = pools.acquire({ host: '127.0.0.1', port: 1 })
    const bug = new Error('a bug')
    const fails = (): never => {
      throw bug
    }
    const get = { method: 'GET', target: '/', rawHeaders: [], body: undefined }
    const throwing = [
      (call: Call) => relay(call, nobody, get, undefined, fails),
      (call: Call) => collectBody(call, new CollectBudget(1000), 1000, fails),
      (call: Call) => collectBody(call, new CollectBudget(1000), 1, fails),
    ]
    for (const handle of throwing) {
      const { port, bugs } = await rig({ handler: { errors: TEXT_ERRORS, handle } })
      expect((await ask(port, { path: '/', body: 'xx' })).status).toBe(500)
      expect(bugs).toEqual([bug])
    }
  })

  it("writes errors in the dialect of the handler, with the error's own headers", async () => {
    const error = new GatewayError('overloaded', 'later', { headers: ['retry-after', '1'], cause: 'secret' })
    const errors = {
      contentType: 'application/json',
      body: (fault: GatewayError) => JSON.stringify({ said: fault.message }),
    }
    const { port } = await rig({ handler: { errors, handle: (call) => call.fail(error) } })
    const answer = await ask(port, { path: '/' })
    expect(answer.status).toBe(503)
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'retry-after': '1' })
    expect(answer.body.toString()).toBe('{"said":"later"}')
  })

  it('ends an exchange whose recorder throws', async () => {
    const { port, recorder, bugs } = await proxyTo(hello)
    const bug = new Error('a bug')
    recorder.end = () => {
      throw bug
    }
    expect((await ask(port, { path: '/' })).status).toBe(200)
    expect((await ask(port, { path: '/' })).status).toBe(200)
    expect(bugs).toContain(bug)
  })

  it('answers a WebSocket with 501 and closes; any other upgrade is ignored', async () => {
    const { port, upstream } = await proxyTo(hello)
    const socket = await rawClient(port)
    socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n')
    expect(await socket.closed()).toMatch(/^HTTP\/1\.1 501 .*WebSocket is not supported$/s)
    const answer = await ask(port, {
      path: '/',
      headers: { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AA' },
    })
    expect(answer.status).toBe(200)
    expect(upstream.requests).toHaveLength(1)
    for (const gone of ['upgrade', 'http2-settings']) expect(upstream.requests[0]?.headers).not.toHaveProperty(gone)
  })

  it('holds the client back while the upstream does not read, and loses nothing', async () => {
    const total = 64 * 1024 * 1024
    let read = (): void => undefined
    let received = 0
    const upstream = createServer((request, response) => {
      read = () =>
        request.on('data', (chunk: Buffer) => (received += chunk.length)).on('end', () => response.end('all'))
    })
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
    open.push({ close: () => upstream.closeAllConnections() }, { close: () => upstream.close() })
    const to = pools.acquire({ host: '127.0.0.1', port: (upstream.address() as AddressInfo).port })
    const { port, recorder } = await rig({ handler: passTo(to) })
    const answer = ask(port, { path: '/', body: Buffer.alloc(total) })
    const passed = (): number => recorder.begun[0]?.request.bodyBytes ?? 0
    while (passed() === 0) await new Promise(setImmediate)
    for (let before = -1; before !== passed(); await new Promise((resolve) => setTimeout(resolve, 50)))
      before = passed()
    expect(passed()).toBeLessThan(total / 2)
    read()
    expect((await answer).body.toString()).toBe('all')
    expect([received, passed()]).toEqual([total, total])
  })

  it('keeps the bodies that telemetry asks for, up to a limit', async () => {
    const { port, recorder } = await proxyTo((_request, response, body) => response.end(body))
    recorder.prepare = (exchange) => {
      exchange.capture = { ...exchange.capture, requestBody: true, responseBody: true }
    }
    await ask(port, { path: '/', body: 'ping' })
    await ask(port, { path: '/', body: Buffer.alloc(3 * 1024 * 1024) })
    const [small, large] = await recorder.untilEnded(2)
    expect(Buffer.from(small?.request.body ?? []).toString()).toBe('ping')
    expect(Buffer.from(small?.response?.body ?? []).toString()).toBe('ping')
    expect(large?.request.body).toBeUndefined()
    expect(large?.response?.body).toBeUndefined()
    expect(large?.response?.bodyBytes).toBe(3 * 1024 * 1024)
  })
})

const nowhere = { onData: () => undefined, onEnd: () => undefined, onAbort: () => undefined }

function exact(value: string): ReturnType<typeof routeOf>['matches'][number] {
  return { path: { type: 'Exact', value }, headers: [], queryParams: [] }
}
