import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ControlPlane, startControlPlane } from '../rig/control-plane.ts'
import { eventually } from '../rig/eventually.ts'
import { sampleImage } from '../rig/kubelet/sample-image.ts'
import { type RigNode, startNode } from '../rig/kubelet/start-node.ts'
import { partFolder } from '../rig/part-folder.ts'

let folder: string
let controlPlane: ControlPlane
let node: RigNode

const kubectl = (...args: string[]): Promise<string> => controlPlane.kubectl(args)
const apply = (objects: readonly object[]): Promise<string> =>
  controlPlane.kubectl(['apply', '-f', '-'], {
    stdin: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
  })
const fieldOf = (object: string, path: string): Promise<string> => kubectl('get', object, '-o', `jsonpath={${path}}`)
/** Asks on a connection of its own, so that the forwarder chooses anew, and reads JSON. */
const ask = <T>(host: string, path: string): Promise<T> =>
  new Promise((resolve, reject) => {
    get(`http://${host}${path}`, { agent: false }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      answer.on('end', () => resolve(JSON.parse(text) as T))
    }).on('error', reject)
  })

interface PodShape {
  readonly container?: object
  readonly spec?: object
  readonly labels?: Record<string, string>
}

function pod(name: string, { container = {}, spec = {}, labels = {} }: PodShape = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: {
      terminationGracePeriodSeconds: 2,
      ...spec,
      containers: [{ name: 'main', image: 'sample:1', ...container }],
    },
  }
}

/** Makes a pod, waits until it is ready. @returns its address and port */
async function readyPod(name: string, shape: PodShape = {}): Promise<string> {
  const probe = { readinessProbe: { httpGet: { path: '/ready', port: 8080 }, periodSeconds: 1 } }
  await apply([pod(name, { ...shape, container: { ...probe, ...shape.container } })])
  await kubectl('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=30s')
  return `${await fieldOf(`pod/${name}`, '.status.podIP')}:8080`
}

const remove = (...objects: string[]): Promise<string> => kubectl('delete', ...objects, '--timeout=30s')

async function eventsOf(name: string, reason: string): Promise<string> {
  return kubectl(
    'get',
    'events',
    `--field-selector=involvedObject.name=${name},reason=${reason}`,
    '-o',
    'jsonpath={.items[*].message}',
  )
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'weir-kubelet-'))
  controlPlane = await startControlPlane({ folder })
  node = await startNode({
    controlPlane,
    images: { sample: sampleImage },
    dnsHosts: { 'api.outside.example': '203.0.113.200' },
    backoff: { firstMs: 100, mostMs: 1000 },
  })
}, 120_000)

