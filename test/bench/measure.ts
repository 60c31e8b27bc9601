import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import type { Target } from './target.ts'

const run = promisify(execFile)

export interface Load {
  readonly name: string
  readonly path: string
  readonly body: string
  readonly connections: number
  readonly seconds: number
  readonly warmSeconds: number
  /** Requests per second; absent: every connection sends again as soon as it has its answer. */
  readonly rate?: number
  /** Cost is counted per streamed event instead of per request. */
  readonly perEvent?: true
}

/** What one visit of one load at one target found; times in microseconds. */
export interface Visit {
  readonly rate: number
  readonly cpuUs: number
  readonly p50Us: number
  readonly p99Us: number
  readonly eventP50Us: number
  readonly failed: number
  readonly done: number
  readonly rssMb: number
}

interface LoadOutput {
  rps: number
  all: number
  chunks_s: number
  chunks_all: number
  errs: number
  non2xx: number
  lat_us: { p50: number; p99: number }
  chunk_us: { p50: number }
}

/** User and kernel time of a process with all its threads, in microseconds; the kernel counts in ticks of 10 ms. */
function cpuUsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

/** Resident memory in MB. */
export function rssMbOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
}

export function loadArguments(load: Load, port: number): string[] {
  const paced = load.rate === undefined ? [] : ['-r', String(load.rate)]
  const shape = ['-c', String(load.connections), '-d', String(load.seconds), '-w', String(load.warmSeconds)]
  return ['-p', String(port), '-P', load.path, '-b', load.body, ...shape, ...paced]
}

/** Sends a load from core 1 and says what it cost the target. */
export async function visit(loadBinary: string, load: Load, target: Target): Promise<Visit> {
  const pid = target.process?.pid
  const before = pid === undefined ? 0 : cpuUsOf(pid)
  const { stdout } = await run('taskset', ['-c', '1', loadBinary, ...loadArguments(load, target.port)])
  const output = JSON.parse(stdout) as LoadOutput
  await new Promise((done) => setTimeout(done, 60))
  const spent = pid === undefined ? 0 : cpuUsOf(pid) - before
  const units = load.perEvent ? output.chunks_all : output.all
  return {
    rate: load.perEvent ? output.chunks_s : output.rps,
    cpuUs: spent / units,
    p50Us: output.lat_us.p50,
    p99Us: output.lat_us.p99,
    eventP50Us: output.chunk_us.p50,
    failed: output.errs + output.non2xx,
    done: output.all,
    rssMb: pid === undefined ? 0 : rssMbOf(pid),
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

/** Medians of each figure over visits; failures are added up. */
export function summary(visits: readonly Visit[]): Visit {
  const of = (pick: (one: Visit) => number): number => median(visits.map(pick))
  return {
    rate: of((v) => v.rate),
    cpuUs: of((v) => v.cpuUs),
    p50Us: of((v) => v.p50Us),
    p99Us: of((v) => v.p99Us),
    eventP50Us: of((v) => v.eventP50Us),
    failed: visits.reduce((sum, v) => sum + v.failed, 0),
    done: visits.reduce((sum, v) => sum + v.done, 0),
    rssMb: of((v) => v.rssMb),
  }
}

/** Visits by load and target, in interleaved repeats: each repeat goes round all targets, every other one backwards. */
export async function interleaved(
  loadBinary: string,
  loads: readonly Load[],
  targets: readonly Target[],
  repeats: number,
): Promise<Map<string, Map<string, Visit[]>>> {
  const table = new Map(
    loads.map((load) => [load.name, new Map(targets.map((target) => [target.name, [] as Visit[]]))]),
  )
  // Long enough for the compilers of what is measured to be done.
  const warmUp = (load: Load): Load => ({ ...load, seconds: 3 })
  for (const load of loads) for (const target of targets) await visit(loadBinary, warmUp(load), target)
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const load of loads) {
      for (const target of repeat % 2 === 0 ? targets : [...targets].reverse()) {
        table
          .get(load.name)
          ?.get(target.name)
          ?.push(await visit(loadBinary, load, target))
      }
    }
  }
  return table
}
