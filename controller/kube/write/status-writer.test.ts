import { CONTROLLER_NAME } from '../../../contract/names.ts'
import { type ApiObject, apiObject, failure, KubeApi } from '../../../test/support/kube-api.ts'
import type { StatusPatch } from '../../api/verdict.ts'
import { KubeClient } from '../client/kube-client.ts'
import { type StoredObject, storedObject } from '../watch/stored-object.ts'
import { watchedKind } from '../watch/watched-kinds.ts'
import { StatusWriter } from './status-writer.ts'

let api: KubeApi
let client: KubeClient
/** What the watch has seen: as the server has it, unless a test keeps it behind. */
let seen: Map<string, StoredObject | undefined>
let leading: AbortController

beforeEach(async () => {
  api = await KubeApi.start()
  client = new KubeClient({ access: api.access, timeoutMs: 1000 })
  seen = new Map()
  leading = new AbortController()
})

afterEach(async () => {
  client.close()
  await api.close()
})

const current = ({ kind, namespace, name }: StatusPatch['at']): StoredObject | undefined => {
  if (seen.has(name)) return seen.get(name)
  const raw = api.get(apiObject(kind, name, { metadata: { namespace } }))
  return raw === undefined ? undefined : storedObject(raw, watchedKind(kind))
}
const writer = (): StatusWriter => new StatusWriter({ client, current })

const accepted = (message = '', status = 'True'): object => ({
  type: 'Accepted',
  status,
  reason: 'Accepted',
  message,
  observedGeneration: 1,
})
const patch = (object: ApiObject, status: unknown): StatusPatch => {
  const { apiVersion, kind, metadata } = object
  return { at: { apiVersion, kind, namespace: metadata.namespace ?? '', name: metadata.name }, status }
}
const parent = (controllerName: string, ...conditions: readonly object[]): object => ({
  parentRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'g' },
  controllerName,
  conditions,
})
const statusOf = (object: ApiObject): { [field: string]: unknown } =>
  (api.get(object)?.['status'] ?? {}) as { [field: string]: unknown }
const writes = (): number => api.requests.filter(({ method }) => method === 'PATCH').length