afterAll(async () => {
  await node?.stop()
  await controlPlane?.stop()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

describe('a Deployment of two pods', () => {
  const container = {
    name: 'main',
    image: 'sample:1',
    ports: [{ name: 'http', containerPort: 8080 }],
    readinessProbe: { httpGet: { path: '/ready', port: 'http' }, periodSeconds: 1, failureThreshold: 1 },
  }
  const labels = { app: 'web' }
  let serviceAddress: string

  beforeAll(async () => {
    await apply([
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web' },
        spec: {
          replicas: 2,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [container] } },
        },
      },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'web' },
        spec: { type: 'LoadBalancer', selector: labels, ports: [{ port: 80, targetPort: 'http' }] },
      },
    ])
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
    serviceAddress = await fieldOf('service/web', '.spec.clusterIP')
  }, 90_000)

  afterAll(() => remove('deployment/web', 'service/web'))

  const podsBehind = async (host: string): Promise<Set<string>> => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => ask<{ pod: string }>(host, '/')))
    return new Set(answers.map((answer) => answer.pod))
  }

  it('is reached by its Service address, in turn', async () => {
    expect((await podsBehind(serviceAddress)).size).toBe(2)
  })

  it('is reached by its name from another pod, and by its load-balancer address', async () => {
    const client = await readyPod('client')
    const inside = await ask<{ text: string }>(client, '/fetch?url=http://web.default.svc.cluster.local/')
    expect(JSON.parse(inside.text).pod).toMatch(/^web-/)
    expect((await ask<{ text: string }>(client, '/fetch?url=http://web/')).text).toMatch(/web-/)
    const balanced = await fieldOf('service/web', '.status.loadBalancer.ingress[0].ip')
    expect(balanced).toMatch(/^203\.0\.113\./)
    expect((await podsBehind(balanced)).size).toBe(2)
    expect((await ask<{ text: string }>(client, `/fetch?url=http://${balanced}/`)).text).toMatch(/web-/)
    await remove('pod/client')
  })

  it('shows its log, and follows it', async () => {
    const first = (await fieldOf('pods', '.items[0].metadata.name')) as string
    const address = await fieldOf(`pod/${first}`, '.status.podIP')
    const following = spawn(join(partFolder('kube'), 'kubectl'), ['logs', '-f', '--tail=1', first], {
      env: { ...process.env, KUBECONFIG: controlPlane.kubeconfig },
    })
    let followed = ''
    following.stdout.setEncoding('utf8').on('data', (text: string) => {
      followed += text
    })
    await eventually('the last line so far', () => followed !== '')
    await ask(`${address}:8080`, '/?followed')
    await eventually('the line of the request', () => followed.includes('GET /?followed\n'))
    following.kill()
    await ask(`${address}:8080`, '/?last')
    expect(await kubectl('logs', first)).toMatch(/^listening\n/)
    expect(await kubectl('logs', first, '--tail=1')).toBe('GET /?last\n')
    expect(await kubectl('logs', 'deploy/web')).toContain('listening\n')
  })

  it('is reached by kubectl port-forward, several times over one forwarding', async () => {
    const forwarding = spawn(join(partFolder('kube'), 'kubectl'), ['port-forward', 'deployment/web', ':8080'], {
      env: { ...process.env, KUBECONFIG: controlPlane.kubeconfig },
    })
    let said = ''
    forwarding.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    const port = (): string | undefined => /127\.0\.0\.1:(\d+)/.exec(said)?.[1]
    await eventually('the port', () => port() !== undefined)
    for (let count = 0; count < 3; count++) {
      expect((await ask<{ pod: string }>(`127.0.0.1:${port()}`, '/')).pod).toMatch(/^web-/)
    }
    forwarding.kill()
  })

  it('runs commands inside, with their output and exit code', async () => {
    expect(await kubectl('exec', 'deploy/web', '--', 'sh', '-c', 'hostname; ls /proc/1/cwd/app')).toMatch(
      /^web-.*\nserver.ts\n$/,
    )
    await expect(kubectl('exec', 'deploy/web', '--', 'sh', '-c', 'exit 7')).rejects.toMatchObject({ code: 7 })
    expect(await controlPlane.kubectl(['exec', '-i', 'deploy/web', '--', 'cat'], { stdin: 'through' })).toBe('through')
  })

  it('sends no traffic to a pod that says it is not ready', async () => {
    const [one] = await podsBehind(serviceAddress)
    const address = `${await fieldOf(`pod/${one}`, '.status.podIP')}:8080`
    await ask(address, '/set?ready=false')
    await eventually('all answers by the other pod', async () => !(await podsBehind(serviceAddress)).has(one as string))
    await ask(address, '/set?ready=true')
    await eventually('answers by both', async () => (await podsBehind(serviceAddress)).size === 2)
  })
})

