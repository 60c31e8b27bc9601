import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { runCommand } from '../rig/command-line.ts'
import { partFolder } from '../rig/part-folder.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** The charts as they lie in the repository. */
export const CHART_FOLDERS = { weir: join(ROOT, 'charts/weir'), crds: join(ROOT, 'charts/weir-crds') } as const

/** An object as a chart renders it. */
export interface Rendered {
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly [field: string]: unknown
}

/** Helm without a cluster, and the charts as `make chart` packs them. */
export interface ChartRig {
  readonly archives: { readonly weir: string; readonly crds: string }
  /** @returns what helm printed on stdout. @throws CommandError with what it printed on stderr */
  helm(...args: string[]): Promise<string>
  /** What `helm template` renders, release `weir` in namespace `weir-system`; test hooks too. */
  render(chart: string, ...args: string[]): Promise<readonly Rendered[]>
  close(): void
}

export function chartRig(): ChartRig {
  const folder = mkdtempSync(join(tmpdir(), 'weir-charts-'))
  // The rig has the same files in its cache: suites run without a network.
  const packed = execFileSync(join(ROOT, 'charts/package.sh'), [folder, join(partFolder('gateway-api'), 'crds')], {
    encoding: 'utf8',
  })
  const [weir = '', crds = ''] = packed.trim().split('\n')
  const env = {
    HELM_CACHE_HOME: join(folder, 'cache'),
    HELM_CONFIG_HOME: join(folder, 'config'),
    HELM_DATA_HOME: join(folder, 'data'),
  }
  const helm = async (...args: string[]): Promise<string> =>
    (await runCommand(join(partFolder('helm'), 'helm'), args, { env })).stdout
  return {
    archives: { weir, crds },
    helm,
    render: async (chart, ...args) => manifestsIn(await helm('template', 'weir', chart, '-n', 'weir-system', ...args)),
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** The objects of a stream of YAML documents. */
export function manifestsIn(text: string): readonly Rendered[] {
  return parseAllDocuments(text).flatMap((document) => {
    const object = document.toJS() as Rendered | null
    return object === null ? [] : [object]
  })
}

/** `Kind namespace/name`, sorted; without a namespace for what has none. */
export function namesOf(objects: readonly Rendered[]): readonly string[] {
  return objects
    .map(
      ({ kind, metadata: { namespace, name } }) => `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`,
    )
    .sort()
}

interface Role extends Rendered {
  readonly rules: readonly {
    readonly apiGroups: readonly string[]
    readonly resources: readonly string[]
    readonly resourceNames?: readonly string[]
    readonly verbs: readonly string[]
  }[]
}

/** What the roles allow, a line for each resource: `Kind namespace/name: resource.group[names]: verbs`. */
export function permissionsOf(objects: readonly Rendered[]): readonly string[] {
  return objects
    .filter((object): object is Role => object.kind === 'Role' || object.kind === 'ClusterRole')
    .flatMap((role) =>
      role.rules.flatMap(({ apiGroups, resources, resourceNames, verbs }) =>
        resources.map((resource) => {
          const names = resourceNames === undefined ? '' : `[${resourceNames.join(' ')}]`
          const group = apiGroups.join(' ')
          return `${namesOf([role])[0]}: ${resource}${group === '' ? '' : `.${group}`}${names}: ${verbs.join(' ')}`
        }),
      ),
    )
}
