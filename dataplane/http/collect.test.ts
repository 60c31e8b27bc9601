import { ask } from '../../test/support/client.ts'
import { type Rig, startRig } from '../../test/support/gateway-rig.ts'
import { rawClient } from '../../test/support/raw-client.ts'
import { GatewayError, TEXT_ERRORS } from '../fault.ts'
import { type CollectedBody, collectBody } from './collect.ts'
import { CollectBudget } from './collect-budget.ts'
import type { Call } from './handler.ts'

const MiB = 1024 * 1024
const open: { close(): unknown }[] = []

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

interface Collecting extends Rig {
  readonly bodies: CollectedBody[]
  /** The bytes of the bodies, kept beyond their release. */
  readonly copies: Buffer[]
  /** Answers what was collected, and what will be. */
  letGo(): void
}

/** Collects each body and answers its length; `held`: only when the test lets go. */
async function collecting(budget: CollectBudget, maxBytes: number, held = false): Promise<Collecting> {
  const bodies: CollectedBody[] = []
  const copies: Buffer[] = []
  const waiting: (() => void)[] = []
  let holding = held
  const handle = (call: Call) =>
    collectBody(call, budget, maxBytes, (result) => {
      if (result instanceof GatewayError) return call.fail(result)
      bodies.push(result)
      copies.push(Buffer.from(result.body.joined()))
      const answer = (): void => {
        call.inbound.reply.head(200, [])
        call.inbound.reply.end(Buffer.from(`${result.body.length} bytes`))
      }
      if (holding) waiting.push(answer)
      else answer()
    })
  const rig = await startRig({ handler: { errors: TEXT_ERRORS, handle } })
  open.push({ close: () => rig.server.close(0) })
  const letGo = (): void => {
    holding = false
    for (const answer of waiting.splice(0)) answer()
  }
  return { ...rig, bodies, copies, letGo }
}

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2))
}

const post = (lines: string): string => `POST / HTTP/1.1\r\nHost: h\r\n${lines}\r\n\r\n`
const chunked = (...chunks: string[]): string =>
  `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n\r\n`

describe('a collected body', () => {
  it.each([0, 1, 65536, 65537, 300_000, 5 * MiB])(
    'of %i bytes is whole and in one piece, however it came',
    async (size) => {
      const budget = new CollectBudget(64 * MiB)
      const { port, bodies, copies } = await collecting(budget, 32 * MiB)
      const sent = Buffer.alloc(size)
      for (let i = 0; i < size; i++) sent[i] = (i * 31) & 255
      await ask(port, { path: '/', body: sent })
      await ask(port, {
        path: '/',
        method: 'POST',
        body: sent,
        headers: { 'transfer-encoding': 'chunked', 'content-length': [] },
      })
      expect(copies).toHaveLength(2)
      for (const copy of copies) expect(copy.equals(sent)).toBe(true)
      // What was given back is held by nobody.
      await until(() => bodies.every(({ body }) => body.length === 0))
      await until(() => budget.usedBytes === 0)
    },
  )

  it('goes into the exchange where telemetry asks for it', async () => {
    const { port, recorder } = await collecting(new CollectBudget(MiB), MiB)
    recorder.prepare = (exchange) => {
      exchange.capture = { ...exchange.capture, requestBody: true }
    }
    await ask(port, { path: '/', body: 'ping' })
    const [exchange] = await recorder.untilEnded(1)
    expect(Buffer.from(exchange?.request.body ?? []).toString()).toBe('ping')
  })

  it('holds its bytes until the exchange is over, and not twice', async () => {
    const budget = new CollectBudget(MiB)
    const { port, bodies, letGo } = await collecting(budget, MiB, true)
    const answer = ask(port, { path: '/', body: 'x'.repeat(1000) })
    await until(() => bodies.length === 1)
    expect(budget.usedBytes).toBe(1000)
    bodies[0]?.release()
    expect(budget.usedBytes).toBe(0)
    letGo()
    await answer
    expect(budget.usedBytes).toBe(0)
  })
})

