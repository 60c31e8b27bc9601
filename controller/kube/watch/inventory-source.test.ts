import { EventEmitter, once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { CONTROLLER_NAME } from '../../../contract/names.ts'
import { createLog } from '../../../runtime/log.ts'
import { type ApiObject, apiObject, failure, KubeApi } from '../../../test/support/kube-api.ts'
import type { Inventory } from '../../api/inventory.ts'
import { compile } from '../../compile/compile.ts'
import { printCompilation } from '../../compile/print.ts'
import { readFiles } from '../../files/read.ts'
import { KubeClient } from '../client/kube-client.ts'
import { type InventorySource, type InventorySourceOptions, kubeInventorySource } from './inventory-source.ts'
import { REFLECTOR_TIMES } from './reflector.ts'

const TIMES = { ...REFLECTOR_TIMES, retry: { firstMs: 2, mostMs: 10 }, absent: { firstMs: 2, mostMs: 10 } }
const log = createLog({ level: 'silent', format: 'json' })

let api: KubeApi
let client: KubeClient
const sources: InventorySource[] = []
const changes = new EventEmitter()
let told: string[]

beforeEach(async () => {
  api = await KubeApi.start()
  client = new KubeClient({ access: api.access })
  told = []
})

afterEach(async () => {
  await Promise.all(sources.splice(0).map((source) => source.close()))
  client.close()
  await api.close()
})

async function startSource(options: Partial<InventorySourceOptions> = {}): Promise<InventorySource> {
  const onChange = (change: string): void => {
    told.push(change)
    changes.emit('change')
  }
  const source = kubeInventorySource({ client, log, onChange, times: TIMES, ...options })
  sources.push(source)
  await source.start()
  return source
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await once(changes, 'change')
}

const named = ({ objects }: Inventory): string[] =>
  objects.map(({ kind, metadata: { namespace = '', name } }) => `${kind} ${namespace}/${name}`)

const ownClass = apiObject('GatewayClass', 'weir', { spec: { controllerName: CONTROLLER_NAME } })
const backend = (name: string, secret: string): ApiObject =>
  apiObject('Backend', name, {
    spec: { type: 'AI', ai: { llm: { openai: { authToken: { kind: 'SecretRef', secretRef: { name: secret } } } } } },
  })
const secret = (name: string, value = 'v'): ApiObject =>
  apiObject('Secret', name, { type: 'Opaque', data: { Authorization: Buffer.from(value).toString('base64') } })

/** Which Secrets and ConfigMaps were got whole. */
const gets = (): readonly string[] =>
  api.requests.map(({ path }) => path).filter((path) => /\/(secrets|configmaps)\/[^/]+$/.test(path))

const tokenOf = (source: InventorySource): string | undefined => {
  const data = source.inventory().objects.find(({ kind }) => kind === 'Secret')?.data?.['Authorization']
  return data === undefined ? undefined : Buffer.from(data, 'base64').toString()
}

describe('kubeInventorySource', () => {
  it('has everything when it has started, and the same object until something changes', async () => {
    for (const object of [ownClass, backend('b', 's'), secret('s'), secret('other')]) api.put(object)
    const source = await startSource()
    const inventory = source.inventory()
    expect(named(inventory).sort()).toEqual(['Backend ns/b', 'GatewayClass /weir', 'Secret ns/s'])
    expect(source.inventory()).toBe(inventory)
    expect([source.synced, Object.isFrozen(inventory), Object.isFrozen(inventory.objects)]).toEqual([true, true, true])
    expect(gets()).toEqual(['/api/v1/namespaces/ns/secrets/s'])
    expect(told).toEqual([])
  })

  it('starts late rather than with half of it', async () => {
    let isAway = true
    api.script = ({ path }) => (isAway && path.endsWith('/httproutes') ? failure(503, 'ServiceUnavailable') : undefined)
    api.put(apiObject('HTTPRoute', 'r'))
    const starting = startSource()
    while (api.watching < 13) await new Promise((resolve) => setTimeout(resolve, 2))
    expect(sources[0]?.synced).toBe(false)
    expect(sources[0]?.inventory().objects).toEqual([])
    expect(sources[0]?.states().find(({ kind }) => kind === 'HTTPRoute')).toMatchObject({ synced: false })
    isAway = false
    expect(named((await starting).inventory())).toEqual(['HTTPRoute ns/r'])
  })

  it('tells input from status', async () => {
    const gateway = apiObject('Gateway', 'g', { spec: { gatewayClassName: 'weir', listeners: [] } })
    api.put(gateway)
    const source = await startSource()
    const before = source.inventory()
    api.put({ ...gateway, status: { conditions: [] } })
    await until(() => told.length > 0)
    expect([told, source.inventory()]).toEqual([['status'], before])
    expect(source.current({ kind: 'Gateway', namespace: 'ns', name: 'g' })?.status).toEqual({ conditions: [] })
    api.put(apiObject('Deployment', 'g', { status: { readyReplicas: 1 } }))
    await until(() => source.all('Deployment').length === 1)
    expect(told).not.toContain('input')
    api.put({ ...gateway, spec: { gatewayClassName: 'other', listeners: [] } })
    await until(() => told.includes('input'))
    expect(source.inventory()).not.toBe(before)
  })

  it('follows a Secret that is referred to: its rotation, its end, its return', async () => {
    api.put(backend('b', 's'))
    const source = await startSource()
    expect(tokenOf(source)).toBeUndefined()
    api.put(secret('s', 'first'))
    await until(() => tokenOf(source) === 'first')
    api.put(secret('s', 'second'))
    await until(() => tokenOf(source) === 'second')
    api.remove(secret('s'))
    await until(() => tokenOf(source) === undefined)
    api.put(secret('s', 'third'))
    await until(() => tokenOf(source) === 'third')
    api.remove(backend('b', 's'))
    await until(() => source.inventory().objects.length === 0)
  })

  it('waits for data that has just become needed, so that nobody takes it for missing', async () => {
    api.put(secret('s', 'value'))
    const source = await startSource()
    let release = (): void => {}
    api.script = ({ path }) => {
      if (!path.endsWith('/secrets/s')) return undefined
      return (response) => {
        release = () => response.end(JSON.stringify(api.get(secret('s'))))
        changes.emit('change')
      }
    }
    api.put(backend('b', 's'))
    let isAsked = false
    void once(changes, 'change').then(() => {
      isAsked = true
    })
    await until(() => isAsked)
    expect([named(source.inventory()), told]).toEqual([[], []])
    release()
    await until(() => told.length > 0)
    expect(tokenOf(source)).toBe('value')
    expect(told).toEqual(['input'])
  })

  it('goes on without data that cannot be got, keeps what it had, and gets it later', async () => {
    api.put(secret('s', 'first'))
    api.put(backend('b', 's'))
    let isForbidden = true
    api.script = ({ path }) => (isForbidden && path.endsWith('/secrets/s') ? failure(403, 'Forbidden') : undefined)
    const source = await startSource()
    expect(named(source.inventory())).toEqual(['Backend ns/b'])
    isForbidden = false
    await until(() => tokenOf(source) === 'first')
    isForbidden = true
    api.put(secret('s', 'second'))
    api.put(apiObject('Gateway', 'g', { spec: {} }))
    await until(() => named(source.inventory()).includes('Gateway ns/g'))
    expect(tokenOf(source)).toBe('first')
    isForbidden = false
    await until(() => tokenOf(source) === 'second')
  })

  it('lets Secrets and ConfigMaps change that nobody refers to', async () => {
    const source = await startSource()
    const before = source.inventory()
    api.put(secret('s'))
    api.put(apiObject('ConfigMap', 'c', { data: { a: 'b' } }))
    api.put(apiObject('Service', 'last'))
    await until(() => source.all('Service').length === 1 && source.all('ConfigMap').length === 1)
    expect(before.objects).toEqual([])
    expect([named(source.inventory()), gets()]).toEqual([['Service ns/last'], []])
  })

  it('has the names beside what is missing, without data', async () => {
    for (const object of [backend('b', 'tokn'), secret('token', 'value')]) api.put(object)
    const source = await startSource()
    expect(named(source.inventory())).toEqual(['Backend ns/b', 'Secret ns/token'])
    expect(source.inventory().objects[1]).not.toHaveProperty('data')
    expect(gets()).toEqual([])
    const { problems } = compile(source.inventory(), { implicitClasses: [] })
    expect(problems[0]?.advice).toContain('token')
    api.put(secret('tokens'))
    await until(() => named(source.inventory()).includes('Secret ns/tokens'))
  })

  it('reads only the namespaces that it is given', async () => {
    for (const namespace of ['a', 'b', 'c']) api.put(apiObject('HTTPRoute', 'r', { metadata: { namespace } }))
    api.put(ownClass)
    const source = await startSource({ namespaces: ['a', 'c'] })
    expect(named(source.inventory()).sort()).toEqual(['GatewayClass /weir', 'HTTPRoute a/r', 'HTTPRoute c/r'])
    const clusterWide = api.requests.filter(({ path }) => !path.includes('/namespaces/')).map(({ path }) => path)
    expect(new Set(clusterWide)).toEqual(
      new Set(['/apis/gateway.networking.k8s.io/v1/gatewayclasses', '/api/v1/namespaces']),
    )
  })

  it('ends in the same state as a fresh start, whatever happened and whatever broke', async () => {
    const names = ['a', 'b']
    const objects = names.flatMap((name) => [
      backend(name, 'a'),
      backend(name, 'b'),
      secret(name),
      secret(name, 'other'),
    ])
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...objects).map((object) => ({ do: 'put' as const, object })) },
      { weight: 4, arbitrary: fc.constantFrom(...objects).map((object) => ({ do: 'remove' as const, object })) },
      {
        weight: 2,
        arbitrary: fc
          .constantFrom('cut' as const, 'end' as const, 'compact' as const, 'turn' as const)
          .map((what) => ({ do: what })),
      },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const followed = await startSource()
        for (const one of steps) {
          if (one.do === 'put') api.put(one.object)
          else if (one.do === 'remove') api.remove(one.object)
          else if (one.do === 'cut') api.cutWatches()
          else if (one.do === 'end') api.endWatches()
          else if (one.do === 'compact') api.compact()
          else await new Promise((resolve) => setImmediate(resolve))
        }
        const fresh = await startSource()
        const text = (source: InventorySource): string => JSON.stringify(source.inventory().objects)
        const wanted = text(fresh)
        await until(() => text(followed) === wanted)
        await Promise.all(sources.splice(0).map((source) => source.close()))
        for (const object of objects) api.remove(object)
      }),
      { numRuns: 25 },
    )
  })
})

