import fc from 'fast-check'
import { apiObject } from '../../../test/support/kube-api.ts'
import { ObjectStore } from './object-store.ts'
import { isNewerVersion } from './resource-version.ts'
import { inputOf, type StoredObject, storedObject } from './stored-object.ts'
import { watchedKind } from './watched-kinds.ts'

const stored = (kind: string, name: string, fields: { readonly [field: string]: unknown } = {}): StoredObject => {
  const { metadata = {}, ...rest } = fields as { metadata?: object }
  const identity = { uid: `uid of ${name}`, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' }
  const object = storedObject(
    apiObject(kind, name, { ...rest, metadata: { ...identity, ...metadata } }),
    watchedKind(kind),
  )
  return object as StoredObject
}

describe('storedObject', () => {
  it('leaves out what is the API server and kubectl talking to themselves', () => {
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}' }
    const managedFields = [{ manager: 'kubectl' }]
    const object = stored('Gateway', 'a', { metadata: { annotations, managedFields }, status: { x: 1 } })
    expect(object.metadata).toEqual({
      name: 'a',
      namespace: 'ns',
      uid: 'uid of a',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
    })
    expect(object.status).toEqual({ x: 1 })
    expect(inputOf(object)).not.toHaveProperty('status')
    expect(inputOf(object).metadata).not.toHaveProperty('resourceVersion')
  })

  it('is frozen, all through', () => {
    const object = stored('Gateway', 'a', { spec: { listeners: [{ name: 'http' }] } }) as StoredObject<{
      listeners: object[]
    }>
    expect([object, object.spec, object.spec?.listeners[0], inputOf(object)].every(Object.isFrozen)).toBe(true)
  })

  it('keeps of slices what is read of them', () => {
    const endpoint = {
      addresses: ['10.0.0.1'],
      conditions: { ready: true, serving: true },
      nodeName: 'n',
      targetRef: { name: 'p' },
    }
    const slice = stored('EndpointSlice', 'a', {
      endpoints: [endpoint, { addresses: ['10.0.0.2'] }],
      addressType: 'IPv4',
    })
    expect(slice.endpoints).toEqual([
      { addresses: ['10.0.0.1'], conditions: { ready: true } },
      { addresses: ['10.0.0.2'], conditions: {} },
    ])
    expect(
      storedObject(
        { ...apiObject('EndpointSlice', 'b', { metadata: slice.metadata }), endpoints: null },
        watchedKind('EndpointSlice'),
      )?.endpoints,
    ).toEqual([])
  })

  it.each([[null], ['text'], [[]], [{}], [{ metadata: null }], [{ metadata: { name: 'a' } }]])(
    'is none of %j',
    (raw) => {
      expect(storedObject(raw, watchedKind('Gateway'))).toBeUndefined()
    },
  )
})

describe('isNewerVersion', () => {
  it.each([
    ['10', '9', true],
    ['9', '10', false],
    ['10', '10', false],
    ['18446744073709551615', '9007199254740993', true],
    ['b', 'a', true],
    ['a', 'a', false],
  ])('%s after %s: %s', (a, b, isNewer) => {
    expect(isNewerVersion(a, b)).toBe(isNewer)
  })
})

describe('ObjectStore', () => {
  const gateway = watchedKind('Gateway')

  it('tells a change of the status from one of the rest', () => {
    const store = new ObjectStore()
    expect(store.put(gateway, stored('Gateway', 'a'))).toBe('input')
    const [before] = store.inputs()
    const moved = { metadata: { resourceVersion: '2' }, status: { x: 1 } }
    expect(store.put(gateway, stored('Gateway', 'a', moved))).toBe('status')
    expect(store.inputs()[0]).toBe(before)
    expect(store.get('Gateway', 'ns', 'a')?.status).toEqual({ x: 1 })
    expect(store.put(gateway, stored('Gateway', 'a', moved))).toBe('none')
    expect(store.put(gateway, stored('Gateway', 'a', { metadata: { resourceVersion: '3' }, spec: {} }))).toBe('input')
    expect(store.remove(gateway, 'ns', 'a')).toBe('input')
    expect(store.remove(gateway, 'ns', 'a')).toBe('none')
    expect(store.inputs()).toEqual([])
    expect(store.put(watchedKind('Deployment'), stored('Deployment', 'a'))).toBe('status')
    expect(store.inputs()).toEqual([])
  })

  it('takes a list of one namespace for what is in that namespace alone', () => {
    const store = new ObjectStore()
    for (const namespace of ['a', 'b']) store.put(gateway, stored('Gateway', 'x', { metadata: { namespace } }))
    expect(store.replaceAll(gateway, 'a', [])).toBe('input')
    expect(store.all('Gateway').map(({ metadata }) => metadata.namespace)).toEqual(['b'])
    expect(store.replaceAll(gateway, undefined, store.all('Gateway'))).toBe('none')
  })

  it('gives data to the object that it is of, and takes it away with it', () => {
    const store = new ObjectStore()
    const secret = watchedKind('Secret')
    const withData = storedObject(
      apiObject('Secret', 's', { data: { k: 'dg==' }, metadata: stored('Secret', 's').metadata }),
      { ...secret, metadataOnly: false },
    )
    expect(store.setData('Secret', 'ns', 's', withData)).toBe(false)
    store.put(secret, stored('Secret', 's'))
    expect(store.inputs()).toEqual([])
    expect(store.setData('Secret', 'ns', 's', withData)).toBe(true)
    expect(store.inputs()[0]?.data).toEqual({ k: 'dg==' })
    store.put(secret, stored('Secret', 's', { metadata: { resourceVersion: '2' } }))
    expect(store.inputs()[0]?.data).toEqual({ k: 'dg==' })
    store.put(secret, stored('Secret', 's', { metadata: { resourceVersion: '3', uid: 'another of that name' } }))
    expect(store.inputs()).toEqual([])
  })

  it('has its objects in one order, whatever happened in which order', () => {
    const change = fc.record({
      name: fc.constantFrom('a', 'b', 'c', 'd'),
      kind: fc.constantFrom('Gateway', 'HTTPRoute', 'Backend'),
      second: fc.integer({ min: 0, max: 3 }),
      isThere: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const store = new ObjectStore()
        changes.forEach(({ name, kind, second, isThere }, index) => {
          const metadata = { creationTimestamp: `2026-01-01T00:00:0${second}Z`, resourceVersion: String(index) }
          if (isThere) store.put(watchedKind(kind), stored(kind, name, { metadata }))
          else store.remove(watchedKind(kind), 'ns', name)
        })
        const order = ['Gateway', 'HTTPRoute', 'Backend']
        const place = ({
          kind,
          metadata,
        }: {
          kind: string
          metadata: { creationTimestamp: string; name: string }
        }): string => `${metadata.creationTimestamp} ${order.indexOf(kind)} ${metadata.name}`
        const places = store.inputs().map(place)
        expect(places).toEqual([...places].sort())
        expect(places.length).toBe(order.flatMap((kind) => store.all(kind)).length)
      }),
    )
  })
})
