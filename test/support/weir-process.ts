import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

/** What users start. */
export const WEIR = resolve(import.meta.dirname, '../../bin/weir')

/** A folder of manifests that a test may write to while weir watches it. */
export interface ManifestFolder {
  readonly path: string
  write(file: string, text: string): void
  remove(file: string): void
  delete(): void
}

export function manifestFolder(files: Readonly<Record<string, string>>): ManifestFolder {
  const path = mkdtempSync(join(tmpdir(), 'weir-test-'))
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(join(path, file)), { recursive: true })
    writeFileSync(join(path, file), text)
  }
  for (const [file, text] of Object.entries(files)) write(file, text)
  return {
    path,
    write,
    remove: (file) => rmSync(join(path, file)),
    delete: () => rmSync(path, { recursive: true, force: true }),
  }
}

/** `weir run` as its users start it: bin/weir, its own process, every port taken free on loopback. */
export interface WeirProcess {
  /** The local port of a listener, by the port that the manifest says. */
  port(listenerPort: number): number
  readonly statsPort: number
  readonly adminPort: number
  /** Lines of the access log (stdout) so far. */
  readonly accessLines: readonly string[]
  /** Lines of weir's own log (stderr) so far, parsed. */
  readonly logLines: readonly LogLine[]
  waitForAccessLines(count: number): Promise<readonly string[]>
  waitForLog(matches: (line: LogLine) => boolean): Promise<LogLine>
  metrics(): Promise<string>
  /** Resident memory in bytes. */
  rssBytes(): number
  readonly pid: number
  /** Ends it as Kubernetes would and waits. @returns its exit code */
  stop(): Promise<number | null>
}

export interface LogLine {
  readonly level: string
  readonly msg: string
  /** The whole line. */
  readonly text: string
  readonly [key: string]: string
}

export interface StartOptions {
  readonly paths: readonly string[]
  /** Ports in the manifests; each gets a free local one. */
  readonly ports: readonly number[]
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Lines of a stream, and promises for lines that are still to come. */
export class Lines<T> {
  readonly all: T[] = []
  readonly #waiting = new Set<() => void>()

  constructor(stream: NodeJS.ReadableStream, parse: (line: string) => T) {
    let rest = ''
    stream.setEncoding('utf8')
    stream.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() as string
      this.all.push(...lines.map(parse))
      for (const check of this.#waiting) check()
    })
  }

  /** Resolves with what `find` finds, now or when more lines have come. */
  until<R>(find: () => R | undefined, otherwise: () => string, withinMs = 30_000): Promise<R> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(() => reject(new Error(otherwise()))), withinMs)
      const check = (): void => {
        const found = find()
        if (found !== undefined) settle(() => resolve(found))
      }
      const settle = (end: () => void): void => {
        clearTimeout(timer)
        this.#waiting.delete(check)
        end()
      }
      this.#waiting.add(check)
      check()
    })
  }
}

/** Starts `weir run` and waits until its listeners listen. */
export async function startWeir(options: StartOptions): Promise<WeirProcess> {
  const args = [
    ...['run', ...options.paths.flatMap((path) => ['-f', path]), '--bind', '127.0.0.1'],
    ...options.ports.flatMap((port) => ['--port-map', `${port}:0`]),
    ...['--admin', '127.0.0.1:0', '--stats', '127.0.0.1:0', '--readiness', '127.0.0.1:0'],
    ...(options.args ?? []),
  ]
  const child = spawn(WEIR, args, { env: { ...process.env, ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const access = new Lines(child.stdout, (line) => line)
  const log = new Lines(child.stderr, parseLog)
  const tail = (): string => log.all.map((line) => line.text).join('\n')
  const waitForLog = (matches: (line: LogLine) => boolean): Promise<LogLine> =>
    log.until(
      () => log.all.find(matches),
      () => `weir did not log it; it logged:\n${tail()}`,
    )
  const ports = new Map<number, number>()
  try {
    for (const port of options.ports) {
      const line = await waitForLog((one) => one.msg === 'listening' && one['listenerPort'] === String(port))
      ports.set(port, Number(line['port']))
    }
    const ready = await waitForLog((one) => one.msg === 'ready')
    return {
      port: (listenerPort) => ports.get(listenerPort) as number,
      statsPort: Number(ready['statsPort']),
      adminPort: Number(ready['adminPort']),
      accessLines: access.all,
      logLines: log.all,
      waitForAccessLines: (count) =>
        access.until(
          () => (access.all.length >= count ? access.all : undefined),
          () => `${access.all.length} of ${count} access lines came:\n${access.all.join('\n')}\n${tail()}`,
        ),
      waitForLog,
      metrics: async () => (await fetch(`http://127.0.0.1:${ready['statsPort']}/metrics`)).text(),
      rssBytes: () => residentBytes(child.pid as number),
      pid: child.pid as number,
      stop: () => stopped(child),
    }
  } catch (error) {
    await stopped(child)
    throw error
  }
}

/** `TIME LEVEL MESSAGE key=value …`, as weir logs for people. */
export function parseLog(text: string): LogLine {
  const [, level = '', rest = text] = /^\S+Z (\w+) (.*)$/.exec(text) ?? []
  const pairs = [...rest.matchAll(/ (\w+)=(\S+)/g)].map((match) => [match[1], match[2]] as [string, string])
  const firstPair = rest.search(/ \w+=\S+/)
  return { ...Object.fromEntries(pairs), level, msg: firstPair < 0 ? rest : rest.slice(0, firstPair), text }
}

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024
}

/** Ends a process as Kubernetes would and waits. @returns its exit code */
export async function stopped(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const exit = new Promise<number | null>((done) => child.once('exit', (code) => done(code)))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 40_000)
  const code = await exit
  clearTimeout(timer)
  return code
}
