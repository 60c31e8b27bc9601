import { spawn } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { cacheFolder, moduleFolder, rigCache } from './part-folder.ts'
import { type Part, type PartName, type Program, partOf } from './part-table.ts'

/** The oldest Go that builds every part. */
const GO_MINOR = 26

/**
 * Builds into the cache what is missing of the parts, one after the other. A part appears whole or not at all; two
 * builders at once wait for each other.
 * @throws with advice when there is no Go, an old one, or a module cannot be had
 */
export async function buildParts(names: readonly PartName[], say: (line: string) => void): Promise<void> {
  const missing = (): PartName[] => names.filter((name) => !existsSync(cacheFolder(name)))
  if (missing().length === 0) return
  mkdirSync(rigCache(), { recursive: true })
  const release = await lock(join(rigCache(), 'build.lock'), () => say('rig: waits for another builder'))
  try {
    if (missing().length > 0) await requireGo()
    for (const name of missing()) await buildPart(name, say)
  } finally {
    release()
  }
}

async function buildPart(name: PartName, say: (line: string) => void): Promise<void> {
  const part = partOf(name)
  const duration = part.coldMinutes > 0 ? ` (${part.coldMinutes} minutes on two cores when Go's caches are empty)` : ''
  say(`rig: builds ${part.title}${duration}`)
  const startedMs = performance.now()
  const unfinished = mkdtempSync(join(rigCache(), `.${name}-`))
  try {
    await go(moduleFolder(name), ['mod', 'download', ...modulesToDownload(part)])
    for (const program of part.programs) await buildProgram(name, program, unfinished)
    if (part.files !== undefined) await takeFiles(name, part.files, unfinished)
    // Pods run these programs as other users.
    chmodSync(unfinished, 0o755)
    renameSync(unfinished, cacheFolder(name))
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
  say(`rig: built ${part.title} in ${Math.round((performance.now() - startedMs) / 1000)} s`)
}

/** All of the part's modules where something is compiled; only the one whose files are wanted otherwise. */
function modulesToDownload({ programs, files }: Part): string[] {
  return programs.length === 0 && files !== undefined ? [files.module] : []
}

async function buildProgram(name: PartName, program: Program, into: string): Promise<void> {
  const variables = Object.entries(program.variables ?? {}).map(([variable, text]) => `-X ${variable}=${text}`)
  const verb = program.test ? ['test', '-c'] : ['build']
  const flags = ['-trimpath', '-buildvcs=false', '-ldflags', ['-s -w', ...variables].join(' ')]
  await go(moduleFolder(name), [...verb, ...flags, '-o', join(into, program.binary), program.package])
  for (const other of program.calledAs ?? []) symlinkSync(program.binary, join(into, other))
}

async function takeFiles(name: PartName, { module, folders }: NonNullable<Part['files']>, into: string): Promise<void> {
  const source = (await go(moduleFolder(name), ['list', '-m', '-f', '{{.Dir}}', module])).trim()
  for (const [folder, there] of Object.entries(folders)) {
    const files = readdirSync(join(source, there), { recursive: true, encoding: 'utf8' })
    for (const file of files.filter((one) => one.endsWith('.yaml'))) {
      cpSync(join(source, there, file), join(into, folder, file))
    }
  }
}

async function requireGo(): Promise<void> {
  const advice = `the rig needs Go 1.${GO_MINOR} or newer on the PATH (https://go.dev/dl)`
  const said = await run('go', ['version'], moduleFolder('kube')).catch((error: NodeJS.ErrnoException) => {
    throw new Error(error.code === 'ENOENT' ? `${advice}: there is no 'go'` : `${advice}: ${error.message}`)
  })
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(said) ?? []
  if (Number(major) === 1 && Number(minor) < GO_MINOR) throw new Error(`${advice}: this is ${said.trim()}`)
}

/** Module files are taken as they are; the rest of the environment (proxy, caches, toolchain) is the machine's own. */
function go(folder: string, args: readonly string[]): Promise<string> {
  const flags = `${process.env['GOFLAGS'] ?? ''} -mod=readonly`.trim()
  return run('go', args, folder, { CGO_ENABLED: '0', GOFLAGS: flags, GOWORK: 'off' })
}

/** @returns what it printed. @throws with the end of what it said when it fails */
function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let printed = ''
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4000)
    })
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(printed)
      else reject(new Error(`${command} ${args.slice(0, 2).join(' ')} in ${cwd} failed:\n${said.trim()}`))
    })
  })
}

/**
 * Holds the file's lock (flock(2)) until released. A child has it and lives as long as its stdin is open, so a builder
 * that dies holds nothing.
 */
function lock(file: string, onWait: () => void): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const child = spawn('flock', [file, 'sh', '-c', 'echo held; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] })
    const waiting = setTimeout(onWait, 1000)
    child.on('error', (error) => reject(new Error(`the rig needs flock (util-linux): ${error.message}`)))
    child.on('exit', (code) => reject(new Error(`flock ended with ${code}`)))
    child.on('close', () => clearTimeout(waiting))
    child.stdout.once('data', () => {
      clearTimeout(waiting)
      resolve(() => void child.stdin.end())
    })
  })
}