describe('StatusWriter', () => {
  const gateway = apiObject('Gateway', 'g')
  const route = apiObject('HTTPRoute', 'r')

  it('writes what differs, once, and tells what has changed', async () => {
    api.put(gateway)
    api.put(route)
    const statuses = writer()
    const patches = [
      patch(gateway, { conditions: [accepted()] }),
      patch(route, { parents: [parent(CONTROLLER_NAME, accepted())] }),
      patch(apiObject('HTTPRoute', 'deleted'), { parents: [] }),
    ]
    const first = await statuses.write(patches, leading.signal)
    expect(first).toMatchObject({ written: 2, unchanged: 1, failures: [] })
    expect(first.transitions.map(({ at, part, after }) => [at.kind, part, after.type])).toEqual([
      ['Gateway', undefined, 'Accepted'],
      ['HTTPRoute', 'Gateway ns/g', 'Accepted'],
    ])
    expect(await statuses.write(patches, leading.signal)).toMatchObject({ written: 0, unchanged: 3, transitions: [] })
    expect(await writer().write(patches, leading.signal)).toMatchObject({ written: 0, unchanged: 3, transitions: [] })
    expect(writes()).toBe(2)
  })

  it('does not write again while the watch is behind its own write', async () => {
    api.put(gateway)
    seen.set('g', current(patch(gateway, {}).at))
    const statuses = writer()
    const wanted = [patch(gateway, { conditions: [accepted()] })]
    await statuses.write(wanted, leading.signal)
    await statuses.write(wanted, leading.signal)
    expect(writes()).toBe(1)
    await statuses.write([patch(gateway, { conditions: [accepted('new')] })], leading.signal)
    const [condition] = statusOf(gateway)['conditions'] as { lastTransitionTime: string; message: string }[]
    expect([writes(), condition?.message]).toEqual([2, 'new'])
  })

  it('does not go on writing what the server will not have as it is wanted', async () => {
    api.put(gateway)
    api.put({ ...gateway, status: { conditions: [{ type: 'PartiallyInvalid', status: 'True' }] } })
    const statuses = writer()
    const wanted = [patch(gateway, { conditions: [accepted()] })]
    for (let round = 0; round < 5; round++) await statuses.write(wanted, leading.signal)
    expect(writes()).toBe(1)
    expect((statusOf(gateway)['conditions'] as unknown[]).length).toBe(2)
  })

  it('lets the entries of another controller survive that writes at the same time', async () => {
    api.put(route)
    const other = parent('example.com/other', { type: 'Accepted', status: 'False', odd: 1 })
    let races = 3
    api.script = ({ method }) => {
      if (method !== 'PATCH' || races-- <= 0) return undefined
      const now = api.get(route) as ApiObject
      api.put({ ...now, status: { ...statusOf(route), unknown: races, parents: [{ ...other, round: races }] } })
      return undefined
    }
    const result = await writer().write(
      [patch(route, { parents: [parent(CONTROLLER_NAME, accepted())] })],
      leading.signal,
    )
    expect(result).toMatchObject({ written: 1, failures: [] })
    expect(statusOf(route)).toMatchObject({
      unknown: 0,
      parents: [{ ...other, round: 0 }, { controllerName: CONTROLLER_NAME }],
    })
  })

  it('gives up after some conflicts, and holds up nobody by it', async () => {
    const routes = Array.from({ length: 20 }, (_, index) => apiObject('HTTPRoute', `r${index}`))
    for (const one of routes) api.put(one)
    api.script = ({ method, path }) =>
      method === 'PATCH' && path.includes('/r3/') ? failure(409, 'Conflict', 'again and again') : undefined
    const patches = routes.map((one) => patch(one, { parents: [parent(CONTROLLER_NAME, accepted())] }))
    const { written, failures } = await writer().write(patches, leading.signal)
    expect([written, failures.map(({ at }) => at.name)]).toEqual([19, ['r3']])
    expect(failures[0]?.message).toContain('again and again')
  })

  it('tries again what failed', async () => {
    api.put(gateway)
    let failures = 1
    api.script = ({ method }) => (method === 'PATCH' && failures-- > 0 ? failure(500, 'InternalError') : undefined)
    const statuses = writer()
    const wanted = [patch(gateway, { conditions: [accepted()] })]
    expect((await statuses.write(wanted, leading.signal)).failures.length).toBe(1)
    expect(await statuses.write(wanted, leading.signal)).toMatchObject({ written: 1, failures: [] })
  })

  it('does not write to an object of the same name that is another', async () => {
    api.put(gateway)
    seen.set('g', current(patch(gateway, {}).at))
    api.remove(gateway)
    const reborn = api.put({ ...gateway, metadata: { ...gateway.metadata, uid: 'another' } })
    const result = await writer().write([patch(gateway, { conditions: [accepted()] })], leading.signal)
    expect(result).toMatchObject({ written: 0, failures: [] })
    expect(api.get(gateway)).toBe(reborn)
    api.remove(gateway)
    expect(await writer().write([patch(gateway, { conditions: [accepted()] })], leading.signal)).toMatchObject({
      written: 0,
      failures: [],
    })
  })

  it('removes what weir applied before and what it wrote for a parent that is none any more', async () => {
    api.put(gateway)
    api.put({ ...route, status: { parents: [parent('example.com/other'), parent(CONTROLLER_NAME, accepted())] } })
    const statuses = writer()
    const telemetry = { ...accepted(), type: 'weir.dev/Telemetry' }
    await statuses.write([patch(gateway, { conditions: [accepted(), telemetry] })], leading.signal)
    await statuses.write([patch(gateway, { conditions: [accepted()] }), patch(route, { parents: [] })], leading.signal)
    expect((statusOf(gateway)['conditions'] as { type: string }[]).map(({ type }) => type)).toEqual(['Accepted'])
    expect(statusOf(route)['parents']).toEqual([parent('example.com/other')])
  })

  it('sends nothing once leadership is lost', async () => {
    const routes = Array.from({ length: 30 }, (_, index) => apiObject('HTTPRoute', `r${index}`))
    for (const one of routes) api.put(one)
    let sent = 0
    api.script = () => {
      if (++sent === 3) leading.abort(new Error('no longer leading'))
      return undefined
    }
    const patches = routes.map((one) => patch(one, { parents: [parent(CONTROLLER_NAME, accepted())] }))
    const { written, failures } = await writer().write(patches, leading.signal)
    expect(written + failures.length).toBe(30)
    expect(failures.length).toBeGreaterThan(10)
    expect(failures.every(({ message }) => message === 'no longer leading')).toBe(true)
  })
})
