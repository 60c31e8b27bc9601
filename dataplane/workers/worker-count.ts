import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'

/** Where the kernel says what this process may use. */
export interface CgroupFiles {
  /** `/sys/fs/cgroup` */
  readonly root: string
  /** `/proc/self/cgroup` */
  readonly self: string
}

const KERNEL: CgroupFiles = { root: '/sys/fs/cgroup', self: '/proc/self/cgroup' }

/**
 * One worker for each whole CPU of the limit, at least one; without a limit one for each CPU of the machine. The limit
 * is the smallest of cgroup v2's `cpu.max` on the way up from this process's group and of the variable `CPU_LIMIT`
 * (the downward API's `limits.cpu`, whole CPUs).
 */
export function workerCount(env: Readonly<Record<string, string | undefined>>, files: CgroupFiles = KERNEL): number {
  const limits = [availableParallelism(), ...cgroupLimits(files), Number(env['CPU_LIMIT'] || Number.NaN)]
  const known = limits.filter((limit) => Number.isFinite(limit) && limit > 0)
  return Math.max(1, Math.floor(Math.min(...known)))
}

/** CPUs by each `cpu.max` that says a number: `150000 100000` is 1.5, `max 100000` none. */
function cgroupLimits({ root, self }: CgroupFiles): number[] {
  // In a container with a cgroup namespace the path is `/`; without one it may lead to where nothing is mounted.
  const path = /^0::(\/.*)$/m.exec(textOf(self))?.[1] ?? '/'
  const parts = path.split('/').filter((part) => part !== '' && part !== '..')
  const folders = [root, ...parts.map((_, depth) => join(root, ...parts.slice(0, depth + 1)))]
  return folders.flatMap((folder) => {
    const match = /^(\d+) (\d+)/.exec(textOf(join(folder, 'cpu.max')))
    return match === null ? [] : [Number(match[1]) / Number(match[2])]
  })
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // No such file is how a machine without cgroup v2 says that there is no limit.
    return ''
  }
}
