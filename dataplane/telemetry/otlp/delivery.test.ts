import { mock } from 'node:test'
import { Delivery } from './delivery.ts'
import { Outage } from './outage.ts'
import type { Sender, SendResult } from './sender.ts'

const RETRY = { initialDelayMs: 100, maxDelayMs: 1000, maxTimeMs: 60_000 }
const REQUEST = new Uint8Array([1])

/** A sender that answers what the test says, in turn. */
function scripted(results: readonly SendResult[]): Sender & { sent: number; closed: boolean } {
  const left = [...results]
  return {
    sent: 0,
    closed: false,
    send() {
      this.sent++
      return Promise.resolve(left.shift() ?? { kind: 'accepted' })
    },
    close() {
      this.closed = true
    },
  }
}

const failed = (delayMs?: number): SendResult => ({ kind: 'failed', cause: 'away', delayMs })
const silent = (): Outage => new Outage(() => {})

/** Lets all that is resolved already run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('Delivery', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
  afterEach(() => mock.timers.reset())

  it('waits as long as the receiver says, not as its own backoff would', async () => {
    const sender = scripted([failed(5000)])
    const delivered = new Delivery(sender, RETRY, silent()).deliver(REQUEST)
    await settle()
    mock.timers.tick(4999)
    await settle()
    expect(sender.sent).toBe(1)
    mock.timers.tick(1)
    expect(await delivered).toEqual({ kind: 'sent' })
    expect(sender.sent).toBe(2)
  })

  it('does not let a request wait out its backoff once another got through', async () => {
    const sender = scripted([failed(), failed(5000)])
    const delivery = new Delivery(sender, RETRY, silent())
    const ours = delivery.deliver(REQUEST)
    const theirs = delivery.deliver(REQUEST)
    await settle()
    await delivery.deliver(REQUEST)
    expect(await ours).toEqual({ kind: 'sent' })
    // The other one waits because the receiver asked for it.
    expect(sender.sent).toBe(4)
    mock.timers.tick(5000)
    expect(await theirs).toEqual({ kind: 'sent' })
  })

  it('gives up what cannot be tried again in time', async () => {
    const sender = scripted([failed(60_001)])
    expect(await new Delivery(sender, RETRY, silent()).deliver(REQUEST)).toEqual({ kind: 'retry_exhausted' })
    const once = scripted([failed(), failed()])
    const retry = { ...RETRY, maxTimeMs: 0 }
    expect(await new Delivery(once, retry, silent()).deliver(REQUEST)).toEqual({ kind: 'retry_exhausted' })
    expect(once.sent).toBe(1)
  })

  it('ends its waits when it is closed', async () => {
    const sender = scripted([failed(), failed()])
    const delivery = new Delivery(sender, RETRY, silent())
    const delivered = delivery.deliver(REQUEST)
    await settle()
    delivery.close()
    expect(await delivered).toEqual({ kind: 'retry_exhausted' })
    expect(sender.closed).toBe(true)
  })

  it('does not try again what was refused or taken in part', async () => {
    const sender = scripted([
      { kind: 'refused', cause: 'no' },
      { kind: 'partial', rejectedSpans: 2, cause: 'some' },
    ])
    const causes: (string | undefined)[] = []
    const delivery = new Delivery(sender, RETRY, new Outage((cause) => causes.push(cause)))
    expect(await delivery.deliver(REQUEST)).toEqual({ kind: 'refused' })
    expect(await delivery.deliver(REQUEST)).toEqual({ kind: 'partial', rejectedSpans: 2 })
    expect(await delivery.deliver(REQUEST)).toEqual({ kind: 'sent' })
    expect(sender.sent).toBe(3)
    expect(causes).toEqual(['no', undefined])
  })
})
