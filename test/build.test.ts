import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const text = (path: string): string => readFileSync(join(root, path), 'utf8')

/** Of the build, but not of the image: it finds a Node in a clone, and the image has its own. */
const NOT_IN_IMAGE = ['bin']

/** What the image copies from the build, as paths inside it. */
function copiedPaths(): string[] {
  return text('Containerfile')
    .split('\n')
    .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
    .flatMap((line) => line.split(/\s+/).slice(1, -1))
    .map((source) => {
      if (!source.startsWith('dist/')) throw new Error(`Containerfile copies ${source}, which is not of the build`)
      return source.slice('dist/'.length)
    })
}

/** A `node_modules` with the production dependencies of the lock file and nothing else, as links. */
function linkProductionPackages(folder: string): void {
  const { packages } = JSON.parse(text('package-lock.json')) as { packages: Record<string, { readonly dev?: true }> }
  for (const [path, { dev }] of Object.entries(packages)) {
    // Packages inside a package come along with it.
    if (!/^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) || dev || !existsSync(join(root, path))) continue
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    symlinkSync(join(root, path), join(folder, path))
  }
}

describe('the build', () => {
  let folder: string

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'weir-build-'))
    // -o: packages are installed already, or this test would not run.
    const make = ['--no-print-directory', '-o', 'node_modules/.package-lock.json', 'build', `DIST=${folder}`]
    execFileSync('make', make, { cwd: root, stdio: 'pipe', timeout: 120_000 })
    linkProductionPackages(folder)
  })

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('holds what runs and no sources, tests or maps', () => {
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
      (path) => !path.startsWith('node_modules/'),
    )
    expect(files).toContain('cli/main.js')
    expect(files.filter((path) => /\.(ts|map)$|\.test\.js$/.test(path))).toEqual([])
  })

  it('holds every path that the image copies, and the image copies all that it holds', () => {
    const copied = copiedPaths()
    expect(copied.filter((path) => !existsSync(join(folder, path)))).toEqual([])
    const built = readdirSync(folder).filter((name) => name !== 'node_modules')
    expect(built.filter((name) => !NOT_IN_IMAGE.includes(name) && !copied.includes(name))).toEqual([])
  })

  it('runs with production dependencies alone: gateway, exporter thread, schemas and examples', () => {
    const printed = execFileSync(join(folder, 'bin/weir'), ['demo', '--once'], { encoding: 'utf8', timeout: 60_000 })
    expect(printed).toMatch(/^\d+ requests, \d+ traces\./m)
  })

  it('is started in the image with the same V8 options as in a clone', () => {
    const entry = /^ENTRYPOINT (\[.*\])$/m.exec(text('Containerfile'))?.[1] ?? '[]'
    const inImage = (JSON.parse(entry) as string[]).filter((word) => word.startsWith('--'))
    const inClone = /^exec "\$node" (.*) "\$main"/m.exec(text('bin/weir'))?.[1]?.split(' ')
    expect(inImage).toEqual(inClone)
  })
})
