import { EventEmitter, once } from 'node:events'
import { createLog } from '../../../runtime/log.ts'
import { type ApiObject, failure, KubeApi } from '../../../test/support/kube-api.ts'
import { KubeClient } from '../client/kube-client.ts'
import { type LeaseElection, type LeaseOptions, type LeaseTimes, startLeaseElection } from './lease.ts'

const TIMES: LeaseTimes = { leaseDurationMs: 1000, renewDeadlineMs: 400, retryPeriodMs: 20 }
const log = createLog({ level: 'silent', format: 'json' })
const LEASE: ApiObject = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: 'weir', namespace: 'system' },
}

let api: KubeApi
let clients: KubeClient[]
let elections: LeaseElection[]
let history: string[]
const happened = new EventEmitter()

beforeEach(async () => {
  api = await KubeApi.start()
  clients = []
  elections = []
  history = []
})

afterEach(async () => {
  await Promise.all(elections.map((election) => election.close()))
  for (const client of clients) client.close()
  await api.close()
})

const note = (what: string): void => {
  history.push(what)
  happened.emit('note')
}

function join(identity: string, options: Partial<LeaseOptions> = {}): LeaseElection {
  const client = new KubeClient({ access: api.access })
  clients.push(client)
  const election = startLeaseElection({
    client,
    log,
    namespace: 'system',
    name: 'weir',
    identity,
    times: TIMES,
    onLeading: (signal) => {
      note(`${identity} leads`)
      signal.addEventListener('abort', () => note(`${identity} aborted`))
    },
    onLost: () => note(`${identity} lost`),
    onHolder: (holder) => note(`${identity} sees ${holder}`),
    ...options,
  })
  elections.push(election)
  return election
}

async function until(what: string): Promise<void> {
  while (!history.includes(what)) await once(happened, 'note')
}

const spec = (): { readonly [field: string]: unknown } =>
  (api.get(LEASE)?.['spec'] ?? {}) as { [field: string]: unknown }

describe('lease election', () => {
  it('lets one of several lead, whom the others know', async () => {
    const first = join('a at 10.0.0.1:9978')
    await until('a at 10.0.0.1:9978 leads')
    const second = join('b')
    await until('b sees a at 10.0.0.1:9978')
    expect([first.isLeading, second.isLeading]).toEqual([true, false])
    expect([first.holder(), second.holder()]).toEqual(Array(2).fill('a at 10.0.0.1:9978'))
    expect(spec()).toMatchObject({ holderIdentity: 'a at 10.0.0.1:9978', leaseDurationSeconds: 1, leaseTransitions: 0 })
    expect(spec()['renewTime']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  })

  it('gives the lease back at the end, so that the next leads at once', async () => {
    const first = join('a')
    await until('a leads')
    await first.close()
    expect(history.slice(0, 4)).toEqual(['a leads', 'a sees a', 'a aborted', 'a lost'])
    expect(spec()).toMatchObject({ holderIdentity: '' })
    join('b')
    await until('b leads')
    expect(spec()).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 })
  })

  it('loses what it cannot renew, and leads again when it can', async () => {
    const election = join('a')
    await until('a leads')
    api.script = () => 'hang'
    await until('a lost')
    expect([election.isLeading, history.at(-2)]).toEqual([false, 'a aborted'])
    history = []
    api.script = () => undefined
    await until('a leads')
  })

  it('loses at once what another has taken, and leaves it alone', async () => {
    join('a')
    await until('a leads')
    const taken = { holderIdentity: 'b', leaseDurationSeconds: 60 }
    api.script = ({ method }) => (method === 'PUT' ? failure(409, 'Conflict') : undefined)
    api.put({ ...LEASE, spec: taken })
    await until('a sees b')
    api.script = () => undefined
    expect(history).toContain('a lost')
    await elections[0]?.close()
    expect(spec()).toEqual(taken)
  })

  it('takes a lease over that nobody renews, and not before it has run out', async () => {
    api.put({ ...LEASE, spec: { holderIdentity: 'dead', leaseDurationSeconds: 1, leaseTransitions: 4 } })
    const election = join('a')
    await until('a sees dead')
    expect(election.holder()).toBe('dead')
    await until('a leads')
    expect(spec()).toMatchObject({ holderIdentity: 'a', leaseTransitions: 5 })
  })

  it('never has two leaders, whoever fails when', async () => {
    const leading = new Set<string>()
    let most = 0
    const options = (identity: string): Partial<LeaseOptions> => ({
      onLeading: (signal) => {
        leading.add(identity)
        most = Math.max(most, leading.size)
        signal.addEventListener('abort', () => leading.delete(identity))
        note(`${identity} leads`)
      },
    })
    for (const identity of ['a', 'b', 'c']) join(identity, options(identity))
    let failing = ''
    api.script = ({ method, body }) => {
      const { holderIdentity } = ((body as ApiObject | undefined)?.['spec'] ?? {}) as { holderIdentity?: string }
      return method === 'PUT' && holderIdentity === failing ? 'hang' : undefined
    }
    for (let term = 0; term < 2; term++) {
      while (leading.size === 0) await once(happened, 'note')
      failing = [...leading][0] as string
      history = []
      while (!history.some((one) => one.endsWith(' leads'))) await once(happened, 'note')
    }
    expect(most).toBe(1)
  })

  it('refuses times by which two could lead', () => {
    const client = new KubeClient({ access: api.access })
    const options = { client, log, namespace: 'n', name: 'l', identity: 'i', onLeading: () => {}, onLost: () => {} }
    const times = { ...TIMES, renewDeadlineMs: TIMES.leaseDurationMs }
    expect(() => startLeaseElection({ ...options, times })).toThrow(RangeError)
  })
})
