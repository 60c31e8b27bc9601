import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { MADE_KINDS } from '../../controller/deploy/manifest.ts'
import { WATCHED_KINDS } from '../../controller/kube/watch/watched-kinds.ts'
import { CHART_FOLDERS, type ChartRig, chartRig, namesOf, permissionsOf } from './chart-rig.ts'

const root = resolve(import.meta.dirname, '../..')

const CONTROLLER = [
  'ClusterRole weir-weir-system',
  'ClusterRoleBinding weir-weir-system',
  'Deployment weir-system/weir',
  'GatewayClass agentgateway',
  'GatewayClass weir',
  'Pod weir-system/weir-test',
  'Role weir-system/weir',
  'RoleBinding weir-system/weir',
  'Service weir-system/weir',
  'ServiceAccount weir-system/weir',
]

const PROFILES: readonly { readonly title: string; readonly set: string; readonly more: readonly string[] }[] = [
  { title: 'as it is', set: '', more: [] },
  { title: 'two replicas', set: 'controller.replicaCount=2', more: ['PodDisruptionBudget weir-system/weir'] },
  {
    title: 'namespaced',
    set: 'rbac.scope=namespaced,watch.namespaces={blue,green}',
    more: [
      'Role blue/weir-weir-system-watched',
      'Role green/weir-weir-system-watched',
      'RoleBinding blue/weir-weir-system-watched',
      'RoleBinding green/weir-weir-system-watched',
    ],
  },
  {
    title: 'guarded and monitored',
    set: 'networkPolicy.enabled=true,monitoring.serviceMonitor.enabled=true',
    more: ['NetworkPolicy weir-system/weir', 'ServiceMonitor weir-system/weir'],
  },
  {
    title: 'quick start',
    set: 'quickstart.enabled=true',
    more: [
      'Backend weir-system/weir-demo',
      'ConfigMap weir-system/weir-quickstart-telemetry',
      'Deployment weir-system/weir-demo',
      'Gateway weir-system/weir-quickstart',
      'GatewayParameters weir-system/weir-quickstart',
      'HTTPRoute weir-system/weir-quickstart',
      'Service weir-system/weir-demo',
    ],
  },
]

const EVERYTHING =
  'controller.replicaCount=2,networkPolicy.enabled=true,monitoring.serviceMonitor.enabled=true,quickstart.enabled=true'

const MISTAKES: readonly { readonly set: string; readonly said: RegExp }[] = [
  { set: 'controler.replicaCount=2', said: /controler/ },
  { set: 'controller.replicas=2', said: /replicas/ },
  { set: 'controller.replicaCount=two', said: /replicaCount/ },
  { set: 'rbac.scope=namespace', said: /scope/ },
  { set: 'image.digest=sha256:abc', said: /digest/ },
  { set: 'crds.gatewayApi.install=true', said: /gatewayApi/ },
  { set: 'watch.namespaces={Blue}', said: /namespaces/ },
  { set: 'podDisruptionBudget.enabled=sometimes', said: /enabled/ },
  { set: 'quickstart.enabled=true,gatewayClass.create=false', said: /needs the GatewayClass weir/ },
]

