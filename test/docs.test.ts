import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parse } from 'yaml'
import { readFiles } from '../controller/files/read.ts'
import { GATEWAY_ERRORS } from '../dataplane/fault.ts'

const ROOT = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const docs = (name: string): string => read(`docs/${name}`)

/** Every file below a folder, as paths from the root. */
const filesIn = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`)

describe('docs/errors.md', () => {
  it('lists every code of a GatewayError in the row of its status, and no other', () => {
    const rows = docs('errors.md').matchAll(/^\| (\d{3}) \| (.*) \|$/gm)
    const written = [...rows].flatMap((row) =>
      [...(row[2] as string).matchAll(/`([a-z_]+)`/g)].map((code) => `${row[1]} ${code[1]}`),
    )
    const known = Object.entries(GATEWAY_ERRORS).map(([code, { status }]) => `${status} ${code}`)
    expect(written.sort()).toEqual(known.sort())
  })
})

interface Schema {
  readonly properties?: { readonly [name: string]: Schema }
}

/** The fields that have no named fields of their own. */
function fieldsOf({ properties }: Schema, path: string): string[] {
  if (properties === undefined) return [path]
  return Object.entries(properties).flatMap(([name, inner]) => fieldsOf(inner, path === '' ? name : `${path}.${name}`))
}

describe('docs/kubernetes.md', () => {
  it('has a row for every field of GatewayParameters, and no other', () => {
    const crd = parse(read('crds/gateway.kgateway.dev_gatewayparameters.yaml')) as {
      readonly spec: { readonly versions: readonly [{ readonly schema: { readonly openAPIV3Schema: Schema } }] }
    }
    const { spec } = crd.spec.versions[0].schema.openAPIV3Schema.properties ?? {}
    const table = docs('kubernetes.md').split('<!-- parameters: begin -->')[1]?.split('<!-- parameters: end -->')[0]
    const rows = [...(table ?? '').matchAll(/^\| `([\w.]+)` \|/gm)].map((row) => row[1])
    expect(rows.sort()).toEqual(fieldsOf(spec?.properties?.['kube'] ?? {}, '').sort())
  })
})

/** What stands between a fence with this word and the next one. */
const blocks = (text: string, word: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${word}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map((block) => block[1] as string)

describe('the pages on Kubernetes', () => {
  const pages = ['docs/kubernetes.md', 'docs/operations.md', 'README.md', 'charts/weir/README.md']

  it('show manifests that an API server would take', () => {
    const manifests = pages.filter((page) => page.startsWith('docs/')).flatMap((page) => blocks(read(page), 'yaml'))
    expect(manifests.length).toBeGreaterThan(3)
    const sources = manifests.map((text, index) => ({ path: `${index}.yaml`, text }))
    expect(readFiles(sources, { namespace: 'default' }).problems).toEqual([])
  })

  it('set only values that a chart has', () => {
    const values = ['weir', 'weir-crds'].flatMap((chart) => fieldsIn(parse(read(`charts/${chart}/values.yaml`)), ''))
    const set = pages.flatMap((page) =>
      [...read(page).matchAll(/--set (\S+)/g)].flatMap((match) =>
        [...(match[1] as string).replace(/\{[^}]*\}/g, '').matchAll(/([\w.]+)=/g)].map((key) => key[1]),
      ),
    )
    expect(set).toEqual(expect.arrayContaining(['quickstart.enabled', 'watch.namespaces', 'crds.takeOwnership']))
    expect(values).toEqual(expect.arrayContaining(set))
  })
})

function fieldsIn(value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path]
  return [
    path,
    ...Object.entries(value).flatMap(([name, inner]) => fieldsIn(inner, path === '' ? name : `${path}.${name}`)),
  ]
}

interface Conditions {
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[]
}

/** What the compiler's expected outputs hold. */
interface Golden {
  readonly statuses?: readonly {
    readonly kind: string
    readonly status: Conditions & {
      readonly listeners?: readonly Conditions[]
      readonly parents?: readonly Conditions[]
      readonly ancestors?: readonly Conditions[]
    }
  }[]
}

describe('docs/operations.md', () => {
  /** `KIND TYPE STATUS REASON` of each row, by the heading above it. */
  const written = docs('operations.md')
    .split(/^### /m)
    .slice(1)
    .flatMap((section) => {
      const kind = section.slice(0, section.indexOf('\n'))
      const rows = section.matchAll(/^\| `([\w./]+)` \| (True|False|Unknown) \| `(\w+)` \|/gm)
      return [...rows].map((row) => `${kind} ${row[1]} ${row[2]} ${row[3]}`)
    })

  it('lists every condition that the goldens have', () => {
    const tell = (kind: string, holders: readonly Conditions[] = []): string[] =>
      holders.flatMap(({ conditions = [] }) =>
        conditions.map(({ type, status, reason }) => `${kind} ${type} ${status} ${reason}`),
      )
    const seen = filesIn('test/golden')
      .filter((path) => path.endsWith('.out.yaml'))
      .flatMap((path) => (parse(read(path)) as Golden).statuses ?? [])
      .flatMap(({ kind, status }) => [
        ...tell(kind, [status]),
        ...tell('Listener', status.listeners),
        ...tell(kind, status.parents),
        ...tell(kind, status.ancestors),
      ])
    expect(seen.length).toBeGreaterThan(100)
    expect(written).toEqual(expect.arrayContaining([...new Set(seen)]))
  })

  it('lists no reason that the compiler does not know', () => {
    const code = filesIn('controller/compile').filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    const literals = new Set(code.flatMap((path) => [...read(path).matchAll(/'(\w+)'/g)].map((match) => match[1])))
    const reasons = written.map((row) => row.split(' ')[3])
    expect(reasons.filter((reason) => !literals.has(reason))).toEqual([])
    expect(new Set(written).size).toBe(written.length)
  })

  it('names, with docs/telemetry.md, every metric of weir, and no other', () => {
    const code = ['controller', 'dataplane', 'runtime']
      .flatMap(filesIn)
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    const names = (texts: readonly string[], name: RegExp): string[] =>
      [...new Set(texts.flatMap((text) => [...text.matchAll(name)].map((match) => match[1] as string)))].sort()
    const rows = names([docs('operations.md'), docs('telemetry.md')], /^\| `(weir_[a-z_]+)` \|/gm)
    expect(rows).toEqual(names(code.map(read), /'(weir_[a-z]+(?:_[a-z]+)*)'/g))
    // Alerts and prose may name no metric that no table has.
    const named = names([docs('operations.md'), docs('kubernetes.md')], /\b(weir_[a-z_]+)\b/g)
    expect(rows).toEqual(expect.arrayContaining(named))
  })
})

/** The anchor that GitHub gives to a heading. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

describe('links between pages', () => {
  const pages = [
    ...['README.md', 'DEVELOPMENT.md', 'test/rig/README.md', 'charts/weir/README.md', 'charts/weir-crds/README.md'],
    ...filesIn('docs').filter((path) => path.endsWith('.md')),
  ]

  it.each(pages)('%s leads to files and headings that are there', (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
    const broken = links.filter(([, path = '', heading]) => {
      const target = path === '' ? page : join(dirname(page), path)
      if (!existsSync(join(ROOT, target))) return true
      if (heading === undefined) return false
      return ![...read(target).matchAll(/^#+ (.+)$/gm)].some((match) => anchor(match[1] as string) === heading)
    })
    expect(broken.map(([link]) => link)).toEqual([])
  })
})

describe('files that pages name', () => {
  const sources = ['cli', 'contract', 'controller', 'dataplane', 'runtime', 'test'].flatMap(filesIn)

  it.each(['DEVELOPMENT.md', 'test/rig/README.md'])('%s names sources that are there', (page) => {
    const named = [...read(page).matchAll(/`(?![^`]*NAME)([\w./-]+\.ts)`/g)].map((match) => match[1] as string)
    expect(named.length).toBeGreaterThan(3)
    expect(named.filter((name) => !sources.some((path) => `/${path}`.endsWith(`/${name}`)))).toEqual([])
  })
})
