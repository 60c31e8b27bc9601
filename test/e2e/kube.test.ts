import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CONTROLLER_NAME, GATEWAY_CLASSES } from '../../contract/names.ts'
import type { ObjectRef } from '../../controller/api/problem.ts'
import type { StatusPatch } from '../../controller/api/verdict.ts'
import { compile } from '../../controller/compile/compile.ts'
import { status } from '../../controller/compile/status.ts'
import { kubeConfigAccess } from '../../controller/kube/client/cluster-access.ts'
import { KubeClient } from '../../controller/kube/client/kube-client.ts'
import { type InventorySource, kubeInventorySource } from '../../controller/kube/watch/inventory-source.ts'
import { EventWriter, eventOf } from '../../controller/kube/write/event-writer.ts'
import { startLeaseElection } from '../../controller/kube/write/lease.ts'
import { StatusWriter } from '../../controller/kube/write/status-writer.ts'
import { createLog } from '../../runtime/log.ts'
import { type ControlPlane, startControlPlane } from '../rig/control-plane.ts'
import { eventually } from '../rig/eventually.ts'
import { partFolder } from '../rig/part-folder.ts'

const CRDS = join(import.meta.dirname, '../../crds')
const log = createLog({ level: 'silent', format: 'json' })

const FOREIGN = {
  parentRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'g' },
  controllerName: 'example.com/other',
  conditions: [
    {
      type: 'Accepted',
      status: 'True',
      reason: 'Accepted',
      message: 'by another',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    },
  ],
}

/** A Gateway with a certificate and a token in Secrets, one Secret that nobody names, and a route of two controllers. */
const MANIFESTS = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: weir}
spec: {controllerName: ${CONTROLLER_NAME}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: g}
spec:
  gatewayClassName: weir
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: certificate}, {name: foreign, namespace: kube-system}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec:
  parentRefs: [{name: g, sectionName: http}]
  rules: [{backendRefs: [{group: gateway.kgateway.dev, kind: Backend, name: b}]}]
