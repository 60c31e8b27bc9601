import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'

/** A value of a chart: `path.to.it`, its default as JSON, what its comment says. */
interface ChartValue {
  readonly path: string
  readonly fallback: string
  readonly doc: string
}

/** A row of charts/weir/files/rbac.yaml. */
interface Permission {
  readonly where: string
  readonly group: string
  readonly resources: readonly string[]
  readonly names?: readonly string[]
  readonly verbs: readonly string[]
  readonly why: string
}

/**
 * The README.md of a chart: its own text, with the tables between `<!-- NAME: begin -->` and `<!-- NAME: end -->` made
 * anew, `values` from values.yaml and its comments, `rbac` from files/rbac.yaml.
 * @param folder from the root of the repository
 * @throws when a value has no comment `# -- …`, naming it
 */
export function chartReference(folder: string): string {
  const read = (path: string): string => readFileSync(join(resolve(import.meta.dirname, '..'), folder, path), 'utf8')
  const tables: { readonly [name: string]: () => string } = {
    values: () => valuesTable(chartValues(read('values.yaml'))),
    rbac: () => permissionsTable((parse(read('files/rbac.yaml')) as { rules: readonly Permission[] }).rules),
  }
  return read('README.md').replace(
    /(<!-- (\w+): begin -->\n)[\s\S]*?(<!-- \2: end -->)/g,
    (_, begin: string, name: string, end: string) => {
      const table = tables[name]
      if (table === undefined) throw new Error(`${folder}/README.md asks for a table '${name}' that there is not`)
      return `${begin}${table()}\n${end}`
    },
  )
}

/** Every value that has a comment of its own, in the order of the file; what is below such a value is its default. */
export function chartValues(text: string): readonly ChartValue[] {
  const found: ChartValue[] = []
  const defaults: unknown = parse(text)
  const trail: { readonly indent: number; readonly key: string }[] = []
  let comment: string[] = []
  let documentedIndent = Number.POSITIVE_INFINITY
  for (const line of text.split('\n')) {
    const remark = /^ *# ?(.*)$/.exec(line)?.[1]
    if (remark !== undefined) {
      comment = remark.startsWith('-- ') ? [remark.slice(3)] : [...comment, remark]
      continue
    }
    const [, spaces, key, rest] = /^( *)([\w-]+):(.*)$/.exec(line) ?? []
    if (spaces === undefined || key === undefined || spaces.length > documentedIndent) continue
    documentedIndent = Number.POSITIVE_INFINITY
    while ((trail.at(-1)?.indent ?? -1) >= spaces.length) trail.pop()
    trail.push({ indent: spaces.length, key })
    const keys = trail.map((one) => one.key)
    if (comment.length > 0) {
      found.push({ path: keys.join('.'), fallback: JSON.stringify(valueAt(defaults, keys)), doc: comment.join(' ') })
      documentedIndent = spaces.length
    } else if (rest?.trim() !== '') {
      throw new Error(`the value ${keys.join('.')} has no comment '# -- …'`)
    }
    comment = []
  }
  return found
}

function valueAt(root: unknown, keys: readonly string[]): unknown {
  return keys.reduce<unknown>((value, key) => (value as Readonly<Record<string, unknown>>)[key], root)
}

function valuesTable(values: readonly ChartValue[]): string {
  const rows = values.map(({ path, fallback, doc }) => `| \`${path}\` | \`${fallback}\` | ${cell(doc)} |`)
  return ['| value | default | meaning |', '|---|---|---|', ...rows].join('\n')
}

function permissionsTable(rules: readonly Permission[]): string {
  const rows = rules.map(({ where, group, resources, names, verbs, why }) => {
    const objects = resources.map((resource) => `\`${group === '' ? resource : `${resource}.${group}`}\``).join(', ')
    const only = names === undefined ? '' : ` named ${names.map((name) => `\`${named(name)}\``).join(', ')}`
    return `| ${where} | ${objects}${only} | ${verbs.join(', ')} | ${cell(why)} |`
  })
  return ['| where | what | verbs | why |', '|---|---|---|---|', ...rows].join('\n')
}

/** A name in which the chart's template stands, as it is with the release `weir`. */
function named(template: string): string {
  return template.replace(/\{\{.*?\}\}/, 'weir')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
