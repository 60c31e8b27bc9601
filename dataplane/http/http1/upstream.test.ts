import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { UpstreamTls } from '../../../contract/snapshot.ts'
import { parseConnectTo } from '../../../runtime/connect-to.ts'
import { createCertificateAuthority } from '../../../test/support/certificates.ts'
import { type ScriptedUpstream, startUpstream } from '../../../test/support/upstream.ts'
import type { GatewayError } from '../../fault.ts'
import type { Upstream, UpstreamCall, UpstreamHandler, UpstreamRequest } from '../transport.ts'
import { DEFAULT_UPSTREAM_LIMITS, Http1Upstream, type UpstreamLimits } from './upstream.ts'

const open: { close(): unknown }[] = []

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function scripted(script: ScriptedUpstream['script']): Promise<ScriptedUpstream> {
  const upstream = await startUpstream(script)
  open.push(upstream)
  return upstream
}

/** A TCP server that does with each connection what the test says. */
async function tcp(serve: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    serve(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push({
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  })
  return (server.address() as AddressInfo).port
}

function upstreamTo(
  port: number,
  limits: Partial<UpstreamLimits> = {},
  tls?: UpstreamTls,
  connectTo: string[] = [],
  host = '127.0.0.1',
): Http1Upstream {
  const rules = connectTo.map(parseConnectTo).filter((rule) => typeof rule !== 'string')
  const upstream = new Http1Upstream({
    host,
    port,
    tls,
    connectTo: rules,
    limits: { ...DEFAULT_UPSTREAM_LIMITS, ...limits },
  })
  open.push({ close: () => upstream.retire() })
  return upstream
}

interface Heard {
  readonly status: number | undefined
  readonly rawHeaders: readonly string[]
  readonly body: string
  readonly trailers: readonly string[]
  readonly error: GatewayError | undefined
}

/** A handler that keeps what it hears; `over` resolves at the end or error. */
class Hearing implements UpstreamHandler {
  status: number | undefined
  rawHeaders: readonly string[] = []
  body = ''
  ends = 0
  drains = 0
  readonly over: Promise<Heard>
  readonly started: Promise<void>
  #over: (heard: Heard) => void = () => undefined
  #started: () => void = () => undefined

  constructor() {
    this.over = new Promise((resolve) => {
      this.#over = resolve
    })
    this.started = new Promise((resolve) => {
      this.#started = resolve
    })
  }

  onHead(status: number, rawHeaders: readonly string[]): void {
    this.status = status
    this.rawHeaders = rawHeaders
    this.#started()
  }

  onData(chunk: Uint8Array): void {
    this.body += Buffer.from(chunk).toString('latin1')
  }

  onEnd(trailers: readonly string[]): void {
    this.#end(trailers, undefined)
  }

  onError(error: GatewayError): void {
    this.#end([], error)
  }

  onDrain(): void {
    this.drains += 1
  }

  #end(trailers: readonly string[], error: GatewayError | undefined): void {
    this.ends += 1
    const { status, rawHeaders, body } = this
    this.#over({ status, rawHeaders, body, trailers, error })
  }
}

const get: UpstreamRequest = { method: 'GET', target: '/', rawHeaders: ['host', 'h'], body: undefined }

function send(upstream: Upstream, request: Partial<UpstreamRequest> = {}): { call: UpstreamCall; heard: Hearing } {
  const heard = new Hearing()
  return { call: upstream.send({ ...get, ...request }, heard), heard }
}

const turns = async (count = 5): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate)
}

