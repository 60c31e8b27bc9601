import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CONTROLLER_NAME } from '../contract/names.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import { startPushClient } from '../dataplane/sync/push-client.ts'
import { createLog } from '../runtime/log.ts'
import { eventually } from '../test/rig/eventually.ts'
import { freePort } from '../test/support/free-port.ts'
import { type ApiObject, KubeApi } from '../test/support/kube-api.ts'
import type { GatewayStatus } from './api/status.ts'
import { Controller } from './main.ts'
import type { Certificates } from './push/certificate-authority.ts'
import type { ControllerSettings } from './settings.ts'

const log = createLog({ level: 'silent', format: 'json' })
const GATEWAY_API = 'gateway.networking.k8s.io/v1'
const WEIR = 'gateway.kgateway.dev/v1alpha1'
const POD_TOKEN = 'token-of-the-pod'

const object = (apiVersion: string, kind: string, name: string, spec: object): ApiObject => ({
  apiVersion,
  kind,
  metadata: { name, ...(kind === 'GatewayClass' ? {} : { namespace: 'edge' }) },
  spec,
})

/** Its pods are somebody else's to run: what they say is known by their streams. */
const OBJECTS = [
  object(GATEWAY_API, 'GatewayClass', 'weir', { controllerName: CONTROLLER_NAME }),
  object(WEIR, 'GatewayParameters', 'own', { selfManaged: {} }),
  object(GATEWAY_API, 'Gateway', 'edge', {
    gatewayClassName: 'weir',
    listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }],
    infrastructure: { parametersRef: { group: 'gateway.kgateway.dev', kind: 'GatewayParameters', name: 'own' } },
  }),
  object(WEIR, 'Backend', 'web', { type: 'Static', static: { hosts: [{ host: 'a.example.com', port: 80 }] } }),
]

const route = (name: string): ApiObject =>
  object(GATEWAY_API, 'HTTPRoute', name, {
    parentRefs: [{ name: 'edge' }],
    rules: [{ backendRefs: [{ group: 'gateway.kgateway.dev', kind: 'Backend', name: 'web' }] }],
  })

const open: (() => unknown)[] = []

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