describe('too large a body', () => {
  it('is a 413, announced or not, and what was held is given back', async () => {
    const budget = new CollectBudget(256 * MiB)
    const { port, recorder, bodies } = await collecting(budget, 32 * MiB)
    const announced = await rawClient(port)
    announced.write(post(`Content-Length: ${40 * MiB}`))
    expect(await announced.until((text) => text.includes(' bytes'))).toMatch(
      /^HTTP\/1\.1 413 .*larger than 33554432 bytes/s,
    )
    announced.destroy()
    const unannounced = await rawClient(port)
    unannounced.write(post('Transfer-Encoding: chunked'))
    unannounced.write(Buffer.from(chunked('x'.repeat(20 * MiB), 'x'.repeat(20 * MiB))))
    expect(await unannounced.closed()).toMatch(/^HTTP\/1\.1 413 /)
    const all = await ask(port, { path: '/', body: Buffer.alloc(40 * MiB) })
    expect(all.status).toBe(413)
    const exchanges = await recorder.untilEnded(3)
    for (const { outcome } of exchanges) expect(outcome?.error?.code).toBe('request_too_large')
    expect(exchanges[0]?.request.bodyBytes).toBe(0)
    expect(bodies).toEqual([])
    expect(budget.usedBytes).toBe(0)
  })

  it('does not ask a client that waits for 100 Continue to send it', async () => {
    const { port } = await collecting(new CollectBudget(256 * MiB), 32 * MiB)
    const client = await rawClient(port)
    client.write(post(`Content-Length: ${40 * MiB}\r\nExpect: 100-continue`))
    expect(await client.closed()).toMatch(/^HTTP\/1\.1 413 /)
  })

  it('for the budget itself is a 503 at once', async () => {
    const { port } = await collecting(new CollectBudget(MiB), 32 * MiB)
    const client = await rawClient(port)
    client.write(post(`Content-Length: ${2 * MiB}\r\nExpect: 100-continue`))
    expect(await client.closed()).toMatch(/^HTTP\/1\.1 503 .*retry-after: 1/is)
  })
})

describe('the budget', () => {
  /** Starts bodies of 2 MiB that do not end, and waits until so many of them have got stuck. */
  async function crowd(port: number, count: number, budget: CollectBudget, stuck: number) {
    const clients = await Promise.all(Array.from({ length: count }, () => rawClient(port)))
    for (const client of clients) {
      client.write(post(`Content-Length: ${2 * MiB}`))
      client.write(Buffer.alloc(2 * MiB - 1))
    }
    await until(() => budget.waiting >= stuck)
    return clients
  }

  it('bounds all bodies together, stops reading, and lets small ones pass', async () => {
    const budget = new CollectBudget(16 * MiB)
    const { port } = await collecting(budget, 32 * MiB)
    const clients = await crowd(port, 20, budget, 10)
    expect(budget.usedBytes).toBeLessThanOrEqual(16 * MiB)
    expect((await ask(port, { path: '/', body: 'small' })).body.toString()).toBe('5 bytes')
    for (const client of clients) client.destroy()
    await until(() => budget.usedBytes === 0 && budget.waiting === 0)
  })

  it('serves those that wait when others end: all bodies arrive in the end', async () => {
    const budget = new CollectBudget(16 * MiB)
    const { port } = await collecting(budget, 32 * MiB)
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => ask(port, { path: '/', body: Buffer.alloc(2 * MiB) })),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    await until(() => budget.usedBytes === 0)
  })

  it('answers 503 to those that wait for too long, and gives back what they held', async () => {
    const budget = new CollectBudget(4 * MiB, 50)
    const { port, recorder } = await collecting(budget, 32 * MiB)
    const clients = await crowd(port, 8, budget, 1)
    await recorder.untilEnded(1)
    const [exchange] = recorder.ended
    expect(exchange?.outcome?.error).toMatchObject({ code: 'overloaded', headers: ['retry-after', '1'] })
    for (const client of clients) client.destroy()
    await until(() => budget.usedBytes === 0 && budget.waiting === 0)
  })

  it('counts what it gives and takes', () => {
    const budget = new CollectBudget(1000 * 1024)
    const events: string[] = []
    const waiter = (name: string) => ({
      onGranted: () => events.push(name),
      onTimeout: () => events.push(`${name} late`),
    })
    const [first, second, third] = [waiter('first'), waiter('second'), waiter('third')]
    expect(budget.take(800 * 1024, 0)).toBe(true)
    expect(budget.take(100 * 1024, 0)).toBe(false)
    budget.wait(second, 700 * 1024, 2)
    budget.wait(third, 10 * 1024, 3)
    budget.wait(first, 60 * 1024, 1)
    // The one that came first would fit, so it is not kept waiting by order of asking once room is given.
    expect(budget.take(60 * 1024, 10 * 1024)).toBe(false)
    expect(budget.take(60 * 1024, 0)).toBe(true)
    budget.give(60 * 1024)
    expect(events).toEqual(['first'])
    expect(budget.waiting).toBe(2)
    budget.leave(second)
    expect(events).toEqual(['first', 'third'])
    budget.leave(second)
    expect([budget.usedBytes, budget.waiting]).toEqual([870 * 1024, 0])
    budget.give(870 * 1024)
    expect(budget.usedBytes).toBe(0)
  })
})