describe('a request', () => {
  it('goes out as it is, in one piece', async () => {
    const received: string[] = []
    const port = await tcp((socket) =>
      socket.on('data', (chunk) => {
        received.push(chunk.toString('latin1'))
        socket.write(
          'HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: \xe4\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: 2\r\n\r\n',
          'latin1',
        )
      }),
    )
    const rawHeaders = ['Host', 'example.com', 'X-B', '\xe4', 'x-b', '2', 'content-length', '4']
    const { heard } = send(upstreamTo(port), {
      method: 'POST',
      target: '/a?b=%20',
      rawHeaders,
      body: [Buffer.from('bo'), Buffer.from('dy')],
    })
    expect(await heard.over).toEqual({
      status: 200,
      rawHeaders: ['X-A', '1', 'x-a', '\xe4', 'Transfer-Encoding', 'chunked'],
      body: 'ok',
      trailers: ['X-T', '2'],
      error: undefined,
    })
    expect(received).toHaveLength(1)
    expect(received[0]?.split('\r\n')).toEqual(
      expect.arrayContaining([
        'POST /a?b=%20 HTTP/1.1',
        'Host: example.com',
        'X-B: \xe4',
        'x-b: 2',
        'content-length: 4',
      ]),
    )
    expect(received[0]).toMatch(/\r\n\r\nbody$/)
  })

  it('streams its body, with backpressure, by length or in chunks', async () => {
    for (const length of [['content-length', `${16 * 65536}`], []]) {
      const paused: Socket[] = []
      const upstream = await scripted((_request, response, body) => response.end(`${body.length}`))
      const port = await tcp((socket) => {
        paused.push(socket)
        socket.pause()
      })
      const stalled = send(upstreamTo(port), { method: 'POST', rawHeaders: ['host', 'h'], body: 'stream' })
      let written = 0
      for (let room = true; room && written < 4096; written++) {
        room = stalled.call.write(Buffer.alloc(65536))
        await turns(1)
      }
      expect(written).toBeLessThan(4096)
      stalled.call.abort()
      const { call, heard } = send(upstreamTo(upstream.port), {
        method: 'POST',
        rawHeaders: ['host', 'h', ...length],
        body: 'stream',
      })
      for (let i = 0; i < 16; i++) if (!call.write(Buffer.alloc(65536))) await turns(1)
      call.endBody()
      expect((await heard.over).body).toBe(`${16 * 65536}`)
      expect(heard.drains).toBeGreaterThan(0)
      expect(upstream.requests[0]?.headers['content-length']).toBe(length[1])
    }
  })

  it('reuses its connection, and is heard of once', async () => {
    const upstream = await scripted((_request, response) => response.end('x'))
    const pool = upstreamTo(upstream.port)
    for (let i = 0; i < 5; i++) {
      const { heard } = send(pool)
      await heard.over
      expect(heard.ends).toBe(1)
      await turns()
    }
    expect(upstream.openSockets()).toBe(1)
    expect(pool.active).toBe(0)
  })

  it('never gets an answer that was sent before it was asked for', async () => {
    const port = await tcp((socket) =>
      socket.on('data', () =>
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\naHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nb'),
      ),
    )
    const pool = upstreamTo(port, { connections: 1 })
    const sent = [send(pool), send(pool), send(pool)]
    for (const { heard } of sent) expect((await heard.over).body).toBe('a')
    await turns()
    expect((await send(pool).heard.over).body).toBe('a')
  })

  it('is told the answer alone, not what comes before it', async () => {
    const port = await tcp((socket) =>
      socket.on('data', () =>
        socket.write('HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'),
      ),
    )
    const { heard } = send(upstreamTo(port))
    expect(await heard.over).toMatchObject({ status: 200, rawHeaders: ['content-length', '0'], error: undefined })
  })
})

