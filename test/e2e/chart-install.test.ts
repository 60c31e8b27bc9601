import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ControlPlane, startControlPlane } from '../rig/control-plane.ts'
import { type ChartRig, chartRig } from './chart-rig.ts'

/** What a Secret may hold, and Helm keeps a release in one. */
const SECRET_BYTES = 1024 * 1024
const GATEWAY_CRD = 'gateways.gateway.networking.k8s.io'
const QUICKSTART = ['--set', 'quickstart.enabled=true,crds.install=true,crds.gatewayAPI.install=true']
const WITH_GATEWAY_API = ['--set', 'crds.gatewayAPI.install=true']

/** The tests of each suite follow one another on one cluster, as an operator's days do. No pod runs here. */
describe('the charts on a cluster', () => {
  let charts: ChartRig
  let cluster: ControlPlane
  let folder: string

  beforeAll(async () => {
    charts = chartRig()
    folder = mkdtempSync(join(tmpdir(), 'weir-chart-install-'))
    cluster = await startControlPlane({ folder })
  })

  afterAll(async () => {
    await cluster?.stop()
    rmSync(folder, { recursive: true, force: true })
    charts?.close()
  })

  const names = async (kinds: string): Promise<readonly string[]> =>
    (await cluster.kubectl(['get', kinds, '--all-namespaces', '-o', 'name'])).split('\n').filter((line) => line !== '')
  const uidOf = (object: string): Promise<string> => cluster.kubectl(['get', object, '-o', 'jsonpath={.metadata.uid}'])
  const releaseBytes = async (release: string): Promise<number> => {
    const secret = await cluster.kubectl([
      'get',
      'secret',
      `sh.helm.release.v1.${release}`,
      '-o',
      'jsonpath={.data.release}',
    ])
    return Buffer.from(secret, 'base64').length
  }

  it('say what lacks on a cluster without Gateway API, and leave nothing', async () => {
    await expect(cluster.helm(['install', 'weir', charts.archives.weir])).rejects.toThrow(
      /no Gateway API v1 .* --set crds\.gatewayAPI\.install=true/,
    )
    await expect(cluster.helm(['install', 'weir', charts.archives.weir, ...WITH_GATEWAY_API])).rejects.toThrow(
      /no CRDs of weir .*--set crds\.install=true/,
    )
    expect(await cluster.helm(['list', '--all', '--short'])).toBe('')
    await cluster.kubectl(['delete', 'crd', '--all'])
  })

  it('install the quick start in one go, and say what to do next', async () => {
    const printed = await cluster.helm(['install', 'weir', charts.archives.weir, ...QUICKSTART])
    expect(printed).toContain('kubectl get --raw /api/v1/namespaces/default/services/weir-demo:view/proxy/try')
    expect(await names('gatewayclass,gateway,httproute,backend,gatewayparameters')).toEqual([
      'gatewayclass.gateway.networking.k8s.io/agentgateway',
      'gatewayclass.gateway.networking.k8s.io/weir',
      'gateway.gateway.networking.k8s.io/weir-quickstart',
      'httproute.gateway.networking.k8s.io/weir-quickstart',
      'backend.gateway.kgateway.dev/weir-demo',
      'gatewayparameters.gateway.kgateway.dev/weir-quickstart',
    ])
    expect(await releaseBytes('weir.v1')).toBeLessThan(SECRET_BYTES / 2)
  })

  it('upgrade and roll back without touching Gateway or class', async () => {
    const objects = ['gatewayclass/weir', 'gateway/weir-quickstart']
    const before = await Promise.all(objects.map(uidOf))
    const upgraded = await cluster.helm([
      ...['upgrade', 'weir', charts.archives.weir, ...QUICKSTART],
      ...['--set', 'controller.replicaCount=2'],
    ])
    // The CRDs are what the chart holds.
    expect(upgraded).not.toContain('not what this chart holds')
    expect(await names('pdb')).toEqual(['poddisruptionbudget.policy/weir'])
    await cluster.helm(['rollback', 'weir', '1'])
    expect(await names('pdb')).toEqual([])
    expect(await Promise.all(objects.map(uidOf))).toEqual(before)
  })

  it('say which CRDs an upgrade leaves behind', async () => {
    const version = '/spec/versions/0/schema/openAPIV3Schema/description'
    const patch = [{ op: 'replace', path: version, value: 'older' }]
    await cluster.kubectl(['patch', 'crd', 'backends.gateway.kgateway.dev', '--type=json', '-p', JSON.stringify(patch)])
    const printed = await cluster.helm(['upgrade', 'weir', charts.archives.weir, ...QUICKSTART])
    expect(printed).toMatch(
      /not what this chart holds[^:]*:\n {2}backends\.gateway\.kgateway\.dev\nThe chart weir-crds/,
    )
  })

  it('leave CRDs of others alone until told to take them', async () => {
    const crds = charts.archives.crds
    const installed = await cluster.helm(['install', 'weir-crds', crds, ...WITH_GATEWAY_API])
    expect(installed).toContain(`not this release's, so they stay as they are:\n  backends.gateway.kgateway.dev`)
    expect(await cluster.kubectl(['get', 'crd', 'backends.gateway.kgateway.dev', '-o', 'yaml'])).toContain(
      'description: older',
    )
    const taken = await cluster.helm([
      ...['upgrade', 'weir-crds', crds, ...WITH_GATEWAY_API],
      ...['--take-ownership', '--set', 'crds.takeOwnership=true'],
    ])
    expect(taken).not.toContain('stay as they are')
    expect(await cluster.kubectl(['get', 'crd', 'backends.gateway.kgateway.dev', '-o', 'yaml'])).not.toContain(
      'description: older',
    )
    expect(await releaseBytes('weir-crds.v2')).toBeLessThan(SECRET_BYTES)
  })

  it('never downgrade Gateway API', async () => {
    const version = 'gateway.networking.k8s.io/bundle-version'
    const live = (): Promise<string> =>
      cluster.kubectl([
        'get',
        'crd',
        GATEWAY_CRD,
        '-o',
        `jsonpath={.metadata.annotations.${version.replaceAll('.', '\\.')}}`,
      ])
    const bundled = await live()
    await cluster.kubectl(['annotate', 'crd', GATEWAY_CRD, '--overwrite', `${version}=v9.0.0`])
    const printed = await cluster.helm(['upgrade', 'weir-crds', charts.archives.crds, ...WITH_GATEWAY_API])
    expect(printed).toContain(`newer in the cluster than in this chart and stay as they are:\n  ${GATEWAY_CRD}`)
    expect(await live()).toBe('v9.0.0')
    await cluster.kubectl(['annotate', 'crd', GATEWAY_CRD, '--overwrite', `${version}=v1.6.0`])
    await cluster.helm(['upgrade', 'weir-crds', charts.archives.crds, ...WITH_GATEWAY_API])
    expect(await live()).toBe(bundled)
  })

  it('refuse the upgrade by which helm would delete a CRD that somebody else has taken', async () => {
    const owner = 'meta.helm.sh/release-name'
    await cluster.kubectl(['annotate', 'crd', GATEWAY_CRD, '--overwrite', `${owner}=other`, 'helm.sh/resource-policy-'])
    const upgrade = ['upgrade', 'weir-crds', charts.archives.crds, ...WITH_GATEWAY_API]
    await expect(cluster.helm(upgrade)).rejects.toThrow(/kubectl annotate crd\/gateways\.gateway\.networking\.k8s\.io/)
    await cluster.kubectl(['annotate', 'crd', GATEWAY_CRD, 'helm.sh/resource-policy=keep'])
    await cluster.helm(upgrade)
    expect(await names('crd')).toContain(`customresourcedefinition.apiextensions.k8s.io/${GATEWAY_CRD}`)
  })

  it('leave what users made when they are uninstalled', async () => {
    const listener = { name: 'http', port: 80, protocol: 'HTTP' }
    const gateway = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      metadata: { name: 'mine' },
      spec: { gatewayClassName: 'weir', listeners: [listener] },
    }
    await cluster.kubectl(['apply', '-f', '-'], { stdin: JSON.stringify(gateway) })
    const crds = await names('crd')
    await cluster.helm(['uninstall', 'weir'])
    expect(await cluster.helm(['uninstall', 'weir-crds'])).toContain(
      '[CustomResourceDefinition] backends.gateway.kgateway.dev',
    )
    expect(await names('crd')).toEqual(crds)
    expect(await names('gateway,gatewayclass,httproute,backend')).toEqual(['gateway.gateway.networking.k8s.io/mine'])
  })

  it('leave a class of somebody else as it is, and say so', async () => {
    const other = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'GatewayClass',
      metadata: { name: 'agentgateway' },
      spec: { controllerName: 'example.com/other' },
    }
    await cluster.kubectl(['apply', '-f', '-'], { stdin: JSON.stringify(other) })
    const printed = await cluster.helm(['install', 'weir', charts.archives.weir])
    expect(printed).toContain("The GatewayClass agentgateway exists and is not this release's")
    await cluster.helm(['uninstall', 'weir'])
    expect(await names('gatewayclass')).toEqual(['gatewayclass.gateway.networking.k8s.io/agentgateway'])
  })

  it('run pods that the restricted level admits', async () => {
    await cluster.kubectl(['create', 'namespace', 'strict'])
    await cluster.kubectl(['label', 'namespace', 'strict', 'pod-security.kubernetes.io/enforce=restricted'])
    const set = ['--set', 'quickstart.enabled=true']
    await cluster.helm(['install', 'weir', charts.archives.weir, '-n', 'strict', ...set])
    for (const part of ['controller', 'demo']) {
      const selector = `app.kubernetes.io/component=${part}`
      await cluster.kubectl(['wait', 'pod', '-n', 'strict', '-l', selector, '--for=create', '--timeout=60s'])
    }
    const test = await charts.helm(
      'template',
      'weir',
      charts.archives.weir,
      '-n',
      'strict',
      '-s',
      'templates/tests/controller.yaml',
    )
    expect(await cluster.kubectl(['apply', '-f', '-', '--dry-run=server'], { stdin: test })).toContain(
      'pod/weir-test created',
    )
  })
})
