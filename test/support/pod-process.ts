import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { versionOf } from '../../contract/digest.ts'
import type { Resource, Snapshot } from '../../contract/snapshot.ts'
import { saveSnapshot } from '../../dataplane/sync/snapshot-cache.ts'
import { Lines, type LogLine, parseLog, stopped, WEIR } from './weir-process.ts'

/** `weir dataplane` as a pod starts it, with a cached snapshot and a controller that does not answer. */
export interface PodProcess {
  /** The local port of a listener, by the port that the snapshot says; waits until every worker listens. */
  port(listenerPort: number): Promise<number>
  readonly statsPort: number
  readonly adminPort: number
  readonly readinessPort: number
  readonly accessLines: readonly string[]
  readonly logLines: readonly LogLine[]
  waitForLog(matches: (line: LogLine) => boolean): Promise<LogLine>
  waitForLogs(count: number, matches: (line: LogLine) => boolean): Promise<readonly LogLine[]>
  waitForAccessLines(count: number): Promise<readonly string[]>
  metrics(): Promise<string>
  /** Process ids of the workers that answer. */
  workerPids(): Promise<readonly number[]>
  signal(name: NodeJS.Signals): void
  /** Its exit code, once it has ended. */
  readonly exited: Promise<number | null>
  readonly cacheFile: string
  stop(): Promise<number | null>
}

export interface StartPodOptions {
  /** What was kept by the container before; absent: nothing was. */
  readonly cached?: Snapshot
  /** Ports of listeners; each gets a free local one. */
  readonly ports?: readonly number[]
  /** The log's message to wait for; `ready` where something was kept, else `started`. */
  readonly awaits?: string
  readonly workers: number
  readonly args?: readonly string[]
}

/** A snapshot of the Gateway `default/edge`. */
export function snapshotOf(resources: readonly Resource[], gateway = 'default/edge'): Snapshot {
  return { gateway, version: versionOf(resources, []), resources: [...resources], hold: [] }
}

/** Resolves when the log says that the pod's own ports are open; with a cached snapshot when it says that it is ready. */
export async function startPod(options: StartPodOptions): Promise<PodProcess> {
  const { cached, awaits = cached === undefined ? 'started' : 'ready', ports = [8080], workers } = options
  const folder = mkdtempSync(join(tmpdir(), 'weir-pod-'))
  const cacheFile = join(folder, 'snapshot')
  if (cached !== undefined) await saveSnapshot(cacheFile, cached)
  const args = [
    ...['dataplane', '--gateway', 'default/edge', '--controller', '127.0.0.1:1', '--cache', cacheFile],
    ...['--bind', '127.0.0.1', '--admin', '127.0.0.1:0', '--stats', '127.0.0.1:0', '--readiness', '127.0.0.1:0'],
    ...['--workers', String(workers), '--drain-wait', '0', '--controller-ca', join(folder, 'none')],
    ...ports.flatMap((port) => ['--port-map', `${port}:0`]),
    ...(options.args ?? []),
  ]
  const child = spawn(WEIR, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)))
  const access = new Lines(child.stdout, (line) => line)
  const log = new Lines(child.stderr, parseLog)
  const told = (): string => `the pod did not log it; it logged:\n${log.all.map((line) => line.text).join('\n')}`
  const waitForLogs: PodProcess['waitForLogs'] = (count, matches) =>
    log.until(() => {
      const found = log.all.filter(matches)
      return found.length >= count ? found : undefined
    }, told)
  const waitForLog: PodProcess['waitForLog'] = async (matches) => (await waitForLogs(1, matches))[0] as LogLine
  const stop = async (): Promise<number | null> => {
    const code = await stopped(child)
    rmSync(folder, { recursive: true, force: true })
    return code
  }
  try {
    const started = await waitForLog(({ msg }) => msg === awaits)
    const own = portsOf(started)
    return {
      ...own,
      port: async (listenerPort) => {
        const listening = await waitForLogs(
          workers,
          (line) => line.msg === 'listening' && line['listenerPort'] === String(listenerPort),
        )
        return Number(listening[0]?.['port'])
      },
      accessLines: access.all,
      logLines: log.all,
      waitForLog,
      waitForLogs,
      waitForAccessLines: (count) => access.until(() => (access.all.length >= count ? access.all : undefined), told),
      metrics: async () => (await fetch(`http://127.0.0.1:${own.statsPort}/metrics`)).text(),
      workerPids: () => workerPids(own.adminPort),
      signal: (name) => void child.kill(name),
      exited,
      cacheFile,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function portsOf(line: LogLine): Pick<PodProcess, 'adminPort' | 'statsPort' | 'readinessPort'> {
  return {
    adminPort: Number(line['adminPort']),
    statsPort: Number(line['statsPort']),
    readinessPort: Number(line['readinessPort']),
  }
}

async function workerPids(adminPort: number): Promise<readonly number[]> {
  const memory = (await (await fetch(`http://127.0.0.1:${adminPort}/memory`)).json()) as { workers: { pid: number }[] }
  return memory.workers.map(({ pid }) => pid)
}

/** The sum of a metric's samples whose series have this in their text. */
export function sumOf(metrics: string, name: string, having = ''): number {
  const samples = metrics.split('\n').filter((line) => line.startsWith(name) && /^[{ ]/.test(line.slice(name.length)))
  return samples
    .filter((line) => line.includes(having))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}