describe('a pod', () => {
  it('has its own address, name, environment and files', async () => {
    await apply([
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { color: 'blue', size: 'large' } },
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'hidden' }, stringData: { word: 'sesame' } },
    ])
    const env = [
      { name: 'WHERE', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'LIMIT', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } },
      { name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } },
      { name: 'WORD', valueFrom: { secretKeyRef: { name: 'hidden', key: 'word' } } },
      { name: 'BOTH', value: '$(COLOR) $(NOTHING) $$(COLOR)' },
    ]
    const sources = [
      { serviceAccountToken: { path: 'token', audience: 'weir', expirationSeconds: 600 } },
      { configMap: { name: 'settings', items: [{ key: 'size', path: 'deep/size' }] } },
      { downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
    ]
    const address = await readyPod('facts', {
      labels: { tier: 'one' },
      container: {
        env,
        envFrom: [{ prefix: 'S_', configMapRef: { name: 'settings' } }],
        resources: { limits: { cpu: '1500m' } },
        volumeMounts: [{ name: 'all', mountPath: '/etc/all' }],
      },
      spec: { volumes: [{ name: 'all', projected: { sources } }] },
    })
    const environment = await ask<Record<string, string>>(address, '/environment')
    expect(environment).toMatchObject({
      WHERE: address.split(':')[0],
      LIMIT: '1500',
      COLOR: 'blue',
      WORD: 'sesame',
      BOTH: 'blue $(NOTHING) $(COLOR)',
      S_size: 'large',
      HOSTNAME: 'facts',
      KUBERNETES_SERVICE_HOST: '10.96.0.1',
    })
    const read = async (path: string): Promise<string> =>
      (await ask<{ text: string }>(address, `/read?path=${path}`)).text
    expect(await read('/etc/all/deep/size')).toBe('large')
    expect(await read('/etc/all/labels')).toContain('tier="one"')
    const claims = JSON.parse(
      Buffer.from((await read('/etc/all/token')).split('.')[1] as string, 'base64url').toString(),
    )
    expect(claims).toMatchObject({ aud: ['weir'], 'kubernetes.io': { pod: { name: 'facts' } } })
    await kubectl('patch', 'configmap/settings', '-p', '{"data":{"size":"small"}}')
    await eventually('the new text in the file', async () => (await read('/etc/all/deep/size')) === 'small')
    await remove('pod/facts', 'configmap/settings', 'secret/hidden')
  })

  it('reaches the API server with its token, and outside names only by the table', async () => {
    const address = await readyPod('names')
    const said = await kubectl('exec', 'names', '--', 'getent', 'hosts', 'api.outside.example')
    expect(said).toMatch(/^203\.0\.113\.200\s/)
    await node.setDnsHosts({ 'other.outside.example': '203.0.113.201' })
    await eventually('the new name', async () => {
      const other = await kubectl('exec', 'names', '--', 'getent', 'hosts', 'other.outside.example').catch(() => '')
      return other.startsWith('203.0.113.201')
    })
    await expect(kubectl('exec', 'names', '--', 'getent', 'hosts', 'example.com')).rejects.toMatchObject({ code: 2 })
    const account = '/var/run/secrets/kubernetes.io/serviceaccount'
    expect((await ask<{ text: string }>(address, `/read?path=${account}/namespace`)).text).toBe('default')
    const tool = `${sampleImage.entrypoint[0]} --input-type=module -e`
    const program = `
      import { readFileSync } from 'node:fs'; import { get } from 'node:https'
      const read = (name) => readFileSync('${account}/' + name, 'utf8')
      get('https://kubernetes.default.svc/api/v1/namespaces/default', { ca: read('ca.crt'), headers: { authorization: 'Bearer ' + read('token') } },
        (answer) => { let text = ''; answer.on('data', (part) => { text += part }).on('end', () => console.log(text)) })`
    const answer = await kubectl('exec', 'names', '--', ...tool.split(' '), program)
    expect(JSON.parse(answer).message).toContain('system:serviceaccount:default:default')
    await remove('pod/names')
  })

  it('runs as who it says, with the rights that it says', async () => {
    const address = await readyPod('restricted', {
      container: {
        securityContext: {
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
          runAsNonRoot: true,
          capabilities: { drop: ['ALL'] },
          seccompProfile: { type: 'RuntimeDefault' },
        },
        workingDir: '/tmp',
        volumeMounts: [{ name: 'cache', mountPath: '/cache' }],
      },
      spec: {
        securityContext: { runAsUser: 10101, runAsGroup: 10102, fsGroup: 10103 },
        volumes: [{ name: 'cache', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }],
      },
    })
    const identity = await ask<{ user: number; group: number; groups: number[]; workingDir: string; status: string }>(
      address,
      '/identity',
    )
    expect(identity).toMatchObject({ user: 10101, group: 10102, workingDir: '/tmp' })
    expect(identity.groups).toContain(10103)
    expect(identity.status).toMatch(/CapEff:\s0+\n/)
    expect(identity.status).toMatch(/CapBnd:\s0+\n/)
    expect(identity.status).toMatch(/NoNewPrivs:\s1\n/)
    expect(await ask(address, '/write?path=/tmp/file')).toEqual({ error: 'EROFS' })
    expect(await ask(address, '/write?path=/cache/file')).toEqual({})
    expect(await ask(address, '/listen?port=80')).toEqual({ error: 'EACCES' })
    expect(await eventsOf('restricted', 'NotEnforced')).toContain('seccompProfile.type: RuntimeDefault')
    await remove('pod/restricted')
  })

  it('listens on port 80 as any user when its sysctl says so', async () => {
    const address = await readyPod('low-port', {
      container: { securityContext: { capabilities: { drop: ['ALL'] } } },
      spec: {
        securityContext: { runAsUser: 10101, sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }] },
      },
    })
    expect(await ask(address, '/listen?port=80')).toEqual({})
    await remove('pod/low-port')
  })

  it('is refused with what the rig cannot apply, and says where', async () => {
    await apply([
      pod('impossible', {
        spec: { hostNetwork: true },
        container: { lifecycle: { preStop: { sleep: { seconds: 1 } } } },
      }),
    ])
    await kubectl('wait', '--for=jsonpath={.status.phase}=Failed', 'pod/impossible', '--timeout=30s')
    const message = 'this rig cannot apply spec.containers[0].lifecycle, spec.hostNetwork: true'
    expect(await fieldOf('pod/impossible', '.status.message')).toBe(message)
    await eventually('the Event', async () => (await eventsOf('impossible', 'NotSupported')) === message)
    await remove('pod/impossible')
  })

  it('waits for what it mounts and for its image', async () => {
    const volumes = [{ name: 'later', configMap: { name: 'later' } }]
    await apply([
      pod('early', { spec: { volumes }, container: { volumeMounts: [{ name: 'later', mountPath: '/later' }] } }),
      pod('unknown', { container: { image: 'elsewhere/thing:2' } }),
    ])
    await eventually('the Event', async () =>
      (await eventsOf('early', 'FailedMount')).includes('configmap "later" not found'),
    )
    await kubectl('create', 'configmap', 'later', '--from-literal=key=value')
    await kubectl('wait', '--for=condition=Ready', 'pod/early', '--timeout=30s')
    await eventually('the reason', async () =>
      (await fieldOf('pod/unknown', '.status.containerStatuses[0].state.waiting.reason')).includes('ErrImagePull'),
    )
    await remove('pod/early', 'pod/unknown', 'configmap/later')
  })
})

