import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface RigProcessOptions {
  /** Its log is `NAME.log` in the folder. */
  readonly name: string
  readonly folder: string
  readonly command: readonly [program: string, ...args: string[]]
  readonly env?: Readonly<Record<string, string>>
}

/** A program that the rig runs beside a suite, its output in a file. */
export interface RigProcess {
  readonly name: string
  readonly pid: number
  readonly running: boolean
  /** The last lines of what it said. */
  logTail(): string
  /** Asks it to end, insists after ten seconds, and waits. Nothing happens when it ended before. */
  stop(): Promise<void>
  /** Ends it at once, as a crash would, and waits. */
  kill(): Promise<void>
}

const GRACE_MS = 10_000
const TAIL_CHARACTERS = 3000

/**
 * Starts a program that cannot outlive this process: the kernel kills it when the thread that started it ends, however
 * that came (PR_SET_PDEATHSIG, set by setpriv, which then becomes the program under the same process id).
 */
export function startRigProcess({ name, folder, command, env }: RigProcessOptions): RigProcess {
  const logFile = join(folder, `${name}.log`)
  const log = openSync(logFile, 'a', 0o600)
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...command], {
    env: { ...process.env, ...env },
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  let failure: Error | undefined
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', (error) => {
      failure = error
      resolve()
    })
  })
  const isRunning = (): boolean => failure === undefined && child.exitCode === null && child.signalCode === null
  return {
    name,
    pid: child.pid ?? 0,
    get running() {
      return isRunning()
    },
    logTail: () => failure?.message ?? readFileSync(logFile, 'utf8').slice(-TAIL_CHARACTERS),
    stop: async () => {
      if (!isRunning()) return
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS)
      await ended
      clearTimeout(timer)
    },
    kill: async () => {
      if (!isRunning()) return
      child.kill('SIGKILL')
      await ended
    },
  }
}