async function startApi(): Promise<KubeApi> {
  const api = await KubeApi.start()
  open.push(() => api.close())
  for (const one of OBJECTS) api.put(one)
  api.script = ({ path, body }) => {
    if (!path.endsWith('/tokenreviews')) return undefined
    const { token } = (body as { spec: { token: string } }).spec
    const user = { username: 'system:serviceaccount:edge:edge' }
    const status = token === POD_TOKEN ? { authenticated: true, audiences: ['weir'], user } : { authenticated: false }
    return { status: 201, body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', status } }
  }
  return api
}

async function startReplica(api: KubeApi, podName: string): Promise<{ controller: Controller; address: string }> {
  const settings: ControllerSettings = {
    podName,
    podIp: '127.0.0.1',
    namespace: 'weir-system',
    watchNamespaces: undefined,
    leaseName: 'weir',
    caSecret: 'weir-ca',
    pushService: 'weir',
    pushPort: await freePort(),
    clusterDomain: 'cluster.local',
    image: 'example.com/weir:1',
    imagePullPolicy: undefined,
    imagePullSecrets: [],
  }
  const controller = new Controller(settings, api.access, log)
  open.push(() => controller.close())
  await controller.start()
  return { controller, address: `127.0.0.1:${settings.pushPort}` }
}

function stored(
  api: KubeApi,
  apiVersion: string,
  kind: string,
  name: string,
  namespace = 'edge',
): ApiObject | undefined {
  return api.get({ apiVersion, kind, metadata: { name, namespace } })
}

function startPod(api: KubeApi, address: string): { taken: Snapshot[]; isConnected: () => boolean } {
  const folder = mkdtempSync(join(tmpdir(), 'weir-controller-'))
  open.push(() => rmSync(folder, { recursive: true }))
  const secret = stored(api, 'v1', 'Secret', 'weir-ca', 'weir-system')?.['data'] as { [key: string]: string }
  const text = Buffer.from(secret['certificates.json'] as string, 'base64').toString()
  const [authority] = (JSON.parse(text) as Certificates).authorities
  writeFileSync(join(folder, 'ca.crt'), authority?.certificate as string)
  writeFileSync(join(folder, 'token'), POD_TOKEN)
  const taken: Snapshot[] = []
  const client = startPushClient({
    address,
    serverName: 'weir.weir-system.svc.cluster.local',
    caFile: join(folder, 'ca.crt'),
    tokenFile: join(folder, 'token'),
    gateway: 'edge/edge',
    pod: 'edge-1',
    log,
    onSnapshot: async (snapshot) => {
      taken.push(snapshot)
      return { gateway: snapshot.gateway, version: snapshot.version, refused: [] }
    },
  })
  open.push(() => client.close())
  return { taken, isConnected: () => client.connected }
}

function programmed(api: KubeApi): string | undefined {
  const { conditions = [] } = (stored(api, GATEWAY_API, 'Gateway', 'edge')?.['status'] ?? {}) as Partial<GatewayStatus>
  return conditions.find(({ type }) => type === 'Programmed')?.status
}

describe('the controller', () => {
  it('tells pods what to run, says in statuses what runs, and follows changes', async () => {
    const api = await startApi()
    const { controller, address } = await startReplica(api, 'weir-1')
    expect(controller.notReady()).toBeUndefined()
    await eventually('the Gateway has a status', () => programmed(api) === 'Unknown')
    const { taken } = startPod(api, address)
    await eventually('the Gateway is programmed', () => programmed(api) === 'True')
    expect(taken).toHaveLength(1)
    api.put(route('later'))
    await eventually('the route is pushed', () => taken.at(-1)?.resources.some(({ kind }) => kind === 'route') === true)
    await eventually(
      'the route has a status',
      () => stored(api, GATEWAY_API, 'HTTPRoute', 'later')?.['status'] !== undefined,
    )
    expect(programmed(api)).toBe('True')
    expect(controller.metrics.render()).toMatch(/^weir_controller_leading 1$/m)
  })

  it('has one leader, to which the other replicas send pods; the next one pushes nothing that runs', async () => {
    const api = await startApi()
    const first = await startReplica(api, 'weir-1')
    await eventually('it leads', () => programmed(api) !== undefined)
    const second = await startReplica(api, 'weir-2')
    const { taken, isConnected } = startPod(api, second.address)
    await eventually('the Gateway is programmed', () => programmed(api) === 'True')
    expect(second.controller.metrics.render()).toMatch(/^weir_controller_leading 0$/m)
    await first.controller.close()
    await eventually('the other one leads', () =>
      second.controller.metrics.render().includes('weir_controller_leading 1'),
    )
    await eventually('the pod is with it', () => isConnected())
    api.put(route('after'))
    await eventually('it pushes', () => taken.length === 2)
    expect(taken[1]?.resources.some(({ kind }) => kind === 'route')).toBe(true)
    expect(programmed(api)).toBe('True')
  })

  it('keeps what is in the cluster while a round fails, and tries again', async () => {
    const api = await startApi()
    const { controller, address } = await startReplica(api, 'weir-1')
    startPod(api, address)
    await eventually('the Gateway is programmed', () => programmed(api) === 'True')
    const script = api.script
    let refused = 0
    api.script = (request) => {
      if (request.method !== 'PATCH') return script(request)
      refused += 1
      return refused < 3 ? { status: 500 } : script(request)
    }
    api.put(route('stubborn'))
    await eventually(
      'its status is there',
      () => stored(api, GATEWAY_API, 'HTTPRoute', 'stubborn')?.['status'] !== undefined,
    )
    expect(refused).toBeGreaterThanOrEqual(3)
    expect(programmed(api)).toBe('True')
    expect(controller.metrics.render()).toMatch(/^weir_controller_bugs_total 0$/m)
  })
})
