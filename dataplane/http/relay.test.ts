import type { ServerResponse } from 'node:http'
import { type Answer, ask } from '../../test/support/client.ts'
import { type Rig, startRig } from '../../test/support/gateway-rig.ts'
import { rawClient } from '../../test/support/raw-client.ts'
import { type ScriptedUpstream, startUpstream } from '../../test/support/upstream.ts'
import { TEXT_ERRORS } from '../fault.ts'
import type { Call } from './handler.ts'
import { type AttemptResult, relay, type Tap } from './relay.ts'
import type { UpstreamRequest } from './transport.ts'
import { UpstreamPools } from './upstream-pools.ts'

const open: { close(): unknown }[] = []

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

const PASS: Tap = { changesBody: false, onHead: () => 'pass', onData: (chunk) => chunk, onEnd: () => undefined }
const GET: UpstreamRequest = { method: 'GET', target: '/', rawHeaders: ['host', 'h'], body: undefined }

interface Relaying extends Rig {
  readonly upstream: ScriptedUpstream
  readonly results: AttemptResult[]
  ask(body?: string): Promise<Answer>
}

/** Relays with each tap in turn, as long as answers are discarded or attempts fail. */
async function relaying(script: ScriptedUpstream['script'], ...taps: readonly Partial<Tap>[]): Promise<Relaying> {
  const upstream = await startUpstream(script)
  open.push(upstream)
  const pools = new UpstreamPools({ limits: { connections: 1 } })
  open.push(pools)
  const to = pools.acquire({ host: '127.0.0.1', port: upstream.port })
  const results: AttemptResult[] = []
  const attempt = (call: Call, index: number): void =>
    relay(call, to, GET, { ...PASS, ...taps[index] }, (result) => {
      results.push(result)
      if (typeof result !== 'object') return
      if (index + 1 < taps.length) attempt(call, index + 1)
      else if ('failed' in result) call.fail(result.failed)
    })
  const rig = await startRig({ handler: { errors: TEXT_ERRORS, handle: (call) => attempt(call, 0) } })
  open.push({ close: () => rig.server.close(0) })
  return { ...rig, upstream, results, ask: () => ask(rig.port, { path: '/' }) }
}

const answerWith =
  (status: number, body: string) =>
  (_request: unknown, response: ServerResponse): void => {
    response.writeHead(status, { 'content-length': Buffer.byteLength(body) }).end(body)
  }

describe('a tap', () => {
  it('that changes the body takes its length away, drops chunks and adds to the end', async () => {
    const {
      ask: send,
      results,
      recorder,
    } = await relaying(answerWith(200, 'hello'), {
      changesBody: true,
      onData: (chunk) => (chunk.length === 0 ? undefined : Buffer.from(Buffer.from(chunk).toString().toUpperCase())),
      onEnd: () => Buffer.from('!'),
    })
    const answer = await send()
    expect(answer.body.toString()).toBe('HELLO!')
    expect(answer.headers).not.toHaveProperty('content-length')
    expect(results).toEqual(['sent'])
    const [exchange] = await recorder.untilEnded(1)
    expect(exchange?.response?.bodyBytes).toBe(6)
  })

  it('that lets nothing through still ends the answer', async () => {
    const { ask: send } = await relaying(answerWith(200, 'hello'), { changesBody: true, onData: () => undefined })
    expect((await send()).body).toHaveLength(0)
  })

  it('sees the head as the upstream sent it', async () => {
    const heads: unknown[] = []
    const { ask: send } = await relaying(answerWith(207, 'x'), {
      onHead: (status, rawHeaders) => {
        heads.push([status, rawHeaders.slice(0, 2)])
        return 'pass'
      },
    })
    await send()
    expect(heads).toEqual([[207, ['content-length', '1']]])
  })
})