---
apiVersion: gateway.kgateway.dev/v1alpha1
kind: Backend
metadata: {name: b}
spec: {type: AI, ai: {llm: {openai: {authToken: {kind: SecretRef, secretRef: {name: token}}}}}}
---
apiVersion: v1
kind: Secret
metadata: {name: token}
stringData: {Authorization: first}
---
apiVersion: v1
kind: Secret
metadata: {name: certificate}
stringData: {tls.crt: none, tls.key: none}
---
apiVersion: v1
kind: Secret
metadata: {name: unreferenced}
stringData: {key: never read}
---
apiVersion: v1
kind: Secret
metadata: {name: foreign, namespace: kube-system}
stringData: {tls.crt: none, tls.key: none}
`

describe('the room that speaks to the API server', () => {
  let plane: ControlPlane
  let folder: string
  let client: KubeClient
  let source: InventorySource

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'weir-kube-'))
    plane = await startControlPlane({ folder })
    await plane.kubectl(['create', 'serviceaccount', 'weir'])
    const grant = ['--clusterrole=cluster-admin', '--serviceaccount=default:weir']
    await plane.kubectl(['create', 'clusterrolebinding', 'weir', ...grant])
    const kubeconfig = await plane.kubeconfigFor({ namespace: 'default', name: 'weir' })
    client = new KubeClient({ access: await kubeConfigAccess(kubeconfig) })
    source = kubeInventorySource({ client, log, onChange: () => {} })
    await source.start()
  }, 120_000)

  afterAll(async () => {
    await source?.close()
    client?.close()
    await plane?.stop()
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)

  const names = (kind: string): readonly string[] =>
    source
      .inventory()
      .objects.filter((object) => object.kind === kind)
      .map(({ metadata }) => metadata.name)
  const token = (): string | undefined => {
    const data = source.inventory().objects.find(({ metadata }) => metadata.name === 'token')?.data
    return data?.['Authorization'] === undefined ? undefined : Buffer.from(data['Authorization'], 'base64').toString()
  }
  const wanted = (): readonly StatusPatch[] => status(compile(source.inventory(), { implicitClasses: GATEWAY_CLASSES }))
  const parents = (): readonly { readonly controllerName: string; readonly conditions: readonly object[] }[] => {
    const route = source.current({ kind: 'HTTPRoute', namespace: 'default', name: 'r' })
    return (route?.status as { parents?: (typeof FOREIGN)[] } | undefined)?.parents ?? []
  }
  const never = new AbortController().signal

  it('has started without the kinds, and follows them when they are installed', async () => {
    expect(source.states().find(({ kind }) => kind === 'HTTPRoute')).toMatchObject({ synced: true, installed: false })
    for (const crds of [join(partFolder('gateway-api'), 'crds'), CRDS]) {
      await plane.kubectl(['apply', '--server-side', '-f', crds])
    }
    await plane.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s'])
    await eventually('all kinds are followed', () => source.states().every(({ installed }) => installed))
    await plane.kubectl(['apply', '-f', '-'], { stdin: MANIFESTS })
    await eventually('the route and the token are there', () => names('HTTPRoute').length === 1 && token() === 'first')
  }, 120_000)

  it('gives objects out without what only kubectl and the API server need', () => {
    const text = JSON.stringify(source.inventory().objects)
    expect(text).not.toMatch(/managedFields|last-applied-configuration|resourceVersion/)
    expect(source.inventory().objects.every(({ apiVersion, kind }) => apiVersion !== '' && kind !== '')).toBe(true)
  })

  it('follows a rotation, and gets no Secret that nobody may name', async () => {
    await plane.kubectl(['patch', 'secret', 'token', '-p', '{"stringData":{"Authorization":"second"}}'])
    await eventually('the new token is there', () => token() === 'second')
    const got = plane
      .auditEvents()
      .filter(({ verb, user, objectRef }) => {
        return verb === 'get' && objectRef?.resource === 'secrets' && user.username.endsWith(':default:weir')
      })
      .map(({ objectRef }) => `${objectRef?.namespace}/${objectRef?.name}`)
    expect(new Set(got)).toEqual(new Set(['default/token', 'default/certificate']))
  })

  it('writes statuses beside those of another controller, and then no more', async () => {
    await client.mergePatch('/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes/r/status', {
      status: { parents: [FOREIGN] },
    })
    const writer = new StatusWriter({ client, current: (at: ObjectRef) => source.current(at) })
    const first = await writer.write(wanted(), never)
    expect(first.failures).toEqual([])
    expect(first.written).toBe(4)
    await eventually('the watch has them', () =>
      parents().some(({ controllerName }) => controllerName === CONTROLLER_NAME),
    )
    expect(parents()[0]).toMatchObject(FOREIGN)
    const again = new StatusWriter({ client, current: (at: ObjectRef) => source.current(at) })
    await eventually(
      'a new leader has nothing to write',
      async () => (await again.write(wanted(), never)).written === 0,
    )
    const gateway = JSON.parse(await plane.kubectl(['get', 'gateway', 'g', '-o', 'json'])) as {
      readonly status: {
        readonly conditions: readonly { readonly observedGeneration: number }[]
        readonly listeners: object[]
      }
    }
    expect(gateway.status.listeners.length).toBe(2)
    expect(gateway.status.conditions.map(({ observedGeneration }) => observedGeneration)).toEqual([1, 1])
    const events = new EventWriter({ client, log, instance: 'weir-0' })
    for (const transition of first.transitions) {
      const event = eventOf(transition)
      if (event !== undefined) events.emit(event)
    }
    await events.idle()
    expect(events.counts).toMatchObject({ dropped: 0 })
    expect(await plane.kubectl(['get', 'events', '-A'])).toContain('gateway/g')
  })

  it('takes its entry away from a route that refers to another, and its listener from a Gateway', async () => {
    const remove = [{ op: 'remove', path: '/spec/listeners/1' }]
    await plane.kubectl(['patch', 'gateway', 'g', '--type=json', '-p', JSON.stringify(remove)])
    await plane.kubectl([
      'patch',
      'httproute',
      'r',
      '--type=merge',
      '-p',
      '{"spec":{"parentRefs":[{"name":"elsewhere"}]}}',
    ])
    const writer = new StatusWriter({ client, current: (at: ObjectRef) => source.current(at) })
    const listeners = (): readonly object[] => {
      const gateway = source.current({ kind: 'Gateway', namespace: 'default', name: 'g' })
      return (gateway?.status as { listeners?: object[] } | undefined)?.listeners ?? []
    }
    await eventually('both are gone', async () => {
      expect((await writer.write(wanted(), never)).failures).toEqual([])
      return listeners().length === 1 && parents().length === 1
    })
    expect(parents()).toEqual([FOREIGN])
  })

  it('writes nothing to a Gateway that was made anew under its name', async () => {
    const gateway = source.current({ kind: 'Gateway', namespace: 'default', name: 'g' })
    const patches = wanted().filter(({ at }) => at.kind === 'Gateway')
    await plane.kubectl(['delete', 'gateway', 'g'])
    await plane.kubectl(['apply', '-f', '-'], { stdin: MANIFESTS })
    const writer = new StatusWriter({ client, current: () => gateway && { ...gateway, status: {} } })
    expect(await writer.write(patches, never)).toMatchObject({ written: 0, failures: [] })
  })

  it('holds and hands over a Lease, and has tokens reviewed', async () => {
    const history: string[] = []
    const join = (identity: string) =>
      startLeaseElection({
        client,
        log,
        namespace: 'default',
        name: 'weir',
        identity,
        onLeading: () => history.push(`${identity} leads`),
        onLost: () => history.push(`${identity} lost`),
      })
    const first = join('a')
    await eventually('a leads', () => first.isLeading)
    const second = join('b')
    await eventually('b knows a', () => second.holder() === 'a')
    await first.close()
    await eventually('b leads', () => second.isLeading)
    await second.close()
    expect(history).toEqual(['a leads', 'a lost', 'b leads', 'b lost'])
    const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'no token at all' } }
    const { status: reviewed } = await client.create('/apis/authentication.k8s.io/v1/tokenreviews', review)
    expect(reviewed).not.toHaveProperty('authenticated', true)
  })

  it('follows again when the API server was away', async () => {
    await plane.apiServer.kill()
    await eventually('it is missed', () => source.states().every(({ lastError }) => lastError !== undefined))
    expect([source.synced, names('HTTPRoute')]).toEqual([true, ['r']])
    await plane.apiServer.start()
    await plane.kubectl(['delete', 'httproute', 'r'])
    await eventually('it follows again', () => names('HTTPRoute').length === 0)
    await eventually('all of it', () => source.states().every(({ lastError }) => lastError === undefined))
  }, 120_000)
})