describe('the end of a container', () => {
  it('is followed by its next start, with the code and the log of the run before', async () => {
    const address = await readyPod('again')
    await ask(address, '/exit?code=3')
    await kubectl('wait', '--for=jsonpath={.status.containerStatuses[0].restartCount}=1', 'pod/again', '--timeout=30s')
    await kubectl('wait', '--for=condition=Ready', 'pod/again', '--timeout=30s')
    expect(await fieldOf('pod/again', '.status.containerStatuses[0].lastState.terminated.exitCode')).toBe('3')
    expect(await kubectl('logs', 'again', '--previous')).toContain('GET /exit?code=3\n')
    expect(await kubectl('logs', 'again')).toBe('listening\n')
    process.kill(await node.processId({ namespace: 'default', name: 'again', container: 'main' }), 'SIGKILL')
    await kubectl('wait', '--for=jsonpath={.status.containerStatuses[0].restartCount}=2', 'pod/again', '--timeout=30s')
    expect(await fieldOf('pod/again', '.status.containerStatuses[0].lastState.terminated.exitCode')).toBe('137')
    await remove('pod/again')
  })

  it('comes when its liveness probe fails', async () => {
    const livenessProbe = { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1, failureThreshold: 2 }
    const address = await readyPod('sick', { container: { livenessProbe } })
    await ask(address, '/set?alive=false')
    await kubectl('wait', '--for=jsonpath={.status.containerStatuses[0].restartCount}=1', 'pod/sick', '--timeout=30s')
    expect(await eventsOf('sick', 'Unhealthy')).toContain(
      'Liveness probe failed: HTTP probe failed with statuscode: 500',
    )
    await remove('pod/sick')
  })

  it('ends the pod when it shall not be started again', async () => {
    const once = (name: string, code: number): object =>
      pod(name, { spec: { restartPolicy: 'Never' }, container: { command: ['sh', '-c', `exit ${code}`] } })
    await apply([once('good', 0), once('bad', 5)])
    await kubectl('wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/good', '--timeout=30s')
    await kubectl('wait', '--for=jsonpath={.status.phase}=Failed', 'pod/bad', '--timeout=30s')
    expect(await fieldOf('pod/bad', '.status.containerStatuses[0].state.terminated.exitCode')).toBe('5')
    await remove('pod/good', 'pod/bad')
  })

  it('waits for init containers, in order', async () => {
    const volumeMounts = [{ name: 'shared', mountPath: '/shared' }]
    const step = (name: string, command: string): object => ({
      name,
      image: 'sample:1',
      command: ['sh', '-c', command],
      volumeMounts,
    })
    const address = await readyPod('prepared', {
      container: { volumeMounts },
      spec: {
        volumes: [{ name: 'shared', emptyDir: {} }],
        initContainers: [step('one', 'echo one > /shared/file'), step('two', 'echo two >> /shared/file')],
      },
    })
    expect(await ask(address, '/read?path=/shared/file')).toEqual({ text: 'one\ntwo\n' })
    await remove('pod/prepared')
  })

  it('is asked for once, and forced after the grace period', async () => {
    const polite = await readyPod('polite', {
      container: { env: [{ name: 'END_AFTER_MS', value: '3000' }] },
      spec: { terminationGracePeriodSeconds: 30 },
    })
    const stubborn = await readyPod('stubborn', {
      container: { env: [{ name: 'STUBBORN', value: 'true' }] },
      spec: { terminationGracePeriodSeconds: 3, securityContext: { runAsUser: 10101 } },
    })
    expect([polite, stubborn].every((address) => address.startsWith('10.244.'))).toBe(true)
    const logs = ['polite', 'stubborn'].map((name) => join(node.folder, 'logs', `default_${name}_main.log`))
    await kubectl('delete', 'pod/polite', 'pod/stubborn', '--wait=false')
    // A pod that is ending and changes all the same.
    await kubectl('label', 'pod/polite', 'pod/stubborn', 'seen=ending')
    await kubectl('wait', '--for=delete', 'pod/polite', 'pod/stubborn', '--timeout=30s')
    for (const log of logs) expect(readFileSync(log, 'utf8')).toBe('listening\nending\n')
  })
})

describe('a namespace', () => {
  it("takes its pods' processes with it", async () => {
    await kubectl('create', 'namespace', 'short')
    await eventually('its ServiceAccount', async () =>
      kubectl('get', 'serviceaccount/default', '-n', 'short').then(
        () => true,
        () => false,
      ),
    )
    await apply([{ ...(pod('inside') as { metadata: object }), metadata: { name: 'inside', namespace: 'short' } }])
    await kubectl('wait', '--for=condition=Ready', 'pod/inside', '-n', 'short', '--timeout=30s')
    const pid = await node.processId({ namespace: 'short', name: 'inside', container: 'main' })
    expect(existsSync(`/proc/${pid}`)).toBe(true)
    await remove('namespace/short')
    expect(existsSync(`/proc/${pid}`)).toBe(false)
  })
})