describe('the charts, rendered', () => {
  let rig: ChartRig

  beforeAll(() => {
    rig = chartRig()
  })

  afterAll(() => rig?.close())

  it('pass lint, from the folder and packed', async () => {
    for (const chart of [...Object.values(CHART_FOLDERS), ...Object.values(rig.archives)]) {
      expect(await rig.helm('lint', '--strict', chart)).toContain('0 chart(s) failed')
    }
  })

  it.each(PROFILES)('hold what they should: $title', async ({ set, more }) => {
    const objects = await rig.render(CHART_FOLDERS.weir, ...(set === '' ? [] : ['--set', set]))
    expect(namesOf(objects)).toEqual([...CONTROLLER, ...more].sort())
  })

  it('render nothing of what is switched off', async () => {
    const off =
      'rbac.create=false,serviceAccount.create=false,gatewayClass.create=false,gatewayClass.agentgateway.create=false'
    expect(namesOf(await rig.render(CHART_FOLDERS.weir, '--set', off))).toEqual([
      'Deployment weir-system/weir',
      'Pod weir-system/weir-test',
      'Service weir-system/weir',
    ])
  })

  it('allow the controller exactly what the table says', async () => {
    const clusterWide = permissionsOf(await rig.render(CHART_FOLDERS.weir))
    const namespaced = permissionsOf(
      await rig.render(CHART_FOLDERS.weir, '--set', 'rbac.scope=namespaced,watch.namespaces={blue}'),
    )
    const text = `rbac.scope=cluster\n\n${clusterWide.join('\n')}\n\nrbac.scope=namespaced, watch.namespaces={blue}\n\n${namespaced.join('\n')}\n`
    expect(text).toBe(readFileSync(join(import.meta.dirname, 'expected/rbac.txt'), 'utf8'))
  })

  it('allow what the controller follows and what it makes, and to list or watch nothing else', async () => {
    const lines = permissionsOf(await rig.render(CHART_FOLDERS.weir)).filter((line) => line.startsWith('ClusterRole'))
    const verbsOf = (resource: string): string => lines.find((line) => line.includes(`: ${resource}: `)) ?? ''
    const resourceOf = (plural: string, group: string): string => (group === '' ? plural : `${plural}.${group}`)
    for (const { plural, group } of WATCHED_KINDS) {
      expect(verbsOf(resourceOf(plural, group))).toMatch(/\blist watch\b/)
    }
    for (const { plural, apiVersion } of MADE_KINDS) {
      const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] as string) : ''
      expect(verbsOf(resourceOf(plural, group))).toMatch(/\bget list .*\bcreate patch delete$/)
    }
    const watched = WATCHED_KINDS.map(({ plural, group }) => resourceOf(plural, group))
    expect(lines.filter((line) => / watch\b/.test(line)).map((line) => line.split(': ')[1])).toEqual(
      expect.arrayContaining(watched),
    )
    expect(lines.filter((line) => / watch\b/.test(line))).toHaveLength(watched.length)
  })

  it.each(MISTAKES)('refuse $set', async ({ set, said }) => {
    await expect(rig.render(CHART_FOLDERS.weir, '--set', set)).rejects.toThrow(said)
  })

  it('take every image from one place', async () => {
    const digest = `sha256:${'0'.repeat(64)}`
    const set = `global.imageRegistry=registry.example,image.repository=edge/weir,image.digest=${digest},${EVERYTHING}`
    const text = JSON.stringify(await rig.render(CHART_FOLDERS.weir, '--set', set))
    const images = [...text.matchAll(/"image":"([^"]*)"|"DATAPLANE_IMAGE","value":"([^"]*)"/g)]
    expect(images.map((match) => match[1] ?? match[2])).toEqual(Array(4).fill(`registry.example/edge/weir@${digest}`))
  })

  it('hold no Secret', async () => {
    const kinds = (await rig.render(CHART_FOLDERS.weir, '--set', EVERYTHING)).map(({ kind }) => kind)
    expect(kinds).not.toContain('Secret')
  })

  it('have a quick start without a problem', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-quickstart-'))
    try {
      const show = ['templates/quickstart.yaml', 'templates/gatewayclass.yaml'].flatMap((path) => ['-s', path])
      writeFileSync(
        join(folder, 'all.yaml'),
        await rig.helm(
          'template',
          'weir',
          CHART_FOLDERS.weir,
          '-n',
          'weir-system',
          '--set',
          'quickstart.enabled=true',
          ...show,
        ),
      )
      expect(execFileSync(join(root, 'bin/weir'), ['check', '-f', folder], { encoding: 'utf8' })).toBe('')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('bring CRDs: their own from the folder, those of Gateway API when packed', async () => {
    const own = ['backends', 'gatewayparameters', 'trafficpolicies'].map((name) => `${name}.gateway.kgateway.dev`)
    const inFolder = await rig.render(CHART_FOLDERS.weir, '--include-crds', '--set', 'crds.install=true')
    expect(
      inFolder.filter(({ kind }) => kind === 'CustomResourceDefinition').map(({ metadata }) => metadata.name),
    ).toEqual(own)
    const both = 'crds.install=true,crds.gatewayAPI.install=true'
    await expect(rig.render(CHART_FOLDERS.weir, '--set', both)).rejects.toThrow(/Package it with 'make chart'/)
    await expect(rig.render(CHART_FOLDERS.crds, '--set', both)).rejects.toThrow(/Package it with 'make chart'/)
    const packed = await rig.render(rig.archives.weir, '--include-crds', '--set', both)
    const apart = await rig.render(rig.archives.crds, '--set', both)
    for (const objects of [packed, apart]) {
      const names = objects
        .filter(({ kind }) => kind === 'CustomResourceDefinition')
        .map(({ metadata }) => metadata.name)
      expect(names).toEqual(expect.arrayContaining([...own, 'httproutes.gateway.networking.k8s.io']))
    }
    expect(apart.map(({ kind }) => kind)).toContain('ValidatingAdmissionPolicy')
  })

  it('pin the Gateway API that the rig has', () => {
    const pinned = (path: string): string | undefined =>
      /sigs\.k8s\.io\/gateway-api (v\S+)/.exec(readFileSync(join(root, path), 'utf8'))?.[1]
    expect(pinned('charts/gateway-api-bundle/go.mod')).toBe(pinned('test/rig/parts/gateway-api/go.mod'))
  })
})
