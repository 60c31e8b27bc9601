import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GATEWAY_CLASSES } from '../../contract/names.ts'
import type { Workload } from '../../controller/api/verdict.ts'
import { compile } from '../../controller/compile/compile.ts'
import { Deployer } from '../../controller/deploy/deployer.ts'
import { kubeWorkloadClient } from '../../controller/deploy/kube-workload-client.ts'
import type { DeploySettings } from '../../controller/deploy/settings.ts'
import { readFiles } from '../../controller/files/read.ts'
import { kubeConfigAccess } from '../../controller/kube/client/cluster-access.ts'
import { KubeClient } from '../../controller/kube/client/kube-client.ts'
import { type ControlPlane, startControlPlane } from '../rig/control-plane.ts'
import { eventually } from '../rig/eventually.ts'
import { partFolder } from '../rig/part-folder.ts'

const GOLDENS = join(import.meta.dirname, '../golden-workloads')
const CRDS = join(import.meta.dirname, '../../crds')
const KINDS = 'serviceaccounts,configmaps,services,deployments,horizontalpodautoscalers,poddisruptionbudgets'
const SELECTOR = 'app.kubernetes.io/managed-by=weir'

const SETTINGS: DeploySettings = {
  image: 'registry.example.com/weir/weir:0.1.0',
  imagePullSecrets: ['pull'],
  controllerAddress: 'weir.weir-system.svc:9978',
  controllerServerName: 'weir.weir-system.svc',
  caCertificates: 'PEM\n',
  clusterDomain: 'cluster.local',
}

const goldens = readdirSync(GOLDENS)
  .filter((file) => file.endsWith('.in.yaml'))
  .map((file) => file.replace('.in.yaml', ''))

