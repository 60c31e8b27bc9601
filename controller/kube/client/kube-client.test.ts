import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { apiObject, failure, KubeApi } from '../../../test/support/kube-api.ts'
import { inClusterAccess, kubeConfigAccess } from './cluster-access.ts'
import { KubeClient, type KubeClientOptions } from './kube-client.ts'
import { KubeError } from './kube-error.ts'
import { resourcePath } from './resource-path.ts'

const BACKENDS = { apiVersion: 'gateway.kgateway.dev/v1alpha1', plural: 'backends', namespaced: true }

let api: KubeApi
let client: KubeClient

const clientWith = (options: Partial<KubeClientOptions>): KubeClient => {
  client.close()
  client = new KubeClient({ access: api.access, ...options })
  return client
}

beforeEach(async () => {
  api = await KubeApi.start()
  client = new KubeClient({ access: api.access })
})

afterEach(async () => {
  client.close()
  await api.close()
})

const caught = async (promise: Promise<unknown>): Promise<KubeError> => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(KubeError)
  return error as KubeError
}

describe('resourcePath', () => {
  it.each([
    [{}, '/apis/gateway.kgateway.dev/v1alpha1/backends'],
    [{ namespace: 'a' }, '/apis/gateway.kgateway.dev/v1alpha1/namespaces/a/backends'],
    [
      { namespace: 'a', name: 'b', subresource: 'status' },
      '/apis/gateway.kgateway.dev/v1alpha1/namespaces/a/backends/b/status',
    ],
    [{ namespace: 'a', name: '../x' }, '/apis/gateway.kgateway.dev/v1alpha1/namespaces/a/backends/..%2Fx'],
  ])('names %j', (name, path) => {
    expect(resourcePath(BACKENDS, name)).toBe(path)
  })

  it('leaves the namespace out where a kind has none', () => {
    const nodes = { apiVersion: 'v1', plural: 'namespaces', namespaced: false }
    expect(resourcePath(nodes, { namespace: '', name: 'a' })).toBe('/api/v1/namespaces/a')
  })
})