describe('goldens', () => {
  const folder = join(import.meta.dirname, '../../../test/golden')
  const cases = readdirSync(folder).filter((file) => file.endsWith('.in.yaml'))

  it.each(cases)('%s compiles from the API server to what it compiles to from files', async (file) => {
    const text = readFileSync(join(folder, file), 'utf8')
    const files = readFiles([{ path: 'in.yaml', text }], { namespace: 'default' })
    const classes = ['agentgateway', 'weir']
      .filter((name) => !files.objects.some(({ kind, metadata }) => kind === 'GatewayClass' && metadata.name === name))
      .map((name) => ({
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'GatewayClass',
        metadata: { name, creationTimestamp: '1999-01-01T00:00:00Z', generation: 1 },
        spec: { controllerName: CONTROLLER_NAME },
      }))
    const objects = [...classes, ...files.objects].map((object, index) => ({
      ...object,
      metadata: { ...object.metadata, uid: `uid-${index}` },
    }))
    const wanted = { objects, problems: [] }
    for (const object of wanted.objects) api.put(object as unknown as ApiObject)
    const source = await startSource()
    const printed = (inventory: Inventory): string => printCompilation(compile(inventory, { implicitClasses: [] }))
    expect(printed(source.inventory())).toBe(printed(wanted))
  })
})
