import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

/**
 * The rooms of the house and what each may import (docs/concepts.md draws them). A folder or file belongs to the longest
 * room that is a prefix of its path; a room lists other rooms by that name, and packages by theirs. `node:` modules are
 * free everywhere but in the rooms marked pure.
 */
interface Room {
  readonly rooms: readonly string[]
  readonly packages: readonly string[]
  readonly pure?: true
}

const ROOMS: { readonly [path: string]: Room } = {
  contract: { rooms: [], packages: ['@marcbachmann/cel-js', '@bufbuild/re2', 'zod'] },
  runtime: { rooms: [], packages: ['pino'] },
  'controller/api': { rooms: ['contract'], packages: [], pure: true },
  'controller/yaml': { rooms: [], packages: ['yaml'], pure: true },
  'controller/compile': {
    rooms: ['controller/api', 'controller/yaml', 'contract'],
    packages: ['yaml', 'zod'],
    pure: true,
  },
  'controller/files': {
    rooms: ['controller/api', 'controller/yaml', 'contract', 'runtime'],
    packages: ['yaml', 'zod'],
  },
  'controller/kube': {
    rooms: ['controller/api', 'contract', 'runtime'],
    packages: ['@kubernetes/client-node'],
  },
  'controller/deploy': { rooms: ['controller/api', 'controller/kube', 'contract'], packages: [] },
  'controller/push': { rooms: ['controller/api', 'contract', 'runtime'], packages: ['@grpc/grpc-js', 'zod'] },
  controller: { rooms: ['controller/*', 'contract', 'runtime'], packages: ['zod'] },
  'dataplane/exchange.ts': { rooms: ['contract', 'dataplane/fault.ts'], packages: [], pure: true },
  'dataplane/fault.ts': { rooms: ['contract'], packages: [], pure: true },
  'dataplane/http': {
    rooms: ['dataplane/exchange.ts', 'dataplane/fault.ts', 'contract', 'runtime'],
    packages: ['undici'],
  },
  'dataplane/llm': {
    rooms: ['dataplane/http', 'dataplane/exchange.ts', 'dataplane/fault.ts', 'contract', 'runtime'],
    packages: [],
  },
  'dataplane/mcp': {
    rooms: ['dataplane/http', 'dataplane/exchange.ts', 'dataplane/fault.ts', 'contract', 'runtime'],
    packages: [],
  },
  'dataplane/service': {
    rooms: ['dataplane/http', 'dataplane/exchange.ts', 'dataplane/fault.ts', 'contract', 'runtime'],
    packages: [],
  },
  'dataplane/telemetry': {
    rooms: ['dataplane/exchange.ts', 'dataplane/fault.ts', 'contract', 'runtime'],
    packages: ['undici', '@grpc/grpc-js'],
  },
  'dataplane/sync': { rooms: ['contract', 'runtime'], packages: ['@grpc/grpc-js', 'zod'] },
  dataplane: { rooms: ['dataplane/*', 'contract', 'runtime'], packages: [] },
  cli: {
    rooms: ['controller', 'controller/*', 'dataplane', 'dataplane/*', 'contract', 'runtime'],
    packages: ['@grpc/grpc-js', 'yaml', 'zod'],
  },
  test: { rooms: ['*'], packages: ['*'] },
}

/** `node:` modules that a pure room may use: they compute, they do not read, write, wait or tell the time. */
const PURE_MODULES = ['node:crypto', 'node:net', 'node:util', 'node:buffer']

const root = resolve(import.meta.dirname, '..')

function sourcesUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sourcesUnder(path)
    return path.endsWith('.ts') ? [path] : []
  })
}

const sources = ['contract', 'runtime', 'controller', 'dataplane', 'cli', 'test'].flatMap(sourcesUnder)

function roomOf(path: string): string | undefined {
  const fitting = Object.keys(ROOMS).filter((room) => path === room || path.startsWith(`${room}/`))
  return fitting.sort((a, b) => b.length - a.length)[0]
}

