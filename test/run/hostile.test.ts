import { connect, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { ask, chat } from '../support/client.ts'
import { chatManifests } from '../support/manifests.ts'
import { type OtlpSink, startOtlpSink } from '../support/otlp-sink.ts'
import { COMPLETION, complete, type ScriptedUpstream, startUpstream } from '../support/upstream.ts'
import { type ManifestFolder, manifestFolder, startWeir, type WeirProcess } from '../support/weir-process.ts'

const MiB = 1024 * 1024
const COLLECT_BYTES = 256 * MiB

/** A chat request with a prompt of so many bytes. */
const chatOf = (bytes: number): string => chat({ model: 'm', messages: [{ role: 'user', content: 'x'.repeat(bytes) }] })

interface ErrorBody {
  readonly error: { readonly message: string; readonly type: string; readonly code: string | null }
}

describe('wrong and hostile requests', () => {
  let upstream: ScriptedUpstream
  let sink: OtlpSink
  let folder: ManifestFolder
  let weir: WeirProcess

  beforeAll(async () => {
    upstream = await startUpstream(complete)
    sink = await startOtlpSink()
    const manifests = chatManifests({ modelPort: upstream.port, otlpPort: sink.grpcPort })
    folder = manifestFolder({ 'all.yaml': manifests.replace('  rules:\n', '  rules:\n') })
    weir = await startWeir({ paths: [folder.path], ports: [8080], args: ['--collect-bytes', String(COLLECT_BYTES)] })
  })

  beforeEach(() => {
    upstream.script = complete
  })

  afterAll(async () => {
    await weir?.stop()
    await upstream?.close()
    await sink?.close()
    folder?.delete()
  })

  const port = (): number => weir.port(8080)
  const send = (body: string | Buffer, headers: Record<string, string> = {}): ReturnType<typeof ask> =>
    ask(port(), { path: '/chat', body, headers })

  /** Bytes on a socket of their own, and all that comes back until weir closes it (or `enough` says so). */
  const raw = (text: string, enough: (received: string) => boolean = () => false): Promise<string> =>
    new Promise((resolve, reject) => {
      let received = ''
      const socket: Socket = connect(port(), '127.0.0.1', () => socket.write(text))
      socket.setEncoding('latin1')
      socket.on('data', (chunk: string) => {
        received += chunk
        if (enough(received)) socket.destroy()
      })
      socket.on('error', reject)
      socket.on('close', () => resolve(received))
    })

  const head = (lines: readonly string[]): string =>
    ['POST /chat HTTP/1.1', 'host: localhost', 'content-type: application/json', ...lines, '', ''].join('\r\n')

  it.each([
    ['no JSON', '{"model": nope}', 400],
    ['half a JSON', '{"model": "m", "messages": [', 400],
    ['a list', '[]', 400],
    ['nothing', '', 400],
    ['no model', JSON.stringify({ messages: [] }), 400],
    ['an empty model', JSON.stringify({ model: '', messages: [] }), 400],
    ['a model that is a number', JSON.stringify({ model: 7, messages: [] }), 400],
  ])('answers %s with an OpenAI error and sends nothing', async (_, body, status) => {
    const before = upstream.requests.length
    const answer = await send(body)
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toContain('application/json')
    const { error } = JSON.parse(answer.body.toString()) as ErrorBody
    expect(error.message).not.toBe('')
    expect(error.type).toBe('invalid_request_error')
    expect(upstream.requests).toHaveLength(before)
  })

  it('passes 20 MiB', async () => {
    const body = chatOf(20 * MiB)
    expect((await send(body)).status).toBe(200)
    expect(upstream.requests.at(-1)?.body.length).toBe(Buffer.byteLength(body))
  })

  it('answers 40 MiB with 413, announced or not', async () => {
    const before = upstream.requests.length
    const answer = await ask(port(), { path: '/chat', body: chatOf(40 * MiB) }).catch(
      (error: NodeJS.ErrnoException) => error,
    )
    // A client that goes on writing may meet a reset instead of the answer; one that waits sees 413.
    if (!(answer instanceof Error)) expect(answer.status).toBe(413)
    const waited = await raw(`${head([`content-length: ${40 * MiB}`, 'expect: 100-continue'])}`)
    expect(waited).toMatch(/^HTTP\/1\.1 413 /)
    expect(JSON.parse(waited.slice(waited.indexOf('\r\n\r\n') + 4))).toMatchObject({
      error: { type: 'invalid_request_error' },
    })
    expect(upstream.requests).toHaveLength(before)
  })

  it('holds 200 slow bodies of 20 MiB within the collect limit, and others go on', async () => {
    const before = weir.rssBytes()
    const body = chatOf(20 * MiB)
    // One buffer for all: the test's own memory is not what is looked at.
    const allButTheEnd = Buffer.from(head([`content-length: ${Buffer.byteLength(body)}`]) + body.slice(0, -10))
    const slow = Array.from({ length: 200 }, () => {
      const socket = connect(port(), '127.0.0.1', () => socket.write(allButTheEnd))
      socket.on('error', () => {})
      socket.resume()
      return socket
    })
    let most = 0
    for (let round = 0; round < 20; round++) {
      most = Math.max(most, weir.rssBytes())
      const answer = await send(chat({ model: 'm' }))
      expect([200, 503]).toContain(answer.status)
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
    expect((await ask(port(), { path: '/nowhere' })).status).toBe(404)
    expect(most - before).toBeLessThan(COLLECT_BYTES + 100 * MiB)
    for (const socket of slow) socket.destroy()
    // Everything is given back: a small request passes again, at once or as soon as the sockets are seen to be gone.
    for (let status = 0; status !== 200; ) status = (await send(chat({ model: 'm' }))).status
  }, 120_000)

  it('answers a header bomb with 431', async () => {
    expect(await raw(`${head([`x-bomb: ${'a'.repeat(200_000)}`, 'content-length: 2'])}{}`)).toMatch(/^HTTP\/1\.1 431 /)
  })

  it.each([
    ['a bad Content-Length', ['content-length: 1x']],
    ['two Content-Lengths', ['content-length: 2', 'content-length: 3']],
    ['Content-Length and chunked', ['content-length: 2', 'transfer-encoding: chunked']],
    ['a bare line feed in a value', ['x-a: b\nc: d', 'content-length: 2']],
  ])('refuses %s and closes', async (_, lines) => {
    const before = upstream.requests.length
    expect(await raw(`${head(lines)}{}`)).toMatch(/^HTTP\/1\.1 400 /)
    expect(upstream.requests).toHaveLength(before)
  })

  it('aborts the upstream when the client leaves mid-stream', async () => {
    upstream.script = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: {"choices":[{"delta":{"content":"a"}}]}\n\n')
    }
    const before = upstream.aborted
    await raw(
      `${head([`content-length: ${chat({ model: 'm', stream: true }).length}`])}${chat({ model: 'm', stream: true })}`,
      (received) => received.includes('data:'),
    )
    await upstream.waitForAborted(before + 1)
  })

  it.each([401, 429, 500])('passes an upstream %i on as it came', async (status) => {
    const body = JSON.stringify({
      error: { message: `upstream says ${status}`, type: 'whatever', param: null, code: 'x' },
    })
    upstream.script = (_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '7' })
      response.end(body)
    }
    const answer = await send(chat({ model: 'm' }))
    expect([answer.status, answer.body.toString(), answer.headers['retry-after']]).toEqual([status, body, '7'])
  })

  it('answers an upstream reset with 502', async () => {
    upstream.script = (request) => request.socket.destroy()
    const answer = await send(chat({ model: 'm' }))
    expect(answer.status).toBe(502)
    expect((JSON.parse(answer.body.toString()) as ErrorBody).error.type).toBe('server_error')
  })

  it('cuts the answer when the upstream dies in the middle of it', async () => {
    upstream.script = (request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
      response.write('{"id":', () => request.socket.destroy())
    }
    await expect(send(chat({ model: 'm' }))).rejects.toThrow()
  })

  it('passes a compressed answer untouched and still knows its tokens', async () => {
    const packed = gzipSync(COMPLETION)
    upstream.script = (_request, response) => {
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-encoding': 'gzip',
        'content-length': packed.length,
      })
      response.end(packed)
    }
    const before = weir.accessLines.length
    const answer = await send(chat({ model: 'm' }), { 'accept-encoding': 'gzip' })
    expect(answer.body.equals(packed)).toBe(true)
    expect(upstream.requests.at(-1)?.headers['accept-encoding']).toBe('identity')
    const lines = await weir.waitForAccessLines(before + 1)
    expect(lines.at(-1)).toContain(
      'llm.request.tokens=12 llm.response.model=gpt-4o-mini-2024-07-18 llm.response.tokens=3',
    )
  })

  it('survives a compression bomb', async () => {
    const bomb = gzipSync(Buffer.alloc(200 * MiB))
    upstream.script = (_request, response) => {
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-encoding': 'gzip',
        'content-length': bomb.length,
      })
      response.end(bomb)
    }
    const before = weir.rssBytes()
    const answer = await send(chat({ model: 'm' }))
    expect(answer.body.equals(bomb)).toBe(true)
    expect(weir.rssBytes() - before).toBeLessThan(100 * MiB)
  })

  it('has every request in its log, metrics and traces', async () => {
    const answer = await send(chat({ model: 'm' }))
    expect(answer.status).toBe(200)
    await weir.waitForLog(() => true)
    expect(await weir.metrics()).toMatch(/^agentgateway_requests_total\{.*status="413".*\} [1-9]/m)
  })
})