describe('errors', () => {
  it.each<[string, string, string]>([
    ['is no HTTP', 'hello\r\n\r\n', 'upstream_protocol_error'],
    ['has a bad length', 'HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n', 'upstream_protocol_error'],
    [
      'has two lengths',
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
      'upstream_protocol_error',
    ],
    ['has a header bomb', `HTTP/1.1 200 OK\r\na: ${'a'.repeat(100_000)}\r\n\r\n`, 'upstream_protocol_error'],
    [
      'switches protocols unasked',
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
      'upstream_protocol_error',
    ],
  ])('an answer that %s', async (_name, bytes, code) => {
    const port = await tcp((socket) => socket.on('data', () => socket.write(bytes)))
    const { heard } = send(upstreamTo(port))
    const { error, status } = await heard.over
    expect(error?.code).toBe(code)
    expect(error?.message).toContain(`127.0.0.1:${port}`)
    expect(error?.cause).toBeDefined()
    expect(status).toBeUndefined()
  })

  it.each<[string, (socket: Socket) => void, number | undefined]>([
    ['a close before the answer', (socket) => socket.on('data', () => socket.end()), undefined],
    ['a reset before the answer', (socket) => socket.on('data', () => socket.resetAndDestroy()), undefined],
    ['a close inside the head', (socket) => socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\nconte')), undefined],
    [
      'a close inside a chunked body',
      (socket) => socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab')),
      200,
    ],
    [
      'a close inside a body with a length',
      (socket) => socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab')),
      200,
    ],
    [
      'the same where the upstream said it would close',
      (socket) =>
        socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nab')),
      200,
    ],
  ])('%s', async (_name, serve, status) => {
    const pool = upstreamTo(await tcp(serve))
    const { heard } = send(pool)
    const over = await heard.over
    expect(over.error?.code).toMatch(/^upstream_(reset|protocol_error)$/)
    expect(over.status).toBe(status)
    await turns()
    expect(heard.ends).toBe(1)
    expect(pool.active).toBe(0)
  })

  it('a port where nobody listens', async () => {
    const port = await tcp(() => undefined)
    await open.pop()?.close()
    await turns()
    const { heard } = send(upstreamTo(port))
    expect((await heard.over).error?.code).toBe('upstream_connect_failed')
  })

  it('a name that does not resolve', async () => {
    const { heard } = send(upstreamTo(80, {}, undefined, [], 'does-not-exist.invalid'))
    expect((await heard.over).error?.code).toBe('upstream_connect_failed')
  })

  it('a handshake that does not end in time', async () => {
    const port = await tcp(() => undefined)
    const { heard } = send(upstreamTo(port, { connectTimeoutMs: 50 }, { hostname: 'a.org' }))
    const { error } = await heard.over
    expect(error?.code).toBe('upstream_timeout')
    expect(error?.message).toContain('50 ms')
  })

  it('a head that does not come in time', async () => {
    const upstream = await scripted(() => undefined)
    const pool = upstreamTo(upstream.port)
    const { heard } = send(pool, { headTimeoutMs: 50 })
    expect((await heard.over).error?.code).toBe('upstream_timeout')
    await upstream.waitForAborted(1)
    expect(pool.active).toBe(0)
  })

  it('a body that rests for too long', async () => {
    const upstream = await scripted((_request, response) => response.write('begun'))
    const { heard } = send(upstreamTo(upstream.port, { bodyIdleTimeoutMs: 50 }))
    expect(await heard.over).toMatchObject({ status: 200, error: { code: 'upstream_timeout' } })
  })

  it('a request that cannot be written is told later, not inside of send', async () => {
    const pool = upstreamTo(1)
    const { heard } = send(pool, { rawHeaders: ['host', 'h', 'bad name', 'x'] })
    expect(heard.ends).toBe(0)
    expect((await heard.over).error?.code).toBe('invalid_request')
    expect(pool.active).toBe(0)
  })

  it('what a handler throws is a bug, and frees the connection', async () => {
    const upstream = await scripted((_request, response) => response.end('x'))
    const pool = upstreamTo(upstream.port)
    for (const method of ['onHead', 'onData', 'onEnd'] as const) {
      const heard = new Hearing()
      heard[method] = () => {
        throw new Error('a bug')
      }
      pool.send(get, heard)
      const { error } = await heard.over
      expect(error).toMatchObject({ code: 'internal', cause: new Error('a bug') })
    }
    await turns()
    expect(pool.active).toBe(0)
  })
})

describe('the queue', () => {
  it('is bounded, and empties in order', async () => {
    const answers: (() => void)[] = []
    const upstream = await scripted((_request, response) => answers.push(() => response.end('x')))
    const pool = upstreamTo(upstream.port, { connections: 1, queuedRequests: 2 })
    const sent = [1, 2, 3, 4].map((n) => send(pool, { target: `/${n}` }).heard)
    expect([pool.active, pool.queued]).toEqual([1, 2])
    const { error } = await (sent[3] as Hearing).over
    expect(error).toMatchObject({ code: 'overloaded', headers: ['retry-after', '1'] })
    for (let n = 1; n <= 3; n++) {
      await upstream.waitForRequests(n)
      answers[n - 1]?.()
    }
    for (const heard of sent.slice(0, 3)) expect((await heard.over).body).toBe('x')
    expect(upstream.requests.map(({ path }) => path)).toEqual(['/1', '/2', '/3'])
    expect([pool.active, pool.queued]).toEqual([0, 0])
  })

  it('lets go of what is aborted, without a connection being lost', async () => {
    const answers: (() => void)[] = []
    const upstream = await scripted((_request, response) => answers.push(() => response.end('x')))
    const pool = upstreamTo(upstream.port, { connections: 1, queuedRequests: 1 })
    const first = send(pool, { target: '/1' })
    await upstream.waitForRequests(1)
    const second = send(pool, { target: '/2' })
    second.call.abort()
    expect(pool.queued).toBe(0)
    const third = send(pool, { target: '/3' })
    answers[0]?.()
    await first.heard.over
    await upstream.waitForRequests(2)
    answers[1]?.()
    await third.heard.over
    expect(upstream.requests.map(({ path }) => path)).toEqual(['/1', '/3'])
    expect(second.heard.ends).toBe(0)
    expect(upstream.openSockets()).toBe(1)
  })

  it('is not held up by requests that are aborted while they wait for a connection', async () => {
    const upstream = await scripted((_request, response) => response.end('x'))
    const pool = upstreamTo(upstream.port, { connections: 2 })
    const aborted = [send(pool, { target: '/gone' }), send(pool, { target: '/gone' })]
    for (const { call } of aborted) call.abort()
    const { heard } = send(pool, { target: '/kept' })
    expect((await heard.over).body).toBe('x')
    await turns()
    expect(upstream.requests.map(({ path }) => path)).toEqual(['/kept'])
    for (const gone of aborted) expect(gone.heard.ends).toBe(0)
    expect(pool.active).toBe(0)
  })
})

describe('abort', () => {
  it('ends a running request: the upstream sees it, the handler hears nothing more', async () => {
    const upstream = await scripted((_request, response) => response.write('begun'))
    const pool = upstreamTo(upstream.port)
    const { call, heard } = send(pool)
    await heard.started
    call.abort()
    call.abort()
    await upstream.waitForAborted(1)
    await turns()
    expect(heard.ends).toBe(0)
    expect(pool.active).toBe(0)
  })

  it('ends a request whose body is being written', async () => {
    let closed = (): void => undefined
    const gone = new Promise<void>((resolve) => {
      closed = resolve
    })
    const port = await tcp((socket) => socket.on('data', () => undefined).on('close', closed))
    const pool = upstreamTo(port)
    const { call, heard } = send(pool, { method: 'POST', body: 'stream' })
    call.write(Buffer.from('half'))
    await turns(20)
    call.abort()
    expect(call.write(Buffer.from('more'))).toBe(true)
    call.endBody()
    await gone
    expect(heard.ends).toBe(0)
    expect(pool.active).toBe(0)
  })
})

describe('backpressure', () => {
  it('stops the upstream while paused, and loses nothing', async () => {
    const total = 64 * 1024 * 1024
    let written = 0
    const upstream = await scripted((_request, response) => {
      const fill = (): void => {
        while (written < total) {
          written += 65536
          if (!response.write(Buffer.alloc(65536, 'x'))) return
        }
        response.end()
      }
      response.on('drain', fill)
      fill()
    })
    const heard = new Hearing()
    let received = 0
    heard.onData = (chunk) => {
      received += chunk.length
    }
    const call = upstreamTo(upstream.port).send(get, heard)
    await heard.started
    call.pause()
    for (let before = -1; before !== written; await new Promise((resolve) => setTimeout(resolve, 50))) before = written
    expect(written).toBeLessThan(total / 2)
    const stalledAt = received
    await turns(20)
    expect(received).toBe(stalledAt)
    call.resume()
    expect((await heard.over).error).toBeUndefined()
    expect(received).toBe(total)
  })
})

describe('TLS', () => {
  const authority = createCertificateAuthority()
  const trusted = (hostname: string): UpstreamTls => ({ hostname, ca: authority.certificate })

  async function secure(names: readonly string[], options: { expired?: boolean } = {}) {
    const { certificate, privateKey } = authority.issue(names, options)
    const seen = { names: [] as unknown[], requests: [] as (string | undefined)[], bytes: 0 }
    const server = createHttpsServer({ cert: certificate, key: privateKey }, (request, response) => {
      seen.requests.push(request.headers.host)
      response.end('secret')
    })
    server.on('secureConnection', (socket) => {
      seen.names.push(socket.servername)
      socket.on('data', (chunk: Buffer) => {
        seen.bytes += chunk.length
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    open.push({
      close: () => {
        server.closeAllConnections()
        server.close()
      },
    })
    return { port: (server.address() as AddressInfo).port, seen }
  }

  it('keeps the name, its port and Host under --connect-to', async () => {
    const { port, seen } = await secure(['model.example.com'])
    const pool = upstreamTo(
      443,
      {},
      trusted('model.example.com'),
      [`model.example.com:443:127.0.0.1:${port}`],
      'model.example.com',
    )
    expect(pool.address).toBe('model.example.com:443')
    const { heard } = send(pool, { rawHeaders: ['host', 'model.example.com'] })
    expect((await heard.over).body).toBe('secret')
    expect(seen.names).toEqual(['model.example.com'])
    expect(seen.requests).toEqual(['model.example.com'])
  })

  it('keeps one connection whatever Host says', async () => {
    const { port, seen } = await secure(['model.example.com'])
    const pool = upstreamTo(port, {}, trusted('model.example.com'))
    for (const host of ['a.org', 'b.org', 'c.org']) {
      await send(pool, { rawHeaders: ['host', host] }).heard.over
      await turns()
    }
    expect(seen.requests).toEqual(['a.org', 'b.org', 'c.org'])
    expect(seen.names).toEqual(['model.example.com'])
  })

  it.each<[string, readonly string[], UpstreamTls, { expired?: boolean }]>([
    ['an unknown CA', ['a.org'], { hostname: 'a.org' }, {}],
    ['another CA', ['a.org'], { hostname: 'a.org', ca: createCertificateAuthority('other').certificate }, {}],
    ['another name', ['b.org'], trusted('a.org'), {}],
    ['an expired certificate', ['a.org'], trusted('a.org'), { expired: true }],
    [
      'none of the names asked for',
      ['a.org'],
      { ...trusted('a.org'), subjectAltNames: [{ type: 'Hostname', value: 'c.org' }] },
      {},
    ],
    [
      'no URI that was asked for',
      ['a.org'],
      { ...trusted('a.org'), subjectAltNames: [{ type: 'URI', value: 'spiffe://a.org/x' }] },
      {},
    ],
  ])('sends nothing to %s', async (_name, names, tls, options) => {
    const { port, seen } = await secure(names, options)
    const pool = upstreamTo(port, {}, tls)
    const { heard } = send(pool, {
      method: 'POST',
      rawHeaders: ['authorization', 'Bearer secret'],
      body: [Buffer.from('secret')],
    })
    const { error } = await heard.over
    expect(error?.code).toBe('upstream_tls_failed')
    expect(error?.message).not.toContain('secret')
    await turns()
    expect(seen.bytes).toBe(0)
    expect(seen.requests).toEqual([])
    expect(pool.active).toBe(0)
  })

  it.each([
    [
      'the names asked for instead of the hostname',
      ['c.org'],
      { ...trusted('a.org'), subjectAltNames: [{ type: 'Hostname' as const, value: 'c.org' }] },
    ],
    ['a wildcard', ['*.a.org'], trusted('b.a.org')],
    ['an address as name', ['127.0.0.1'], trusted('127.0.0.1')],
  ])('takes %s', async (_name, names, tls) => {
    const { port } = await secure(names)
    expect((await send(upstreamTo(port, {}, tls)).heard.over).body).toBe('secret')
  })

  it('a server that speaks no TLS gets nothing but the handshake', async () => {
    let bytes = Buffer.alloc(0)
    const port = await tcp((socket) =>
      socket.on('data', (chunk) => {
        bytes = Buffer.concat([bytes, chunk])
        socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
      }),
    )
    const { heard } = send(upstreamTo(port, {}, trusted('a.org')), { rawHeaders: ['authorization', 'Bearer secret'] })
    expect((await heard.over).error?.code).toBe('upstream_tls_failed')
    expect(bytes.includes('secret')).toBe(false)
  })

  it('a server that wants what we do not have', async () => {
    const { certificate, privateKey } = authority.issue(['a.org'])
    const server = createTlsServer({ cert: certificate, key: privateKey, requestCert: true, rejectUnauthorized: true })
    server.on('tlsClientError', () => undefined)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    open.push({ close: () => server.close() })
    const { heard } = send(upstreamTo((server.address() as AddressInfo).port, {}, trusted('a.org')))
    expect((await heard.over).error?.code).toMatch(/^upstream_(tls_failed|reset)$/)
  })
})
