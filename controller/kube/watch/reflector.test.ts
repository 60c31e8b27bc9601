import { EventEmitter, once } from 'node:events'
import { type ApiObject, apiObject, failure, KubeApi } from '../../../test/support/kube-api.ts'
import { KubeClient } from '../client/kube-client.ts'
import { REFLECTOR_TIMES, Reflector, type ReflectorTimes } from './reflector.ts'
import type { StoredObject } from './stored-object.ts'
import { watchedKind } from './watched-kinds.ts'

const FAST: ReflectorTimes = {
  ...REFLECTOR_TIMES,
  retry: { firstMs: 2, mostMs: 10 },
  absent: { firstMs: 2, mostMs: 10 },
}

let api: KubeApi
let client: KubeClient
let reflector: Reflector | undefined

beforeEach(async () => {
  api = await KubeApi.start()
  client = new KubeClient({ access: api.access })
})

afterEach(async () => {
  await reflector?.close()
  client.close()
  await api.close()
})

/** Follows a kind, and keeps what the sink is told. */
class Following {
  readonly objects = new Map<string, StoredObject>()
  readonly #changes = new EventEmitter()

  constructor(kind: string, { namespace, times = FAST }: { namespace?: string; times?: ReflectorTimes } = {}) {
    const key = (of: string | undefined, name: string): string => `${of ?? ''}/${name}`
    const told = (): void => void this.#changes.emit('change')
    reflector = new Reflector({
      client,
      kind: watchedKind(kind),
      namespace,
      times,
      onState: told,
      sink: {
        replaceAll: (listed) => {
          this.objects.clear()
          for (const one of listed) this.objects.set(key(one.metadata.namespace, one.metadata.name), one)
          told()
        },
        put: (one) => {
          this.objects.set(key(one.metadata.namespace, one.metadata.name), one)
          told()
        },
        remove: (of, name) => {
          this.objects.delete(key(of, name))
          told()
        },
      },
    })
    reflector.start()
  }

  get names(): readonly string[] {
    return [...this.objects.keys()].sort()
  }

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await once(this.#changes, 'change')
  }

  /** Until exactly these are there. */
  async has(...names: readonly string[]): Promise<void> {
    await this.until(() => JSON.stringify(this.names) === JSON.stringify([...names].sort()))
  }
}

const lists = (): number => api.requests.filter(({ query }) => query.get('limit') !== null).length
const watches = (): readonly (string | null)[] =>
  api.requests.filter(({ query }) => query.has('watch')).map(({ query }) => query.get('resourceVersion'))

/** Resolves when the server has this many watches. */
async function watching(count: number): Promise<void> {
  while (api.watching !== count) await new Promise((resolve) => setTimeout(resolve, 2))
}