function importsOf(path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8')
  const statements = text.matchAll(
    /^(?:import|export)\s(?:[^'"]*?\sfrom\s)?['"]([^'"]+)['"]|\bimport\(['"]([^'"]+)['"]\)|new URL\(['"](\.[^'"]+\.ts)['"]/gm,
  )
  return [...statements].map((match) => (match[1] ?? match[2] ?? match[3]) as string)
}

function allows(allowed: readonly string[], room: string): boolean {
  return allowed.some(
    (name) => name === '*' || name === room || (name.endsWith('/*') && room.startsWith(name.slice(0, -1))),
  )
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** What is wrong with one import of one file; undefined when nothing is. */
function violation(path: string, specifier: string): string | undefined {
  const isTest = path.endsWith('.test.ts')
  const room = roomOf(path) as string
  const rule = ROOMS[room] as Room
  if (specifier.startsWith('node:')) {
    return rule.pure && !isTest && !PURE_MODULES.includes(specifier)
      ? `${path} is pure and imports ${specifier}`
      : undefined
  }
  if (!specifier.startsWith('.')) {
    return isTest || allows(rule.packages, packageOf(specifier))
      ? undefined
      : `${path} imports the package ${specifier}`
  }
  const target = relative(root, resolve(root, dirname(path), specifier))
  const other = roomOf(target)
  if (other === undefined)
    return target.startsWith('crds/') || target === 'package.json'
      ? undefined
      : `${path} imports ${target}, which is in no room`
  if (other === 'test') return room === 'test' || isTest ? undefined : `${path} imports ${target}: nothing imports test`
  return isTest || other === room || allows(rule.rooms, other)
    ? undefined
    : `${path} imports ${target}: ${room} may not import ${other}`
}

/** Cycles of files, as the first one found: a → b → a. Type-only imports do not count: they are gone when it runs. */
function firstCycle(): string | undefined {
  const edges = new Map(
    sources.map((path) => {
      const text = readFileSync(join(root, path), 'utf8').replace(
        /^(?:import|export)\s+type\s[^;]*?from\s+['"][^'"]+['"]/gm,
        '',
      )
      const targets = [...text.matchAll(/^(?:import|export)\s(?:[^'"]*?\sfrom\s)?['"](\.[^'"]+)['"]/gm)]
      return [path, targets.map((match) => relative(root, resolve(root, dirname(path), match[1] as string)))] as const
    }),
  )
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): string | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path].join(' → ')
    if (done.has(path)) return undefined
    for (const next of edges.get(path) ?? []) {
      const cycle = visit(next, [...trail, path])
      if (cycle !== undefined) return cycle
    }
    done.add(path)
    return undefined
  }
  for (const path of sources) {
    const cycle = visit(path, [])
    if (cycle !== undefined) return cycle
  }
  return undefined
}

describe('architecture', () => {
  it('has every file in a room', () => {
    expect(sources.filter((path) => roomOf(path) === undefined)).toEqual([])
  })

  it('has a file in every room', () => {
    const used = new Set(sources.map(roomOf))
    expect(Object.keys(ROOMS).filter((room) => !used.has(room))).toEqual([])
  })

  it('imports only what the rooms allow', () => {
    expect(sources.flatMap((path) => importsOf(path).flatMap((specifier) => violation(path, specifier) ?? []))).toEqual(
      [],
    )
  })

  it('imports files that exist, by their .ts name', () => {
    const missing = sources.flatMap((path) =>
      importsOf(path)
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => relative(root, resolve(root, dirname(path), specifier)))
        .filter((target) => !existsSync(join(root, target)))
        .map((target) => `${path} → ${target}`),
    )
    expect(missing).toEqual([])
  })

  it('has no cycles', () => {
    expect(firstCycle()).toBeUndefined()
  })

  it('has no rooms for leftovers', () => {
    expect(sources.filter((path) => /(^|\/)(utils?|common|helpers?|types|misc|globals)(\/|\.ts$)/.test(path))).toEqual(
      [],
    )
  })
})
