import { once } from 'node:events'
import { createCertificateAuthority } from '../../../test/support/certificates.ts'
import { type RawClient, rawClient } from '../../../test/support/raw-client.ts'
import type { BodySink, InboundRequest } from '../transport.ts'
import { type HttpServer, type ServerOptions, startServer } from './server.ts'

const MiB = 1024 * 1024
const open: { close(): unknown }[] = []

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function serve(
  onRequest: (inbound: InboundRequest) => void,
  more: Partial<ServerOptions> = {},
): Promise<HttpServer> {
  const server = await startServer({ host: '127.0.0.1', port: 0, listenerPort: 80, onRequest, ...more })
  open.push({ close: () => server.close(0) })
  return server
}

async function client(server: HttpServer, tls?: Parameters<typeof rawClient>[1]): Promise<RawClient> {
  const made = await rawClient(server.port, tls)
  open.push({ close: () => made.destroy() })
  return made
}

const text = (inbound: InboundRequest, status: number, body: string): void => {
  inbound.reply.head(status, ['content-length', `${Buffer.byteLength(body)}`])
  inbound.reply.end(Buffer.from(body))
}

/** Answers with what it got: method, target and body. */
const echo = (inbound: InboundRequest): void => {
  let body = ''
  inbound.receive({
    onData: (chunk) => {
      body += Buffer.from(chunk).toString('latin1')
    },
    onEnd: () => text(inbound, 200, `<${inbound.head.method} ${inbound.head.target} ${body}>`),
    onAbort: () => undefined,
  })
}

const ignore: BodySink = { onData: () => undefined, onEnd: () => undefined, onAbort: () => undefined }

/** How many answers were received. */
const answers = (received: string): number => received.split('HTTP/1.1 ').length - 1

describe('requests', () => {
  it('come as they are, bodies by length and in chunks, several on one connection', async () => {
    const heads: InboundRequest[] = []
    const server = await serve((inbound) => {
      heads.push(inbound)
      echo(inbound)
    })
    const raw = await client(server)
    raw.write('GET /a?b HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: \xe4\r\n\r\n')
    await raw.until((received) => received.includes('<GET /a?b >'))
    raw.write('POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody')
    await raw.until((received) => received.includes('<POST /b body>'))
    raw.write('POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n')
    await raw.until((received) => received.includes('<POST /c body>'))
    expect(heads[0]?.head.rawHeaders).toEqual(['Host', 'h', 'X-A', '1', 'x-a', '\xe4'])
    expect(heads.map(({ bodyLength }) => bodyLength)).toEqual([0, 4, undefined])
    expect(heads[0]).toMatchObject({ listenerPort: 80, encrypted: false, serverName: undefined })
    expect(heads[0]?.local.port).toBe(server.port)
    expect(server.connections).toBe(1)
  })

  it('are answered in their order when a client pipelines', async () => {
    const open = new Set<string>()
    const overlaps: string[] = []
    const server = await serve((inbound) => {
      const { target } = inbound.head
      if (open.size > 0) overlaps.push(target)
      open.add(target)
      setImmediate(() => {
        open.delete(target)
        text(inbound, 200, target)
      })
    })
    const raw = await client(server)
    raw.write(
      'GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
    )
    const received = await raw.closed()
    expect(received.match(/^\/\d/gm)).toEqual(['/1', '/2', '/3'])
    expect(overlaps).toEqual([])
  })

  it('that are pipelined are held back beyond a limit, and none is lost', async () => {
    const targets: string[] = []
    const first: InboundRequest[] = []
    const server = await serve((inbound) => {
      targets.push(inbound.head.target)
      if (targets.length === 1) first.push(inbound)
      else text(inbound, 200, '')
    })
    const raw = await client(server)
    const count = 5000
    let requests = ''
    for (let i = 0; i < count; i++) requests += `GET /${i} HTTP/1.1\r\nHost: h\r\nX-Pad: ${'x'.repeat(200)}\r\n\r\n`
    raw.write(requests)
    while (first.length === 0) await new Promise(setImmediate)
    await new Promise((done) => setTimeout(done, 100))
    expect(targets).toEqual(['/0'])
    expect(raw.socket.writableLength).toBeLessThan(requests.length)
    text(first[0] as InboundRequest, 200, '')
    await raw.until((received) => answers(received) === count)
    expect(targets).toEqual(Array.from({ length: count }, (_, i) => `/${i}`))
  })

  it('are known to be gone when the connection closes, and those behind them do not begin', async () => {
    const waiting: InboundRequest[] = []
    const gone: string[] = []
    const server = await serve((inbound) => {
      waiting.push(inbound)
      inbound.reply.onDone = (how) => gone.push(`${inbound.head.target} ${how}`)
    })
    const raw = await client(server)
    raw.write('GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n')
    while (waiting.length < 1) await new Promise(setImmediate)
    raw.destroy()
    while (gone.length < 1) await new Promise(setImmediate)
    for (const inbound of waiting) text(inbound, 200, 'to nobody')
    await server.close(1000)
    expect(gone).toEqual(['/1 gone'])
  })

  it('that offer another protocol are answered in this one, with their body', async () => {
    const server = await serve(echo)
    for (const framed of [
      'Content-Length: 4\r\n\r\nbody',
      'Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n',
    ]) {
      const raw = await client(server)
      raw.write(`POST /u HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: h2c\r\n${framed}`)
      const received = await raw.closed()
      expect(received).toMatch(/<POST \/u body>$/)
      expect(received).toMatch(/\r\nconnection: close\r\n/)
    }
  })

  it('take a URL as target, whose authority replaces Host', async () => {
    const server = await serve((inbound) =>
      text(inbound, 200, JSON.stringify([inbound.head.target, inbound.head.rawHeaders])),
    )
    const raw = await client(server)
    raw.write('GET http://a.org:81?x HTTP/1.1\r\nA: b\r\nHost: other\r\nConnection: close\r\n\r\n')
    expect(await raw.closed()).toContain('["/?x",["Host","a.org:81","A","b","Connection","close"]]')
  })
})