describe('deploying to a real API server', () => {
  let plane: ControlPlane
  let folder: string
  let client: KubeClient

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'weir-deploy-'))
    plane = await startControlPlane({ folder })
    client = new KubeClient({ access: await kubeConfigAccess(plane.kubeconfig) })
    for (const crds of [join(partFolder('gateway-api'), 'crds'), CRDS]) {
      await plane.kubectl(['apply', '--server-side', '-f', crds])
    }
    await plane.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s'])
  }, 180_000)

  afterAll(async () => {
    client.close()
    await plane.stop()
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)

  const newDeployer = (): Deployer => new Deployer(kubeWorkloadClient(client), SETTINGS)

  async function newNamespace(name: string, labels: object = {}): Promise<string> {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }
    await plane.kubectl(['create', '-f', '-'], { stdin: JSON.stringify(namespace) })
    return name
  }

  /** Applies manifests and compiles them; uids are those of the Gateways in the cluster. */
  async function workloadsOf(text: string): Promise<readonly Workload[]> {
    await plane.kubectl(['apply', '-f', '-'], { stdin: text })
    const inventory = readFiles([{ path: 'in.yaml', text }], { namespace: 'default' })
    const { workloads } = compile(inventory, { implicitClasses: GATEWAY_CLASSES })
    return await Promise.all(
      workloads.map(async (workload) => {
        const { namespace, name } = workload.gateway
        const path = ['get', 'gateway', name, '-n', namespace, '-o', 'jsonpath={.metadata.uid}']
        return { ...workload, uid: await plane.kubectl(path) }
      }),
    )
  }

  async function minimal(namespace: string): Promise<Workload> {
    const text = readFileSync(join(GOLDENS, 'minimal.in.yaml'), 'utf8').replaceAll(
      'namespace: infra',
      `namespace: ${namespace}`,
    )
    return (await workloadsOf(text))[0] as Workload
  }

  async function made(namespace: string, path = '{.kind} {.metadata.name}'): Promise<readonly string[]> {
    const template = `jsonpath={range .items[*]}${path}{"\\n"}{end}`
    const text = await plane.kubectl(['get', KINDS, '-n', namespace, '-l', SELECTOR, '-o', template])
    return text.split('\n').filter((line) => line !== '')
  }

  async function replicas(namespace: string): Promise<string> {
    return await plane.kubectl(['get', 'deployment', 'edge', '-n', namespace, '-o', 'jsonpath={.spec.replicas}'])
  }

  it.each(goldens)('is let do all that it renders, and a second time changes nothing: %s', async (name) => {
    const namespace = await newNamespace(`golden-${name}`)
    const text = readFileSync(join(GOLDENS, `${name}.in.yaml`), 'utf8').replaceAll(
      'namespace: infra',
      `namespace: ${namespace}`,
    )
    await plane.kubectl(['apply', '-f', '-'], {
      stdin: '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"system"}}',
    })
    const workloads = await workloadsOf(text)
    expect(workloads.length).toBeGreaterThan(0)
    const results = await newDeployer().deploy(workloads)
    const errors = results.flatMap(({ problems }) => problems.filter(({ severity }) => severity === 'error'))
    expect(errors).toEqual([])
    expect(results.map(({ outcome }) => outcome)).toEqual(workloads.map(({ hold }) => (hold ? 'held' : 'deployed')))
    // Kubernetes' own controllers write statuses, which move resourceVersions; generations count specs.
    const path = '{.kind} {.metadata.name} {.metadata.generation} {.metadata.labels} {.metadata.annotations}'
    const before = (await made(namespace, path)).map((line) => line.replace(/"deployment[^,}]*revision":"\d+"/, ''))
    await newDeployer().deploy(workloads)
    const after = (await made(namespace, path)).map((line) => line.replace(/"deployment[^,}]*revision":"\d+"/, ''))
    expect(after).toEqual(before)
  })

  it('makes pods that the restricted level lets in', async () => {
    const namespace = await newNamespace('restricted', { 'pod-security.kubernetes.io/enforce': 'restricted' })
    await newDeployer().deploy([await minimal(namespace)])
    await plane.kubectl(['wait', '--for=create', 'pods', '-l', SELECTOR, '-n', namespace, '--timeout=30s'])
  })

  it('remembers what the server made of its objects: no call while they stay, one object when it was changed', async () => {
    const namespace = await newNamespace('remembered')
    const workload = await minimal(namespace)
    const deployer = newDeployer()
    await deployer.deploy([workload])
    const applies = (): number =>
      plane.auditEvents().filter(({ verb, requestURI }) => verb === 'patch' && requestURI.includes(`/${namespace}/`))
        .length
    const before = applies()
    await deployer.deploy([workload])
    deployer.recheck()
    await deployer.deploy([workload])
    expect(applies()).toBe(before)
    await plane.kubectl(['scale', 'deployment/edge', '--replicas=3', '-n', namespace])
    await plane.kubectl([
      'label',
      'service/edge',
      'gateway.networking.k8s.io/gateway-class-name=x',
      '--overwrite',
      '-n',
      namespace,
    ])
    deployer.recheck()
    await deployer.deploy([workload])
    // Nobody said how many pods: that is left to whoever scales.
    expect(await replicas(namespace)).toBe('3')
    const path = 'jsonpath={.metadata.labels.gateway\\.networking\\.k8s\\.io/gateway-class-name}'
    expect(await plane.kubectl(['get', 'service/edge', '-n', namespace, '-o', path])).toBe('weir')
  })

  it('hands the number of pods to an autoscaler without a dip, and takes it back', async () => {
    const namespace = await newNamespace('scaled')
    const workload = await minimal(namespace)
    const five = { ...workload, parameters: { deployment: { replicas: 5 } } }
    const deployer = newDeployer()
    await deployer.deploy([five])
    await deployer.deploy([
      {
        ...five,
        parameters: {
          ...five.parameters,
          horizontalPodAutoscaler: { minReplicas: 5, maxReplicas: 9 },
          podDisruptionBudget: {},
        },
      },
    ])
    expect(await replicas(namespace)).toBe('5')
    expect(await made(namespace)).toEqual(
      expect.arrayContaining(['HorizontalPodAutoscaler edge', 'PodDisruptionBudget edge']),
    )
    await deployer.deploy([{ ...workload, parameters: { deployment: { replicas: 2 } } }])
    expect(await replicas(namespace)).toBe('2')
    expect(await made(namespace)).toEqual([
      'ServiceAccount edge',
      'ConfigMap edge-controller-ca',
      'Service edge',
      'Deployment edge',
    ])
  })

  it("leaves a user's Service of the name alone", async () => {
    const namespace = await newNamespace('taken')
    await plane.kubectl(['create', 'service', 'clusterip', 'edge', '--tcp=5000', '-n', namespace])
    const [result] = await newDeployer().deploy([await minimal(namespace)])
    expect(result).toMatchObject({
      outcome: 'blocked',
      problems: [{ message: 'Service taken/edge is not of this Gateway: it is left as it is' }],
    })
    expect(await plane.kubectl(['get', 'service/edge', '-n', namespace, '-o', 'jsonpath={.spec.ports[*].port}'])).toBe(
      '5000',
    )
  })

  it('says what the server refuses', async () => {
    const namespace = await newNamespace('refused')
    const workload = await minimal(namespace)
    const parameters = { agentgateway: { resources: { limits: { cpu: 'much' } } } }
    const [result] = await newDeployer().deploy([{ ...workload, parameters }])
    expect(result?.failure).toBeUndefined()
    expect(result?.outcome).toBe('blocked')
    expect(result?.problems[0]?.message).toMatch(/^Deployment refused\/edge is refused by the API server: .*quantities/)
    expect(await made(namespace)).toContain('Service edge')
  })

  it('leaves nothing behind when it is told to withdraw, or its Gateway is deleted', async () => {
    const namespace = await newNamespace('gone')
    const workload = await minimal(namespace)
    const deployer = newDeployer()
    await deployer.deploy([workload])
    await deployer.deploy([{ ...workload, selfManaged: true }])
    await eventually('all objects are deleted', async () => (await made(namespace)).length === 0)
    await deployer.deploy([workload])
    await plane.kubectl(['delete', 'gateway', 'edge', '-n', namespace])
    const again = await minimal(namespace)
    await eventually(
      'a Gateway of the same name is deployed',
      async () => (await deployer.deploy([again]))[0]?.outcome === 'deployed',
    )
    await plane.kubectl(['delete', 'gateway', 'edge', '-n', namespace])
    await eventually('the cluster removes what it owned', async () => (await made(namespace)).length === 0)
  })
})
