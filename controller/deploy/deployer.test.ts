import { ApplyServer } from '../../test/support/apply-server.ts'
import type { Workload } from '../api/verdict.ts'
import { KubeError } from '../kube/client/kube-error.ts'
import { Deployer } from './deployer.ts'
import type { LiveObject } from './manifest.ts'
import type { DeploySettings } from './settings.ts'

const SETTINGS: DeploySettings = {
  image: 'registry.example.com/weir:0.1.0',
  imagePullSecrets: [],
  controllerAddress: 'weir.weir-system.svc:9978',
  controllerServerName: 'weir.weir-system.svc',
  caCertificates: 'PEM\n',
  clusterDomain: 'cluster.local',
}

function workload(changes: Partial<Workload> = {}): Workload {
  return {
    gateway: { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', namespace: 'infra', name: 'edge' },
    uid: 'uid-1',
    className: 'weir',
    hold: false,
    ports: [80],
    parameters: undefined,
    selfManaged: false,
    ...changes,
  }
}

function started(settings = SETTINGS): { server: ApplyServer; deployer: Deployer } {
  const server = new ApplyServer()
  return { server, deployer: new Deployer(server, settings) }
}

const FOUR = [
  'ConfigMap infra/edge-controller-ca',
  'Deployment infra/edge',
  'Service infra/edge',
  'ServiceAccount infra/edge',
]

function replicasOf(server: ApplyServer): unknown {
  return (server.find('Deployment', 'infra', 'edge').spec as { readonly replicas: unknown }).replicas
}

function labelsOf({ metadata }: LiveObject): object {
  return metadata.labels ?? {}
}

const UNREACHABLE = new KubeError('PATCH /x: connect ECONNREFUSED', { status: 0, reason: 'Unreachable' })

describe('Deployer', () => {
  it('makes what a Gateway needs, what a pod needs before the pod', async () => {
    const { server, deployer } = started()
    const [result] = await deployer.deploy([workload()])
    expect(result).toMatchObject({ outcome: 'deployed', problems: [] })
    expect(server.takeWrites()).toEqual([
      'apply ServiceAccount infra/edge',
      'apply ConfigMap infra/edge-controller-ca',
      'apply Service infra/edge',
      'apply Deployment infra/edge',
    ])
    expect(server.find('Deployment', 'infra', 'edge').metadata.ownerReferences).toEqual([
      { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', name: 'edge', uid: 'uid-1', controller: true },
    ])
  })

  it('makes no call while nothing changes', async () => {
    const { server, deployer } = started()
    await deployer.deploy([workload()])
    const { calls } = server
    expect(await deployer.deploy([workload()])).toMatchObject([{ outcome: 'deployed' }])
    expect(server.calls).toBe(calls)
  })

  it('applies only the objects that changed', async () => {
    const { server, deployer } = started()
    await deployer.deploy([workload()])
    server.takeWrites()
    await deployer.deploy([workload({ ports: [80, 8080] })])
    expect(server.takeWrites()).toEqual(['apply Service infra/edge'])
  })

  it('changes nothing when a new one starts over what is there', async () => {
    const { server, deployer } = started()
    await deployer.deploy([workload()])
    server.takeWrites()
    await new Deployer(server, SETTINGS).deploy([workload()])
    expect(server.takeWrites().filter((write) => !write.startsWith('same'))).toEqual([])
  })

  it('takes away what it no longer says', async () => {
    const { server, deployer } = started()
    await deployer.deploy([workload({ labels: { team: 'blue' } })])
    expect(labelsOf(server.find('Service', 'infra', 'edge'))).toMatchObject({ team: 'blue' })
    await deployer.deploy([workload()])
    expect(labelsOf(server.find('Service', 'infra', 'edge'))).not.toHaveProperty('team')
  })

  it('deletes kinds that are switched off, and keeps the others', async () => {
    const { server, deployer } = started()
    const parameters = { horizontalPodAutoscaler: { maxReplicas: 3 }, podDisruptionBudget: {} }
    await deployer.deploy([workload({ parameters })])
    expect(server.names()).toEqual(
      [...FOUR, 'HorizontalPodAutoscaler infra/edge', 'PodDisruptionBudget infra/edge'].sort(),
    )
    server.takeWrites()
    await deployer.deploy([workload()])
    expect(server.names()).toEqual(FOUR)
    expect(server.takeWrites()).toEqual([
      'delete HorizontalPodAutoscaler infra/edge',
      'delete PodDisruptionBudget infra/edge',
    ])
  })

  it('deletes everything of a Gateway that somebody else deploys from now on', async () => {
    const { server, deployer } = started()
    await deployer.deploy([workload()])
    expect(await deployer.deploy([workload({ selfManaged: true })])).toMatchObject([{ outcome: 'deployed' }])
    expect(server.names()).toEqual([])
  })

  it('leaves a held Gateway as it is, also when it is new', async () => {
    const { server, deployer } = started()
    await deployer.deploy([workload()])
    const { calls } = server
    const held = workload({ hold: true, ports: [], selfManaged: true })
    expect(await deployer.deploy([held])).toMatchObject([{ outcome: 'held', problems: [] }])
    expect(await new Deployer(server, SETTINGS).deploy([held])).toMatchObject([{ outcome: 'held' }])
    expect(server.calls).toBe(calls)
    expect(server.names()).toEqual(FOUR)
  })

  it('leaves a Gateway that has no workload any more to the cluster', async () => {
    const { server, deployer } = started()
    await deployer.deploy([workload()])
    await deployer.deploy([])
    expect(server.names()).toEqual(FOUR)
  })

  it('keeps the Service and its address while no listener is right', async () => {
    const { server, deployer } = started()
    await deployer.deploy([workload()])
    server.takeWrites()
    await deployer.deploy([workload({ ports: [] })])
    expect(server.takeWrites()).toEqual([])
    await deployer.deploy([workload({ ports: [443] })])
    expect(server.takeWrites()).toEqual(['apply Service infra/edge'])
  })

  it("never touches somebody else's object, says so, and takes the name once it is free", async () => {
    const { server, deployer } = started()
    const users: LiveObject = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: 'infra', name: 'edge', uid: 'users', labels: { app: 'shop' } },
      spec: { ports: [{ port: 5000 }] },
    }
    server.put(users)
    const [result] = await deployer.deploy([workload()])
    expect(result?.outcome).toBe('blocked')
    expect(result?.problems).toEqual([
      {
        kind: 'NotDeployed',
        severity: 'error',
        at: workload().gateway,
        path: 'metadata.name',
        message: 'Service infra/edge is not of this Gateway: it is left as it is',
      },
    ])
    expect(server.find('Service', 'infra', 'edge')).toMatchObject(users)
    expect(server.names()).toEqual(FOUR)
    await server.delete(
      { apiVersion: 'v1', kind: 'Service', plural: 'services', namespace: 'infra', name: 'edge' },
      'users',
    )
    expect(await deployer.deploy([workload()])).toMatchObject([{ outcome: 'deployed', problems: [] }])
    expect(server.find('Service', 'infra', 'edge').spec).toMatchObject({ ports: [{ port: 80 }] })
  })

  it("is not fooled by its own labels on somebody else's object, nor by another Gateway's", async () => {
    const { server, deployer } = started()
    await deployer.deploy([workload()])
    const { labels } = server.find('Service', 'infra', 'edge').metadata
    const other = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      name: 'other',
      uid: 'x',
      controller: true,
    }
    for (const [name, owners] of [
      ['copied', []],
      ['of-another', [other]],
    ] as const) {
      server.put({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { namespace: 'infra', name, labels: labels ?? {}, ownerReferences: owners },
      })
    }
    deployer.recheck()
    await deployer.deploy([workload()])
    expect(server.names()).toEqual([...FOUR, 'ConfigMap infra/copied', 'ConfigMap infra/of-another'].sort())
  })

  it('replaces what a former Gateway of the name has left', async () => {
    const { server, deployer } = started()
    await deployer.deploy([workload()])
    const before = server.find('Deployment', 'infra', 'edge').metadata.uid
    expect(await deployer.deploy([workload({ uid: 'uid-2' })])).toMatchObject([{ outcome: 'deployed' }])
    expect(server.names()).toEqual(FOUR)
    const { metadata } = server.find('Deployment', 'infra', 'edge')
    expect(metadata.uid).not.toBe(before)
    expect(metadata.ownerReferences).toMatchObject([{ uid: 'uid-2' }])
  })

  it('puts back what somebody changed, and nothing that is not its own', async () => {
    const { server, deployer } = started()
    await deployer.deploy([workload({ parameters: { deployment: { replicas: 2 } } })])
    server.takeWrites()
    const live = server.find('Deployment', 'infra', 'edge')
    const name = { kind: 'Deployment', namespace: 'infra', name: 'edge' }
    const noticed: LiveObject = {
      ...live,
      metadata: { ...live.metadata, labels: { ...live.metadata.labels, added: 'by-somebody' } },
      status: { readyReplicas: 2 },
    }
    server.put(noticed)
    expect(deployer.observe(name, noticed)).toBe(false)
    const changed: LiveObject = { ...noticed, spec: { ...(live.spec as object), replicas: 7 } }
    server.put(changed)
    expect(deployer.observe(name, changed)).toBe(true)
    await deployer.deploy([workload({ parameters: { deployment: { replicas: 2 } } })])
    expect(server.takeWrites()).toEqual(['apply Deployment infra/edge'])
    expect(replicasOf(server)).toBe(2)
    expect(labelsOf(server.find('Deployment', 'infra', 'edge'))).toMatchObject({ added: 'by-somebody' })
  })

  it('makes again what somebody deleted', async () => {
    const { server, deployer } = started()
    await deployer.deploy([workload()])
    const { metadata } = server.find('ServiceAccount', 'infra', 'edge')
    const name = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      plural: 'serviceaccounts',
      namespace: 'infra',
      name: 'edge',
    }
    await server.delete(name, metadata.uid ?? '')
    expect(deployer.observe({ ...name, name: 'unknown' }, undefined)).toBe(false)
    expect(deployer.observe(name, undefined)).toBe(true)
    await deployer.deploy([workload()])
    expect(server.names()).toEqual(FOUR)
  })

  it('does not scale down when an autoscaler takes over, and leaves the number to it', async () => {
    const { server, deployer } = started()
    await deployer.deploy([workload({ parameters: { deployment: { replicas: 5 } } })])
    server.takeWrites()
    const scaled = workload({
      parameters: { deployment: { replicas: 5 }, horizontalPodAutoscaler: { maxReplicas: 9 } },
    })
    await deployer.deploy([scaled])
    expect(server.takeWrites()).toContain('same Deployment infra/edge by weir-replicas')
    expect(replicasOf(server)).toBe(5)
    const live = server.find('Deployment', 'infra', 'edge')
    server.put({ ...live, spec: { ...(live.spec as object), replicas: 8 } })
    await deployer.deploy([{ ...scaled, annotations: { new: 'one' } }])
    expect(replicasOf(server)).toBe(8)
  })

  it('falls back to one pod when the number is simply taken out', async () => {
    const { server, deployer } = started()
    await deployer.deploy([workload({ parameters: { deployment: { replicas: 5 } } })])
    await deployer.deploy([workload()])
    expect(replicasOf(server)).toBe(1)
  })

  it('says what the server refuses, applies the rest, and tries again', async () => {
    const { server, deployer } = started()
    const refusal = new KubeError('PATCH /x: 422 Invalid: spec.replicas: must be small', {
      status: 422,
      reason: 'Invalid',
    })
    server.fault = (verb, kind) => (verb === 'apply' && kind === 'Service' ? refusal : undefined)
    const [result] = await deployer.deploy([workload()])
    expect(result).toMatchObject({
      outcome: 'blocked',
      problems: [{ message: `Service infra/edge is refused by the API server: ${refusal.message}` }],
    })
    expect(server.names()).toEqual(FOUR.filter((name) => !name.startsWith('Service infra')))
    server.fault = () => undefined
    expect(await deployer.deploy([workload()])).toMatchObject([{ outcome: 'deployed', problems: [] }])
    expect(server.names()).toEqual(FOUR)
  })

  it('fails one Gateway without the others, and goes on where it stopped', async () => {
    const { server, deployer } = started()
    const other = workload({ gateway: { ...workload().gateway, name: 'other' }, uid: 'uid-other' })
    let applies = 0
    server.fault = (verb) => {
      applies += verb === 'apply' ? 1 : 0
      return applies === 3 && verb === 'apply' ? UNREACHABLE : undefined
    }
    const results = await deployer.deploy([workload(), other])
    expect(results.map(({ outcome }) => outcome).sort()).toEqual(['deployed', 'failed'])
    expect(results.find(({ outcome }) => outcome === 'failed')?.failure).toBe(UNREACHABLE.message)
    server.fault = () => undefined
    expect(await deployer.deploy([workload(), other])).toMatchObject([{ outcome: 'deployed' }, { outcome: 'deployed' }])
    expect(server.names()).toHaveLength(8)
  })

  it.each([
    ['blocked', 'failed to create typed patch object (infra/edge; apps/v1, Kind=Deployment): expected map'],
    ['failed', 'etcdserver: leader changed'],
  ])('tells a wrong type from a fault of the server: %s', async (outcome, message) => {
    const { server, deployer } = started()
    const error = new KubeError(`PATCH /x: 500 Status500: ${message}`, { status: 500, reason: 'Status500' })
    server.fault = (verb, kind) => (verb === 'apply' && kind === 'Deployment' ? error : undefined)
    expect(await deployer.deploy([workload()])).toMatchObject([{ outcome }])
  })

  it('keeps results in the order of many workloads', async () => {
    const { deployer } = started()
    const names = Array.from({ length: 30 }, (_, index) => `gateway-${index}`)
    const all = names.map((name) => workload({ gateway: { ...workload().gateway, name }, uid: `uid-of-${name}` }))
    expect((await deployer.deploy(all)).map(({ gateway }) => gateway.name)).toEqual(names)
  })

  it('throws what is a bug', async () => {
    const { server, deployer } = started()
    server.fault = () => undefined
    const { uid: _left, ...fromFile } = workload()
    await expect(deployer.deploy([fromFile])).rejects.toThrow('has no uid')
  })
})
