import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import type { Sandbox } from '../network/pod-network.ts'
import { type ContainerIdentity, setprivArguments } from './container-identity.ts'
import type { ContainerLog } from './container-log.ts'
import { KilledNotice } from './killed-notice.ts'

/** By absolute path: the environment is the container's own, its PATH too. */
const NSENTER = '/usr/bin/nsenter'
const UNSHARE = '/usr/bin/unshare'
const SETPRIV = '/usr/bin/setpriv'
const KILLED_CODE = 128 + constants.signals.SIGKILL

/** What a container's process is started with. */
export interface ProcessOptions {
  readonly sandbox: Sandbox
  /** Where the container's root is mounted. */
  readonly root: string
  readonly identity: ContainerIdentity
  readonly workingDir: string
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly log: ContainerLog
}

/** A running container: its own process namespace in which the program is process 1, as in any container runtime. */
export class ContainerProcess {
  readonly #options: ProcessOptions
  readonly #child: ChildProcess
  /** Resolves when it has ended, with its exit code, 128 + N when signal N ended it. */
  readonly ended: Promise<number>
  #code: number | undefined

  constructor(options: ProcessOptions) {
    const { sandbox, root, identity, workingDir, argv, env, log } = options
    this.#options = options
    this.#child = spawn(
      NSENTER,
      [
        ...[`--net=${sandbox.network}`, `--uts=${sandbox.hostname}`, `--ipc=${sandbox.ipc}`, '--'],
        ...[UNSHARE, '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'],
        ...[`--root=${root}`, `--wd=${workingDir}`, '--', SETPRIV],
        ...setprivArguments(identity),
        ...['--', ...argv],
      ],
      { env, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    const notice = new KilledNotice()
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => log.append('stdout', text))
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      const own = notice.pass(text)
      if (own !== '') log.append('stderr', own)
    })
    this.ended = new Promise((resolve) => {
      const settle = (code: number): void => {
        this.#code = code
        log.end()
        resolve(code)
      }
      this.#child.once('error', (error) => {
        log.append('stderr', `${error.message}\n`)
        settle(KILLED_CODE)
      })
      this.#child.once('close', (code, signal) => {
        const { killed, rest } = notice.end()
        if (rest !== '') log.append('stderr', rest)
        settle(killed ? KILLED_CODE : (code ?? 128 + constants.signals[signal as NodeJS.Signals]))
      })
    })
  }

  get running(): boolean {
    return this.#code === undefined
  }

  /** The program's process id, as the node sees it; undefined before it runs and after its end. */
  get pid(): number | undefined {
    const { pid } = this.#child
    if (pid === undefined || !this.running) return undefined
    try {
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
      return children[0] ? Number(children[0]) : undefined
    } catch {
      return undefined
    }
  }

  /** Asks the program to end. */
  terminate(): void {
    const { pid } = this
    if (pid === undefined) {
      this.kill()
      return
    }
    send(pid, 'SIGTERM')
  }

  /**
   * Ends it with all its processes at once: the program is process 1 of their namespace. --kill-child alone would not do,
   * because the kernel forgets that wish when a process changes its user.
   */
  kill(): void {
    const { pid } = this
    if (pid === undefined) this.#child.kill('SIGKILL')
    else send(pid, 'SIGKILL')
  }

  /** The command, less the wanted program itself, that runs a program inside this container as its own user. */
  entryCommand(): string[] {
    const { pid } = this
    if (pid === undefined) throw new Error('the container is not running')
    return [
      ...[NSENTER, `--target=${pid}`, '--mount', '--net', '--uts', '--ipc', '--pid', '--root', '--wd', '--'],
      ...[SETPRIV, ...setprivArguments(this.#options.identity), '--'],
    ]
  }

  get env(): Readonly<Record<string, string>> {
    return this.#options.env
  }
}

/** Sends a signal to a process that may end by itself in this moment. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
