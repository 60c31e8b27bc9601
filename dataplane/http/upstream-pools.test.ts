import { type ScriptedUpstream, startUpstream } from '../../test/support/upstream.ts'
import type { Upstream } from './transport.ts'
import { UpstreamPools } from './upstream-pools.ts'

let upstream: ScriptedUpstream
let answers: (() => void)[]

beforeEach(async () => {
  answers = []
  upstream = await startUpstream((_request, response) => answers.push(() => response.end('x')))
})

afterEach(() => upstream.close())

function send(to: Upstream): Promise<string> {
  return new Promise((resolve, reject) => {
    let body = ''
    to.send(
      { method: 'GET', target: '/', rawHeaders: ['host', 'h'], body: undefined },
      {
        onHead: () => undefined,
        onData: (chunk) => {
          body += Buffer.from(chunk).toString()
        },
        onEnd: () => resolve(body),
        onError: reject,
      },
    )
  })
}

const untilNoSocket = async (): Promise<void> => {
  while (upstream.openSockets() > 0) await new Promise(setImmediate)
}

describe('upstream pools', () => {
  it('share an upstream among all that name the same endpoint in the same way', () => {
    const pools = new UpstreamPools()
    const plain = pools.acquire({ host: 'a.org', port: 443 })
    const tls = pools.acquire({ host: 'a.org', port: 443 }, { hostname: 'a.org' })
    expect(pools.acquire({ host: 'a.org', port: 443 })).toBe(plain)
    expect(pools.acquire({ host: 'a.org', port: 443 }, { hostname: 'a.org' })).toBe(tls)
    expect(tls).not.toBe(plain)
    expect(pools.acquire({ host: 'a.org', port: 443 }, { hostname: 'a.org', ca: 'x' })).not.toBe(tls)
    expect(pools.acquire({ host: 'a.org', port: 80 })).not.toBe(plain)
    expect(pools.size).toBe(4)
  })

  it('close connections after the last release, once nothing runs', async () => {
    const pools = new UpstreamPools()
    const endpoint = { host: '127.0.0.1', port: upstream.port }
    const one = pools.acquire(endpoint)
    pools.acquire(endpoint)
    const running = send(one)
    await upstream.waitForRequests(1)
    pools.release(one)
    pools.release(one)
    pools.release(one)
    expect(pools.size).toBe(0)
    expect(upstream.openSockets()).toBe(1)
    answers[0]?.()
    expect(await running).toBe('x')
    await untilNoSocket()
  })

  it('let a request that was routed before use what was released', async () => {
    const pools = new UpstreamPools()
    const one = pools.acquire({ host: '127.0.0.1', port: upstream.port })
    pools.release(one)
    const late = send(one)
    await upstream.waitForRequests(1)
    answers[0]?.()
    expect(await late).toBe('x')
    await untilNoSocket()
  })

  it('keep the connections of what is still named', async () => {
    const pools = new UpstreamPools()
    const endpoint = { host: '127.0.0.1', port: upstream.port }
    const before = pools.acquire(endpoint)
    const first = send(before)
    await upstream.waitForRequests(1)
    answers[0]?.()
    await first
    // Undici takes a connection as free when the turn of its answer is over.
    await new Promise(setImmediate)
    // A new plan names it before the old one lets go.
    const after = pools.acquire(endpoint)
    pools.release(before)
    const second = send(after)
    await upstream.waitForRequests(2)
    expect(upstream.openSockets()).toBe(1)
    answers[1]?.()
    await second
    pools.close()
    await untilNoSocket()
  })
})