describe('what is not HTTP', () => {
  const post = (...lines: string[]) =>
    `POST / HTTP/1.1\r\nHost: h\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`
  it.each([
    ['no HTTP at all', 'hello\r\n\r\n', 400],
    ['a bad Content-Length', post('Content-Length: 1x'), 400],
    ['a negative Content-Length', post('Content-Length: -1'), 400],
    ['two Content-Lengths', `${post('Content-Length: 1', 'Content-Length: 2')}aa`, 400],
    ['two equal Content-Lengths', `${post('Content-Length: 1', 'Content-Length: 1')}a`, 400],
    ['a list as Content-Length', `${post('Content-Length: 1, 1')}a`, 400],
    [
      'Content-Length and Transfer-Encoding',
      `${post('Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
      400,
    ],
    [
      'Transfer-Encoding and Content-Length',
      `${post('Transfer-Encoding: chunked', 'Content-Length: 5')}0\r\n\r\n`,
      400,
    ],
    ['chunked that is not the last encoding', `${post('Transfer-Encoding: chunked, gzip')}0\r\n\r\n`, 400],
    ['an unknown encoding', `${post('Transfer-Encoding: xchunked')}0\r\n\r\n`, 400],
    ['a space before the colon', `${post('Content-Length : 1')}a`, 400],
    ['a folded header', post('A: b', ' c'), 400],
    ['a bare line feed', 'GET / HTTP/1.1\nHost: h\n\n', 400],
    ['a bare carriage return in a value', post('A: b\rc: d'), 400],
    ['a null byte in a value', post('A: b\0c'), 400],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
    ['a Host that is none', 'GET / HTTP/1.1\r\nHost: a/b@c\r\n\r\n', 400],
    ['a target that is none', 'GET a HTTP/1.1\r\nHost: h\r\n\r\n', 400],
    ['a header bomb', post(`A: ${'a'.repeat(200_000)}`), 431],
    ['many small headers', post(...Array.from({ length: 20_000 }, (_, i) => `a${i}: b`)), 431],
    ['a long target', `GET /${'a'.repeat(200_000)} HTTP/1.1\r\nHost: h\r\n\r\n`, 431],
    ['CONNECT', 'CONNECT a.org:443 HTTP/1.1\r\nHost: a.org:443\r\n\r\n', 501],
    ['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: h\r\n\r\n', 505],
  ])('%s is answered and the connection closed', async (_name, bytes, status) => {
    const seen: string[] = []
    const server = await serve((inbound) => {
      seen.push(inbound.head.target)
      inbound.receive(ignore)
    })
    const raw = await client(server)
    raw.write(Buffer.from(bytes, 'latin1'))
    const received = await raw.closed()
    expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(received.toLowerCase()).toContain('connection: close')
    expect(received.split('\r\n\r\n')[1]).not.toBe('')
    expect(answers(received)).toBe(1)
    expect(seen).toEqual([])
  })

  it.each([
    ['an endless chunk extension', `1;${'a'.repeat(200_000)}`],
    ['endless trailers', `1\r\na\r\n0\r\n${'a: b\r\n'.repeat(40_000)}`],
  ])('%s is refused, and its body an abort', async (_name, body) => {
    const heard: string[] = []
    const server = await serve((inbound) =>
      inbound.receive({ ...ignore, onEnd: () => heard.push('end'), onAbort: () => heard.push('abort') }),
    )
    const raw = await client(server)
    raw.write(`${post('Transfer-Encoding: chunked')}${body}`)
    expect(await raw.closed()).toMatch(/^HTTP\/1\.1 4(13|31) /)
    while (heard.length === 0) await new Promise(setImmediate)
    expect(heard).toEqual(['abort'])
  })

  it('never reads a second request out of a body', async () => {
    const targets: string[] = []
    const server = await serve((inbound) => {
      targets.push(inbound.head.target)
      echo(inbound)
    })
    const raw = await client(server)
    raw.write(
      'POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 27\r\n\r\nGET /hidden HTTP/1.1\r\nx: y\r\nGET /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
    )
    await raw.closed()
    expect(targets).toEqual(['/a', '/b'])
  })

  it('a body that breaks off is an abort, and answered where no answer has begun', async () => {
    let aborted = 0
    const server = await serve((inbound) =>
      inbound.receive({
        ...ignore,
        onAbort: () => {
          aborted += 1
        },
      }),
    )
    const raw = await client(server)
    raw.write('POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n')
    expect(await raw.closed()).toMatch(/^HTTP\/1\.1 400 /)
    while (aborted === 0) await new Promise(setImmediate)
  })

  it('garbage behind a request does not get into its answer', async () => {
    const begun: InboundRequest[] = []
    const server = await serve((inbound) => {
      begun.push(inbound)
      inbound.reply.head(200, [])
      inbound.reply.write(Buffer.from('begun'))
    })
    const raw = await client(server)
    raw.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    await raw.until((received) => received.includes('begun'))
    raw.write('garbage\r\n\r\n')
    await new Promise((done) => setTimeout(done, 50))
    expect(answers(raw.received())).toBe(1)
    begun[0]?.reply.end(Buffer.from('ended'))
    const received = await raw.closed()
    expect(received).toMatch(/\r\n5\r\nbegun\r\n5\r\nended\r\n0\r\n\r\nHTTP\/1\.1 400 .*not HTTP\/1\.1/s)
  })

  it('a slow client is answered 408', async () => {
    const server = await serve(echo, { limits: { headersTimeoutMs: 100, requestTimeoutMs: 100 } })
    const slow = await client(server)
    slow.write('GET / HTTP/1.1\r\nHo')
    expect(await slow.closed()).toMatch(/^HTTP\/1\.1 408 .*took too long/s)
    const slowBody = await client(server)
    slowBody.write('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc')
    expect(await slowBody.closed()).toMatch(/^HTTP\/1\.1 408 /)
  })
})

describe('answers', () => {
  it('leave out the body for HEAD and keep the connection', async () => {
    const server = await serve((inbound) => text(inbound, 200, 'body'))
    const raw = await client(server)
    raw.write('HEAD / HTTP/1.1\r\nHost: h\r\n\r\n')
    await raw.until((received) => received.endsWith('\r\n\r\n'))
    expect(raw.received()).toContain('content-length: 4')
    raw.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    await raw.until((received) => received.endsWith('body'))
    expect(answers(raw.received())).toBe(2)
  })

  it('are not chunked for HTTP/1.0', async () => {
    const server = await serve((inbound) => {
      inbound.reply.head(200, [])
      inbound.reply.write(Buffer.from('one'))
      inbound.reply.end(Buffer.from('two'))
    })
    const raw = await client(server)
    raw.write('GET / HTTP/1.0\r\n\r\n')
    expect(await raw.closed()).toMatch(/\r\n\r\nonetwo$/)
    expect(raw.received()).not.toContain('chunked')
  })

  it('carry trailers', async () => {
    let trailers: readonly string[] = []
    const server = await serve((inbound) =>
      inbound.receive({
        ...ignore,
        onEnd: (received) => {
          trailers = received
          inbound.reply.head(200, ['trailer', 'x-sum'])
          inbound.reply.write(Buffer.from('a'))
          inbound.reply.end(undefined, ['x-sum', '1'])
        },
      }),
    )
    const raw = await client(server)
    raw.write('POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-In: 2\r\n\r\n')
    await raw.until((received) => received.endsWith('0\r\nx-sum: 1\r\n\r\n'))
    expect(trailers).toEqual(['X-In', '2'])
  })

  it('go out in one write when they are small', async () => {
    const server = await serve((inbound) => {
      inbound.reply.head(200, ['content-length', '4'])
      inbound.reply.write(Buffer.from('bo'))
      inbound.reply.end(Buffer.from('dy'))
    })
    const raw = await client(server)
    const chunks: string[] = []
    raw.socket.on('data', (chunk: string) => chunks.push(chunk))
    raw.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    await raw.until((received) => received.endsWith('body'))
    expect(chunks).toHaveLength(1)
  })

  it('tell once that they are out', async () => {
    const told: string[] = []
    const server = await serve((inbound) => {
      inbound.reply.onDone = (how) => told.push(how)
      text(inbound, 200, 'x')
      inbound.reply.end(Buffer.from('more'))
      inbound.reply.head(500, [])
      expect(inbound.reply.write(Buffer.from('more'))).toBe(true)
    })
    const raw = await client(server)
    raw.write('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
    expect(await raw.closed()).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\nx$/s)
    expect(told).toEqual(['sent'])
  })

  it('that are destroyed cut the connection before the last chunk', async () => {
    const told: string[] = []
    const server = await serve((inbound) => {
      inbound.reply.onDone = (how) => told.push(how)
      inbound.reply.head(200, [])
      inbound.reply.write(Buffer.from('half'))
      setImmediate(() => inbound.reply.destroy())
    })
    const raw = await client(server)
    raw.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    expect(await raw.closed()).not.toContain('\r\n0\r\n')
    expect(told).toEqual(['gone'])
  })

  it('with a head that cannot be written cut the connection and are told of', async () => {
    const faults: unknown[] = []
    const told: string[] = []
    const server = await serve(
      (inbound) => {
        inbound.reply.onDone = (how) => told.push(how)
        inbound.reply.head(200, ['bad name', 'x'])
        if (inbound.head.target === '/end') inbound.reply.end(Buffer.from('x'))
      },
      { onFault: (fault) => faults.push(fault) },
    )
    for (const target of ['/end', '/later']) {
      const raw = await client(server)
      raw.write(`POST ${target} HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n`)
      expect(await raw.closed()).toBe('')
    }
    expect(faults).toHaveLength(2)
    expect(told).toEqual(['gone', 'gone'])
  })

  it('hold back when the reader stalls, and go on when it reads', async () => {
    const chunk = Buffer.alloc(64 * 1024, 'x')
    let written = 0
    let stalled = 0
    let drained = 0
    const total = 64 * MiB
    const server = await serve((inbound) => {
      inbound.reply.head(200, [])
      const fill = (): void => {
        while (written < total) {
          written += chunk.length
          if (!inbound.reply.write(chunk)) {
            stalled = written
            return
          }
        }
        inbound.reply.end()
      }
      inbound.reply.onDrain = () => {
        drained += 1
        fill()
      }
      fill()
    })
    const raw = await client(server)
    raw.socket.pause()
    raw.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    while (stalled === 0) await new Promise(setImmediate)
    // What the kernel takes is taken; then nothing moves any more.
    for (let before = -1; before !== written; await new Promise((resolve) => setTimeout(resolve, 50))) before = written
    expect(written).toBeLessThan(total / 2)
    raw.socket.resume()
    let received = 0
    raw.socket.removeAllListeners('data')
    raw.socket.on('data', (data: string) => {
      received += data.length
    })
    while (received < total) await once(raw.socket, 'data')
    expect(drained).toBeGreaterThan(0)
  })
})

describe('bodies that are not read', () => {
  it('of an announced size are answered before they come, and the connection closes after the answer', async () => {
    const server = await serve((inbound) => text(inbound, 413, 'too large'))
    const raw = await client(server)
    raw.write(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${40 * MiB}\r\n\r\n`)
    await raw.until((received) => received.endsWith('too large'))
    expect(raw.received()).toContain('connection: close')
    raw.write(Buffer.alloc(MiB))
    await raw.closed()
  })

  it('let a client that sends all first read the answer', async () => {
    const done: string[] = []
    const server = await serve((inbound) => {
      inbound.reply.onDone = (how) => done.push(how)
      text(inbound, 413, 'too large')
    })
    const raw = await client(server)
    raw.socket.pause()
    raw.write(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${40 * MiB}\r\n\r\n`)
    const sent = new Promise((resolve) => raw.socket.write(Buffer.alloc(40 * MiB), resolve))
    await sent
    raw.socket.resume()
    expect(await raw.closed()).toMatch(/too large$/)
    expect(done).toEqual(['sent'])
  })

  it('are not read without end', async () => {
    const server = await serve((inbound) => text(inbound, 413, 'too large'))
    const raw = await client(server)
    raw.write('POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n')
    const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(MiB), Buffer.from('\r\n')])
    const closed = raw.closed()
    let sent = 0
    while (!raw.socket.destroyed && sent < 400) {
      sent += 1
      const room = raw.socket.write(chunk)
      if (!room) await Promise.race([new Promise((resolve) => raw.socket.once('drain', resolve)), closed])
    }
    expect(sent).toBeLessThan(400)
  })

  it('that have come already leave the connection open', async () => {
    const server = await serve((inbound) => text(inbound, 404, 'none'))
    const raw = await client(server)
    raw.write('POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody')
    await raw.until((received) => received.endsWith('none'))
    raw.write('POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody')
    await raw.until((received) => answers(received) === 2 && received.endsWith('none'))
    expect(raw.received()).not.toContain('connection: close')
  })
})

describe('Expect: 100-continue', () => {
  const ask = 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n'

  it('is answered when the body is wanted', async () => {
    const server = await serve(echo)
    const raw = await client(server)
    raw.write(ask)
    await raw.until((received) => received === 'HTTP/1.1 100 Continue\r\n\r\n')
    raw.write('body')
    await raw.until((received) => received.endsWith('<POST / body>'))
  })

  it('is not when it is not, and the connection closes', async () => {
    const server = await serve((inbound) => text(inbound, 413, 'too large'))
    const raw = await client(server)
    raw.write(ask)
    expect(await raw.closed()).toMatch(/^HTTP\/1\.1 413 .*too large$/s)
  })

  it('of another kind is a 417', async () => {
    const server = await serve(echo)
    const raw = await client(server)
    raw.write('GET / HTTP/1.1\r\nHost: h\r\nExpect: miracle\r\nConnection: close\r\n\r\n')
    expect(await raw.closed()).toMatch(/^HTTP\/1\.1 417 /)
  })
})

describe('close', () => {
  it('closes idle connections at once, lets active requests end, and takes nothing new', async () => {
    const active: InboundRequest[] = []
    const server = await serve(
      (inbound) => void (inbound.head.target === '/slow' ? active.push(inbound) : echo(inbound)),
    )
    const idle = await client(server)
    idle.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    await idle.until((received) => received.includes('<GET / >'))
    const busy = await client(server)
    busy.write('GET /slow HTTP/1.1\r\nHost: h\r\n\r\n')
    while (active.length === 0) await new Promise(setImmediate)
    const closed = server.close(60_000)
    await idle.closed()
    await expect(rawClient(server.port)).rejects.toThrow()
    expect(busy.received()).toBe('')
    text(active[0] as InboundRequest, 200, 'whole')
    expect(await busy.closed()).toMatch(/connection: close.*whole$/s)
    await closed
  })

  it('closes a connection whose answer had begun when it ends, and only then', async () => {
    const active: InboundRequest[] = []
    const server = await serve((inbound) => {
      active.push(inbound)
      inbound.reply.head(200, ['content-length', `${32 * MiB}`])
      inbound.reply.write(Buffer.alloc(32 * MiB - 4, 'x'))
    })
    const raw = await client(server)
    raw.socket.pause()
    raw.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    while (active.length === 0) await new Promise(setImmediate)
    const closed = server.close(60_000)
    // Ended, but most of it still waits for the client.
    active[0]?.reply.end(Buffer.from('last'))
    await new Promise(setImmediate)
    raw.socket.resume()
    const received = await raw.closed()
    expect(received.endsWith('last')).toBe(true)
    expect(received.length).toBeGreaterThan(32 * MiB)
    await closed
  })

  it('cuts what still runs at the deadline', async () => {
    const told: string[] = []
    const active: InboundRequest[] = []
    const server = await serve((inbound) => {
      active.push(inbound)
      inbound.reply.onDone = (how) => told.push(how)
    })
    const raw = await client(server)
    raw.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    while (active.length === 0) await new Promise(setImmediate)
    await server.close(20)
    await raw.closed()
    expect(server.connections).toBe(0)
    expect(told).toEqual(['gone'])
  })

  it('fails to start where the port is taken', async () => {
    const server = await serve(echo)
    await expect(serve(echo, { port: server.port })).rejects.toThrow('EADDRINUSE')
  })
})

describe('TLS', () => {
  const authority = createCertificateAuthority()
  const certificate = (...names: string[]) => authority.issue(names)
  const trust = { ca: authority.certificate }
  const names = (inbound: InboundRequest): void => text(inbound, 200, `${inbound.serverName} ${inbound.encrypted}`)
  const subject = (raw: RawClient): string => {
    const socket = raw.socket as unknown as { getPeerCertificate(): { subject: { CN: string } } }
    return socket.getPeerCertificate().subject.CN
  }

  it('presents the certificate of the most specific listener for the name', async () => {
    const server = await serve(names, {
      tls: [
        { hostname: 'a.example.com', certificates: [certificate('a.example.com')] },
        { hostname: '*.example.com', certificates: [certificate('*.example.com'), certificate('x.y.example.com')] },
      ],
    })
    expect(server.encrypted).toBe(true)
    for (const [servername, expected] of [
      ['a.example.com', 'a.example.com'],
      ['A.Example.com', 'a.example.com'],
      ['b.example.com', '*.example.com'],
      ['x.y.example.com', 'x.y.example.com'],
    ] as const) {
      const raw = await client(server, { ...trust, servername })
      expect(subject(raw)).toBe(expected)
      raw.write('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
      expect(await raw.closed()).toContain(`${servername.toLowerCase()} true`)
    }
  })

  it('refuses the handshake for a name that no listener has, and without a name', async () => {
    const server = await serve(names, { tls: [{ hostname: 'a.org', certificates: [certificate('a.org')] }] })
    await expect(
      client(server, { ...trust, servername: 'b.org', checkServerIdentity: () => undefined }),
    ).rejects.toThrow()
    await expect(client(server, { rejectUnauthorized: false, servername: '' })).rejects.toThrow()
  })

  it('has a listener without a hostname take all other names, and none', async () => {
    const server = await serve(names, {
      tls: [{ hostname: undefined, certificates: [certificate('any.org', '127.0.0.1')] }],
    })
    expect(subject(await client(server, { ...trust, servername: 'any.org' }))).toBe('any.org')
    expect(subject(await client(server, { rejectUnauthorized: false, servername: 'other.org' }))).toBe('any.org')
    const nameless = await client(server, { rejectUnauthorized: false, servername: '' })
    nameless.write('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
    expect(await nameless.closed()).toContain('undefined true')
  })

  it('swaps certificates for new handshakes and leaves open connections alone', async () => {
    const server = await serve(names, { tls: [{ hostname: 'a.org', certificates: [certificate('a.org', 'old')] }] })
    const before = await client(server, { ...trust, servername: 'a.org' })
    server.setTls([
      { hostname: 'b.org', certificates: [certificate('b.org')] },
      { hostname: undefined, certificates: [certificate('any')] },
    ])
    expect(subject(await client(server, { ...trust, servername: 'b.org' }))).toBe('b.org')
    expect(subject(await client(server, { rejectUnauthorized: false, servername: '' }))).toBe('any')
    before.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    await before.until((received) => received.includes('a.org true'))
    server.setTls([])
    await expect(client(server, { ...trust, servername: 'b.org' })).rejects.toThrow()
    await expect(client(server, { rejectUnauthorized: false, servername: '' })).rejects.toThrow()
  })

  it('says what is wrong with a certificate and keeps those that it has', async () => {
    const server = await serve(names, { tls: [{ hostname: 'a.org', certificates: [certificate('a.org')] }] })
    const mixed = { certificate: certificate('a.org').certificate, privateKey: certificate('b.org').privateKey }
    expect(() => server.setTls([{ hostname: 'a.org', certificates: [mixed] }])).toThrow()
    expect(subject(await client(server, { ...trust, servername: 'a.org' }))).toBe('a.org')
  })

  it('survives clients that do not speak TLS, or leave in the handshake', async () => {
    const server = await serve(names, { tls: [{ hostname: 'a.org', certificates: [certificate('a.org')] }] })
    const plain = await client(server)
    plain.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    await plain.closed()
    const leaving = await client(server)
    leaving.write(Buffer.from([22, 3, 1, 2, 0, 1]))
    leaving.destroy()
    expect(subject(await client(server, { ...trust, servername: 'a.org' }))).toBe('a.org')
  })
})
