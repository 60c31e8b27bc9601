import { createLog } from '../../../runtime/log.ts'
import { failure, KubeApi } from '../../../test/support/kube-api.ts'
import type { Condition } from '../../api/verdict.ts'
import { KubeClient } from '../client/kube-client.ts'
import { type EventLimits, EventWriter, eventOf, type ObjectEvent } from './event-writer.ts'

const LIMITS: EventLimits = { burst: 100, perSecond: 1000, mostWaiting: 10, repeatMs: 60_000 }
const log = createLog({ level: 'silent', format: 'json' })

let api: KubeApi
let client: KubeClient

beforeEach(async () => {
  api = await KubeApi.start()
  client = new KubeClient({ access: api.access })
})

afterEach(async () => {
  client.close()
  await api.close()
})

const at = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', namespace: 'ns', name: 'g' }
const event = (note: string, more: Partial<ObjectEvent> = {}): ObjectEvent => ({
  at,
  uid: 'u',
  type: 'Normal',
  reason: 'Accepted',
  action: 'UpdateStatus',
  note,
  ...more,
})
const writerWith = (limits: Partial<EventLimits> = {}): EventWriter =>
  new EventWriter({ client, log, instance: 'weir-0', limits: { ...LIMITS, ...limits } })

describe('EventWriter', () => {
  it('writes an Event beside its object', async () => {
    const writer = writerWith()
    writer.emit(event('x'.repeat(5000), { type: 'Warning' }))
    writer.emit(event('of the cluster', { at: { ...at, kind: 'GatewayClass', namespace: '' } }))
    await writer.idle()
    expect(api.requests.map(({ path }) => path)).toEqual(
      ['ns', 'default'].map((namespace) => `/apis/events.k8s.io/v1/namespaces/${namespace}/events`),
    )
    const body = api.requests[0]?.body as { note: string; metadata: { name: string } }
    expect(body).toMatchObject({
      kind: 'Event',
      type: 'Warning',
      reason: 'Accepted',
      regarding: { kind: 'Gateway', namespace: 'ns', name: 'g', uid: 'u' },
      reportingController: 'weir.dev/gateway-controller',
      reportingInstance: 'weir-0',
    })
    expect(body.note.length).toBe(1024)
    expect(body.metadata.name).toMatch(/^g\.[0-9a-f]{16}$/)
    expect(writer.counts).toEqual({ sent: 2, waiting: 0, dropped: 0 })
  })

  it('tells the same once', async () => {
    const writer = writerWith()
    for (const note of ['a', 'a', 'b', 'a']) writer.emit(event(note))
    await writer.idle()
    expect(writer.counts.sent).toBe(2)
  })

  it('drops what is too much or is refused, and counts it', async () => {
    api.script = () => failure(403, 'Forbidden')
    const writer = writerWith({ mostWaiting: 3 })
    for (let index = 0; index < 10; index++) writer.emit(event(`${index}`))
    await writer.idle()
    expect(writer.counts).toEqual({ sent: 0, waiting: 0, dropped: 10 })
    await writer.close()
    writer.emit(event('late'))
    expect(writer.counts.waiting).toBe(0)
  })

  it('stops waiting for its turn when it is closed', async () => {
    const writer = writerWith({ burst: 1, perSecond: 0.001 })
    for (const note of ['a', 'b', 'c']) writer.emit(event(note))
    await writer.close()
    expect(writer.counts.sent + writer.counts.dropped).toBe(3)
  })
})

describe('eventOf', () => {
  const after = (type: string, status: Condition['status']): Condition => ({ type, status, reason: 'R', message: 'm' })
  it.each([
    ['Accepted', 'True', 'Normal'],
    ['Accepted', 'False', 'Warning'],
    ['Conflicted', 'True', 'Warning'],
    ['PartiallyInvalid', 'False', 'Normal'],
    ['Programmed', 'Unknown', undefined],
  ] as const)('%s=%s is %s', (type, status, expected) => {
    const told = eventOf({ at, uid: 'u', part: 'http', before: undefined, after: after(type, status) })
    expect(told?.type).toBe(expected)
    if (told !== undefined) expect(told.note).toBe(`http: ${type}=${status}: m`)
  })
})