describe('Reflector', () => {
  it('reads all pages, then follows', async () => {
    const names = Array.from({ length: 1201 }, (_, index) => `ns/r${index}`)
    for (const name of names) api.put(apiObject('HTTPRoute', name.slice(3)))
    const following = new Following('HTTPRoute')
    await following.has(...names)
    expect(lists()).toBe(3)
    await watching(1)
    expect(watches()).toEqual([api.version])
    api.remove(apiObject('HTTPRoute', 'r5'))
    api.put(apiObject('HTTPRoute', 'new', { metadata: { namespace: 'other' } }))
    await following.has('other/new', ...names.filter((name) => name !== 'ns/r5'))
    expect(following.objects.get('ns/r7')).toMatchObject({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
    })
    expect(reflector?.state).toMatchObject({
      synced: true,
      installed: true,
      lists: 1,
      watches: 1,
      lastError: undefined,
    })
  })

  it('takes a broken watch up again from the version seen last, without a new list', async () => {
    const following = new Following('Gateway')
    await watching(1)
    api.put(apiObject('Gateway', 'a'))
    await following.has('ns/a')
    const seen = api.version
    api.cutWatches()
    api.put(apiObject('Gateway', 'b'))
    await following.has('ns/a', 'ns/b')
    expect(lists()).toBe(1)
    expect(watches().at(-1)).toBe(seen)
  })

  it('goes on from a bookmark, also when the server ends the watch', async () => {
    new Following('Gateway')
    await watching(1)
    const bookmark = { type: 'BOOKMARK', object: { metadata: { resourceVersion: '4711' } } }
    api.writeToWatches('gateways', `${JSON.stringify(bookmark)}\n`)
    api.endWatches()
    await watching(1)
    expect(watches().at(-1)).toBe('4711')
    expect(lists()).toBe(1)
  })

  it('lists anew when its version is gone', async () => {
    const following = new Following('Gateway')
    api.put(apiObject('Gateway', 'a'))
    await following.has('ns/a')
    await watching(1)
    api.script = ({ query }) => (query.has('watch') ? 'reset' : undefined)
    api.cutWatches()
    api.remove(apiObject('Gateway', 'a'))
    api.put(apiObject('Gateway', 'b'))
    api.compact()
    api.script = () => undefined
    await following.has('ns/b')
    expect(lists()).toBeGreaterThan(1)
  })

  it('lists anew after an ERROR in the stream, and after a line that cannot be read', async () => {
    const following = new Following('Gateway')
    await watching(1)
    for (const line of [
      JSON.stringify({ type: 'ERROR', object: failure(410, 'Expired').body }),
      '{"type":"ADDED","obj',
      JSON.stringify({ type: 'ERROR', object: failure(500, 'InternalError').body }),
    ]) {
      const before = lists()
      api.writeToWatches('gateways', `${line}\n`)
      await following.until(() => reflector?.state.lastError !== undefined)
      await following.until(() => reflector?.state.lastError === undefined)
      await watching(1)
      expect(lists()).toBe(before + 1)
    }
    api.put(apiObject('Gateway', 'a'))
    await following.has('ns/a')
  })

  it('leaves out objects that are none, and goes on', async () => {
    const following = new Following('Gateway')
    await watching(1)
    for (const object of [null, {}, { metadata: { name: 'x' } }]) {
      api.writeToWatches('gateways', `${JSON.stringify({ type: 'ADDED', object })}\n`)
    }
    api.put(apiObject('Gateway', 'a'))
    await following.has('ns/a')
    expect(reflector?.state.unreadable).toBe(3)
    expect(lists()).toBe(1)
  })

  it('outlives a server that is away, slow to answer, or refuses', async () => {
    const following = new Following('Gateway')
    await watching(1)
    let refusals = 12
    api.script = ({ query }) => {
      if (refusals-- <= 0) return undefined
      return [
        failure(500, 'InternalError'),
        'reset' as const,
        failure(503, 'ServiceUnavailable'),
        failure(403, 'Forbidden'),
      ][query.has('watch') ? refusals % 2 : refusals % 4]
    }
    api.cutWatches()
    api.put(apiObject('Gateway', 'a'))
    await following.has('ns/a')
    await following.until(() => reflector?.state.lastError === undefined)
    expect(reflector?.state.synced).toBe(true)
  })

  it('begins a silent watch anew', async () => {
    new Following('Gateway', { times: { ...FAST, silenceMs: 20 } })
    while (watches().length < 3) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(lists()).toBe(1)
  })

  it('waits for a kind that is not installed', async () => {
    api.absent.add('trafficpolicies.v1alpha1')
    const following = new Following('TrafficPolicy')
    await following.until(() => reflector?.state.synced === true)
    expect(reflector?.state).toMatchObject({ installed: false, lastError: undefined })
    api.put(apiObject('TrafficPolicy', 'a'))
    api.absent.clear()
    await following.has('ns/a')
    expect(reflector?.state.installed).toBe(true)
  })

  it('believes that a kind is gone only when it is told twice', async () => {
    const following = new Following('Backend')
    api.put(apiObject('Backend', 'a'))
    await following.has('ns/a')
    await watching(1)
    let denials = 1
    api.script = ({ query }) => {
      if (query.has('watch')) return denials > 0 ? failure(404, 'NotFound') : undefined
      return denials-- > 0 ? failure(404, 'NotFound') : undefined
    }
    const told: number[] = []
    const count = setInterval(() => told.push(following.objects.size), 1)
    api.cutWatches()
    await following.until(() => (reflector?.state.lists ?? 0) > 1)
    expect(told).not.toContain(0)
    clearInterval(count)
    denials = 1_000_000
    api.cutWatches()
    await following.has()
    expect(reflector?.state).toMatchObject({ synced: true, installed: false })
  })

  it('follows an older version where the first is not served, and gives the first one out', async () => {
    api.absent.add('referencegrants.v1')
    const older: ApiObject = { ...apiObject('ReferenceGrant', 'a'), apiVersion: 'gateway.networking.k8s.io/v1beta1' }
    api.put(older)
    const following = new Following('ReferenceGrant')
    await following.has('ns/a')
    expect(following.objects.get('ns/a')?.apiVersion).toBe('gateway.networking.k8s.io/v1')
    await watching(1)
    api.put({ ...older, metadata: { ...older.metadata, name: 'b' } })
    await following.has('ns/a', 'ns/b')
  })

  it('asks for metadata alone, and keeps no data even if it is sent', async () => {
    api.put(apiObject('Secret', 'a', { data: { token: 'c2VjcmV0' } }))
    const following = new Following('Secret')
    await following.has('ns/a')
    await watching(1)
    api.put(apiObject('Secret', 'b', { data: { token: 'c2VjcmV0' }, metadata: { annotations: { note: 'c2VjcmV0' } } }))
    await following.has('ns/a', 'ns/b')
    expect(JSON.stringify([...following.objects])).not.toContain('c2VjcmV0')
    expect(api.requests.every(({ headers }) => headers.accept?.includes('as=PartialObjectMetadata'))).toBe(true)
  })

  it('keeps to one namespace when it is told to', async () => {
    api.put(apiObject('Service', 'a'))
    api.put(apiObject('Service', 'b', { metadata: { namespace: 'other' } }))
    const following = new Following('Service', { namespace: 'other' })
    await following.has('other/b')
    await watching(1)
    expect(api.requests.map(({ path }) => path)).toEqual(Array(2).fill('/api/v1/namespaces/other/services'))
  })

  it('is silent once it is closed', async () => {
    const following = new Following('Gateway')
    await watching(1)
    await reflector?.close()
    api.put(apiObject('Gateway', 'a'))
    await watching(0)
    expect(following.names).toEqual([])
  })
})
