import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { GATEWAY_CLASSES } from '../contract/names.ts'
import { compile } from '../controller/compile/compile.ts'
import { type RenderedWorkload, renderWorkload } from '../controller/deploy/render.ts'
import type { DeploySettings } from '../controller/deploy/settings.ts'
import { readFiles } from '../controller/files/read.ts'

/**
 * What is deployed for whole manifests: `golden-workloads/NAME.in.yaml` goes in, `golden-workloads/NAME.out.yaml` must
 * come out. `make golden` writes the outputs anew; read the difference as you would read code.
 */
const FOLDER = join(import.meta.dirname, 'golden-workloads')
const IN = '.in.yaml'

const SETTINGS: DeploySettings = {
  image: 'registry.example.com/weir/weir:0.1.0',
  imagePullSecrets: [],
  controllerAddress: 'weir.weir-system.svc:9978',
  controllerServerName: 'weir.weir-system.svc',
  caCertificates: 'PEM\n',
  clusterDomain: 'cluster.local',
}

const cases = readdirSync(FOLDER)
  .filter((file) => file.endsWith(IN))
  .map((file) => file.slice(0, -IN.length))

interface Rendered extends RenderedWorkload {
  readonly gateway: string
  readonly hold: boolean
}

/** As from an API server, which gives every Gateway a uid. */
function rendered(name: string, ports?: readonly number[]): { workloads: Rendered[]; problems: string[] } {
  const text = readFileSync(join(FOLDER, `${name}${IN}`), 'utf8')
  const inventory = readFiles([{ path: `${name}${IN}`, text }], { namespace: 'default' })
  const { workloads, problems } = compile(inventory, { implicitClasses: GATEWAY_CLASSES })
  return {
    workloads: workloads.map((workload) => ({
      gateway: workload.gateway.name,
      hold: workload.hold,
      ...renderWorkload(
        { ...workload, uid: `uid-of-${workload.gateway.name}`, ports: ports ?? workload.ports },
        SETTINGS,
      ),
    })),
    problems: problems.map(({ severity, at, path, message }) => `${severity}: ${at.kind} ${path}: ${message}`),
  }
}

describe('workload goldens', () => {
  it.each(cases)('%s', (name) => {
    const { workloads, problems } = rendered(name)
    const printed = stringify({ problems, workloads }, { lineWidth: 0, aliasDuplicateObjects: false })
    const path = join(FOLDER, `${name}.out.yaml`)
    if (process.env['GOLDEN'] === 'write') writeFileSync(path, printed)
    expect(printed).toBe(readFileSync(path, 'utf8'))
  })

  it('has no output without an input', () => {
    const outputs = readdirSync(FOLDER).filter((file) => file.endsWith('.out.yaml'))
    expect(outputs.filter((file) => !existsSync(join(FOLDER, file.replace('.out.yaml', IN))))).toEqual([])
  })

  it('changes no pod for a listener', () => {
    const deployments = (ports: readonly number[]): readonly unknown[] =>
      cases.flatMap((name) =>
        rendered(name, ports).workloads.flatMap(({ objects }) => objects.filter(({ kind }) => kind === 'Deployment')),
      )
    expect(deployments([80, 443, 8443])).toEqual(deployments([9000]))
    expect(deployments([])).toEqual(deployments([9000]))
  })

  it('gives every object owner, name and class', () => {
    const objects = cases.flatMap((name) => rendered(name).workloads.flatMap((workload) => workload.objects))
    expect(objects.length).toBeGreaterThan(40)
    for (const { metadata } of objects) {
      expect(metadata.ownerReferences).toMatchObject([{ kind: 'Gateway', controller: true }])
      expect(Object.keys(metadata.labels)).toEqual(
        expect.arrayContaining([
          'gateway.networking.k8s.io/gateway-name',
          'gateway.networking.k8s.io/gateway-class-name',
          'app.kubernetes.io/managed-by',
        ]),
      )
      for (const value of Object.values(metadata.labels)) expect(value).toMatch(/^[A-Za-z0-9][-\w.]{0,61}[A-Za-z0-9]$/)
    }
  })
})