describe('an answer that is discarded', () => {
  it('leaves the client for another attempt, on the same connection', async () => {
    let count = 0
    const statuses = [429, 503, 200]
    const {
      ask: send,
      results,
      recorder,
      upstream,
    } = await relaying(
      (request, response) => answerWith(statuses[count++] as number, `answer ${count}`)(request, response),
      { onHead: () => 'discard' },
      { onHead: () => 'discard' },
      {},
    )
    const answer = await send()
    expect([answer.status, answer.body.toString()]).toEqual([200, 'answer 3'])
    expect(results).toEqual([{ discarded: 429 }, { discarded: 503 }, 'sent'])
    expect(upstream.openSockets()).toBe(1)
    const [exchange] = await recorder.untilEnded(1)
    expect(exchange?.attempts.map(({ status }) => status)).toEqual(statuses)
    expect(new Set(exchange?.attempts.map(({ spanId }) => spanId)).size).toBe(3)
    for (const { spanId, startMs, headMs, endMs } of exchange?.attempts ?? []) {
      expect(spanId).toMatch(/^[0-9a-f]{16}$/)
      expect(startMs).toBeLessThanOrEqual(headMs ?? -1)
      expect(headMs).toBeLessThanOrEqual(endMs ?? -1)
    }
  })

  it('is not read to its end when that does not come', async () => {
    let first = true
    const { ask: send, upstream } = await relaying(
      (request, response) => {
        if (!first) return answerWith(200, 'x')(request, response)
        first = false
        response.writeHead(503).write('endless')
      },
      { onHead: () => 'discard' },
      {},
    )
    expect((await send()).status).toBe(200)
    await upstream.waitForAborted(1)
  })
})

describe('an attempt', () => {
  it('that fails before the head lets another one be made', async () => {
    let first = true
    const {
      ask: send,
      results,
      recorder,
    } = await relaying(
      (request, response) => {
        if (!first) return answerWith(200, 'x')(request, response)
        first = false
        request.socket.destroy()
      },
      {},
      {},
    )
    expect((await send()).status).toBe(200)
    expect(results).toMatchObject([{ failed: { code: 'upstream_reset' } }, 'sent'])
    const [exchange] = await recorder.untilEnded(1)
    expect(exchange?.attempts.map(({ error }) => error?.code)).toEqual(['upstream_reset', undefined])
    expect(exchange?.outcome?.error).toBeUndefined()
  })

  it('is over when the client leaves, also while it waits for a connection, and holds nothing', async () => {
    const answers: ServerResponse[] = []
    const { port, results, recorder, upstream } = await relaying(
      (_request, response) => void answers.push(response),
      {},
    )
    const [running, waiting] = [await rawClient(port), await rawClient(port)]
    running.write('GET / HTTP/1.1\r\nhost: h\r\n\r\n')
    await upstream.waitForRequests(1)
    waiting.write('GET / HTTP/1.1\r\nhost: h\r\n\r\n')
    while (recorder.begun.length < 2) await new Promise(setImmediate)
    waiting.destroy()
    await recorder.untilEnded(1)
    expect(results).toEqual(['cut'])
    running.destroy()
    await recorder.untilEnded(2)
    expect(results).toEqual(['cut', 'cut'])
    await upstream.waitForAborted(1)
    expect(upstream.requests).toHaveLength(1)
    for (const { attempts, outcome } of recorder.ended) {
      expect(attempts[0]?.endMs).toBeLessThanOrEqual(outcome?.endMs ?? -1)
      expect(outcome?.cut).toBe('downstream')
    }
    const after = ask(port, { path: '/' })
    await upstream.waitForRequests(2)
    answers.at(-1)?.end('free')
    expect((await after).body.toString()).toBe('free')
  })

  it('holds the upstream back while the client does not read, and loses nothing', async () => {
    const total = 64 * 1024 * 1024
    let written = 0
    const { port } = await relaying((_request, response) => {
      const fill = (): void => {
        while (written < total) {
          written += 65536
          if (!response.write(Buffer.alloc(65536, 'x'))) return
        }
        response.end()
      }
      response.writeHead(200, { 'content-length': total }).on('drain', fill)
      fill()
    }, {})
    const client = await rawClient(port)
    let received = 0
    client.socket.removeAllListeners('data')
    client.socket.on('data', (chunk: string) => {
      received += chunk.length
    })
    client.socket.pause()
    client.write('GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n')
    while (written === 0) await new Promise(setImmediate)
    for (let before = -1; before !== written; await new Promise((resolve) => setTimeout(resolve, 50))) before = written
    expect(written).toBeLessThan(total / 2)
    client.socket.resume()
    await client.closed()
    expect(received).toBeGreaterThan(total)
    expect(received).toBeLessThan(total + 1000)
  })
})