describe('KubeClient', () => {
  const path = resourcePath(BACKENDS, { namespace: 'ns', name: 'b' })

  it('gets, lists in pages, applies, patches, creates and deletes', async () => {
    for (const name of ['a', 'b', 'c']) api.put(apiObject('Backend', name))
    const collection = resourcePath(BACKENDS)
    const first = await client.list(collection, { limit: 2 })
    const second = await client.list(collection, { limit: 2, continue: first.continue })
    expect([first.items.length, second.items.length, second.continue]).toEqual([2, 1, undefined])
    await client.apply(`${path}/status`, { status: { conditions: [{ type: 'Accepted' }] } })
    await client.mergePatch(`${path}/status`, { status: { more: 1 } })
    expect((await client.get(path)).status).toEqual({ conditions: [{ type: 'Accepted' }], more: 1 })
    await client.delete(path)
    expect((await caught(client.get(path))).status).toBe(404)
    await client.create(resourcePath(BACKENDS, { namespace: 'ns' }), apiObject('Backend', 'b'))
    expect((await client.get(path)).metadata.name).toBe('b')
    const apply = api.requests.find(({ headers }) => headers['content-type'] === 'application/apply-patch+yaml')
    expect(Object.fromEntries(apply?.query ?? [])).toEqual({ fieldManager: 'weir', force: 'true' })
  })

  it('tells what the Status says, and never the token', async () => {
    api.script = () => failure(403, 'Forbidden', 'backends is forbidden')
    const error = await caught(client.get(path))
    expect(error).toMatchObject({ status: 403, reason: 'Forbidden' })
    expect(error.message).toBe(`GET ${path}: 403 Forbidden: backends is forbidden`)
    expect(JSON.stringify(error) + error.stack).not.toContain(api.token)
  })

  it('asks a busy server again, as often as it says, up to a limit', async () => {
    let refusals = 2
    const busy = { ...failure(429, 'TooManyRequests'), headers: { 'retry-after': '0' } }
    api.put(apiObject('Backend', 'b'))
    api.script = () => (refusals-- > 0 ? busy : undefined)
    expect((await client.get(path)).metadata.name).toBe('b')
    refusals = 100
    expect((await caught(client.get(path))).status).toBe(429)
    expect(refusals).toBe(96)
  })

  it.each([
    ['an answer that is no JSON', '<html>', 'Malformed'],
    ['a list', '[]', undefined],
  ])('refuses %s', async (_, body, reason) => {
    api.script = () => ({ status: 200, body })
    const error = await caught(client.list(resourcePath(BACKENDS)))
    expect(error.reason).toBe(reason ?? 'Malformed')
  })

  it('gives up on what hangs, what is too long and what is not there', async () => {
    api.script = () => 'hang'
    expect((await caught(clientWith({ timeoutMs: 50 }).get(path))).reason).toBe('TimedOut')
    api.script = () => ({ status: 200, body: { text: 'x'.repeat(2000) } })
    expect((await caught(clientWith({ maxResponseBytes: 1000 }).get(path))).reason).toBe('TooLarge')
    api.script = () => (response) => {
      response.writeHead(200)
      response.write('{')
    }
    expect((await caught(clientWith({ timeoutMs: 50 }).get(path))).reason).toBe('TimedOut')
    api.script = () => 'reset'
    expect((await caught(clientWith({}).get(path))).reason).toBe('Unreachable')
  })

  it('sends once more what met the end of an idle connection, but creates nothing twice', async () => {
    api.put(apiObject('Backend', 'b'))
    await client.get(path)
    let resets = 1
    api.script = () => (resets-- > 0 ? 'reset' : undefined)
    expect((await client.get(path)).metadata.name).toBe('b')
    resets = 1
    expect((await caught(client.create(resourcePath(BACKENDS), {}))).reason).toBe('Unreachable')
  })

  it("throws the caller's own reason when the caller aborts", async () => {
    const abort = new AbortController()
    const reason = new Error('no longer leading')
    api.script = () => {
      abort.abort(reason)
      return 'hang'
    }
    await expect(client.get(path, { signal: abort.signal })).rejects.toBe(reason)
  })

  it('does not speak to a server of another CA', async () => {
    const other = await KubeApi.start()
    const { tls } = await other.access.credentials(false)
    const headers = { authorization: 'Bearer secret' }
    const wrong = clientWith({ access: { ...api.access, credentials: async () => ({ headers, tls }) } })
    expect((await caught(wrong.get(path))).reason).toBe('Unreachable')
    expect(api.requests).toEqual([])
    await other.close()
  })
})

describe('access', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-access-'))
    const { tls } = await api.access.credentials(false)
    await writeFile(join(folder, 'ca.crt'), tls.ca as string)
  })

  afterEach(() => rm(folder, { recursive: true }))

  it('of a pod: reads its token again when the server refuses it, and says nothing of it', async () => {
    await writeFile(join(folder, 'token'), 'the former token\n')
    const { hostname, port } = api.access.server
    const env = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port }
    clientWith({ access: await inClusterAccess(env, folder) })
    const error = await caught(client.get('/api/v1/namespaces/a'))
    expect(error.status).toBe(401)
    expect(error.message + error.stack).not.toContain('former token')
    await writeFile(join(folder, 'token'), `${api.token}\n`)
    expect((await caught(client.get('/api/v1/namespaces/a'))).status).toBe(404)
  })

  it('of a kubeconfig: its current context', async () => {
    const { server } = api.access
    const config = {
      'current-context': 'here',
      contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
      clusters: [{ name: 'c', cluster: { server: server.href, 'certificate-authority': 'ca.crt' } }],
      users: [{ name: 'u', user: { token: api.token } }],
    }
    await writeFile(join(folder, 'config'), JSON.stringify(config))
    clientWith({ access: await kubeConfigAccess(join(folder, 'config')) })
    api.put(apiObject('Namespace', 'a'))
    expect((await client.get('/api/v1/namespaces/a')).metadata.name).toBe('a')
    expect(api.requests[0]?.headers['connection']).toBe('keep-alive')
  })
})
