import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ApiClient } from '../rig/api-client.ts'
import { CommandError } from '../rig/command-line.ts'
import { type ControlPlane, startControlPlane } from '../rig/control-plane.ts'
import { eventually } from '../rig/eventually.ts'
import { partFolder } from '../rig/part-folder.ts'

const CRDS = join(import.meta.dirname, '../../crds')

describe('the control plane', () => {
  let plane: ControlPlane
  let folder: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'weir-control-plane-'))
    plane = await startControlPlane({ folder, scheduler: true })
  }, 120_000)

  afterAll(async () => {
    await plane.stop()
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)

  it('establishes the CRDs of Gateway API and weir', async () => {
    const folders = [join(partFolder('gateway-api'), 'crds'), CRDS]
    for (const crds of folders) await plane.kubectl(['apply', '--server-side', '-f', crds])
    await plane.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s'])
    const names = (await plane.kubectl(['get', 'crd', '-o', 'name'])).trim().split('\n')
    const files = folders.flatMap((crds) => readdirSync(crds).filter((file) => !file.includes('_vap_')))
    // A CRD's file is GROUP_PLURAL.yaml.
    const expected = files.map((file) => file.replace(/^(.+)_(.+)\.yaml$/, '$2.$1'))
    expect(names.map((name) => name.split('/')[1]).sort()).toEqual(expected.sort())
  })

  it('finds nothing to complain of in the CRDs of weir', async () => {
    for (const file of readdirSync(CRDS)) {
      const crd = JSON.parse(await plane.kubectl(['get', '-f', join(CRDS, file), '-o', 'json'])) as {
        readonly status: { readonly conditions: readonly { readonly type: string; readonly status: string }[] }
      }
      const conditions = Object.fromEntries(crd.status.conditions.map(({ type, status }) => [type, status]))
      expect({ file, conditions }).toEqual({ file, conditions: { NamesAccepted: 'True', Established: 'True' } })
    }
  })

  it('runs the controllers: a Deployment gets its pods, and the namespace goes with all of it', async () => {
    await plane.kubectl(['create', 'namespace', 'short'])
    await plane.kubectl(['create', 'deployment', 'web', '--image=web', '--replicas=2', '-n', 'short'])
    await plane.kubectl(['wait', '--for=create', 'pods', '-l', 'app=web', '-n', 'short', '--timeout=30s'])
    await plane.kubectl(['delete', 'namespace', 'short', '--wait', '--timeout=60s'])
  }, 120_000)

  it('enforces Pod Security where a namespace asks for it', async () => {
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'strict', labels } }
    await plane.kubectl(['create', '-f', '-'], { stdin: JSON.stringify(namespace) })
    const pod = plane.kubectl(['run', 'loose', '--image=web', '-n', 'strict'])
    await expect(pod).rejects.toThrow('violates PodSecurity "restricted:latest"')
  })

  it('knows a ServiceAccount by its token, gives it what RBAC says, and writes down what it asked', async () => {
    await plane.kubectl(['create', 'serviceaccount', 'reader'])
    await plane.kubectl(['create', 'secret', 'generic', 'planted', '--from-literal=key=never-in-the-audit-log'])
    const kubeconfig = await plane.kubeconfigFor({ namespace: 'default', name: 'reader' })
    const user = 'system:serviceaccount:default:reader'
    const read = (): Promise<string> => plane.kubectl(['get', 'secret', 'planted'], { kubeconfig })
    await expect(read()).rejects.toThrow(`User "${user}" cannot get resource "secrets"`)
    await plane.kubectl(['create', 'role', 'reads', '--verb=get', '--resource=secrets'])
    await plane.kubectl(['create', 'rolebinding', 'reads', '--role=reads', '--serviceaccount=default:reader'])
    const canRead = ['auth', 'can-i', 'get', 'secrets', '--as', user]
    await eventually('the role is in force', () =>
      plane.kubectl(canRead).then(
        () => true,
        () => false,
      ),
    )
    expect(await read()).toContain('planted')
    const gets = plane
      .auditEvents()
      .filter(({ user: who, objectRef }) => who.username === user && objectRef?.resource === 'secrets')
    expect(gets.map(({ verb, objectRef, responseStatus }) => [verb, objectRef?.name, responseStatus?.code])).toEqual([
      ['get', 'planted', 403],
      ['get', 'planted', 200],
    ])
    const log = readFileSync(join(folder, 'audit.log'), 'utf8')
    expect(log).not.toContain(Buffer.from('never-in-the-audit-log').toString('base64'))
    expect(log).not.toContain('never-in-the-audit-log')
  })

  it('tells who asks by a client certificate', async () => {
    const identity = plane.keys.authority.issueClient('kay', 'people')
    const client = new ApiClient(plane, identity)
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }
    const answer = await client.request('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body })
    await client.close()
    expect(answer.body['status']).toMatchObject({
      userInfo: { username: 'kay', groups: ['people', 'system:authenticated'] },
    })
  })

  it('takes a chart by helm', async () => {
    const chart = join(folder, 'sample')
    await plane.helm(['create', chart])
    await plane.helm(['install', 'sample', chart, '--set', 'replicaCount=0'])
    expect(await plane.helm(['list', '--short'])).toBe('sample\n')
    await plane.helm(['uninstall', 'sample'])
    expect(await plane.helm(['list', '--short'])).toBe('')
  }, 120_000)

  it('says what a command said that failed', async () => {
    const missing = plane.kubectl(['get', 'configmap', 'not-there'])
    await expect(missing).rejects.toBeInstanceOf(CommandError)
    await expect(missing).rejects.toThrow('kubectl get configmap not-there failed with 1: Error from server (NotFound)')
  })

  it('has everything still after its API server was killed', async () => {
    await plane.kubectl(['create', 'configmap', 'kept', '--from-literal=a=b'])
    await plane.apiServer.kill()
    await expect(plane.api.request('GET', '/readyz')).rejects.toThrow()
    await plane.apiServer.start()
    expect(await plane.kubectl(['get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}'])).toBe('b')
  }, 120_000)
})

/** Starts a control plane, prints the ids of its processes and waits to be killed. */
const HOLDER = `
import { startControlPlane } from '${join(import.meta.dirname, '../rig/control-plane.ts')}'
const plane = await startControlPlane({ folder: process.argv[1] })
process.stdout.write(JSON.stringify(plane.processIds()) + '\\n')
setInterval(() => undefined, 1000)
`

describe('a control plane whose suite is killed', () => {
  it('dies with it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-orphan-'))
    const holder = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const line = await new Promise<string>((done, fail) => {
        holder.stdout.once('data', (data: Buffer) => done(data.toString()))
        holder.once('exit', (code) => fail(new Error(`the holder ended with ${code}`)))
      })
      const ids = JSON.parse(line) as number[]
      expect(ids).toHaveLength(3)
      expect(ids.filter(isAlive)).toEqual(ids)
      const gone = new Promise((done) => holder.once('close', done))
      holder.kill('SIGKILL')
      await gone
      await eventually('all processes are gone', () => !ids.some(isAlive))
    } finally {
      holder.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    }
  }, 120_000)
})

/** A process that ended and that nobody waited for yet counts as gone. */
function isAlive(id: number): boolean {
  const file = `/proc/${id}/stat`
  return existsSync(file) && !/\) Z /.test(readFileSync(file, 'utf8'))
}
