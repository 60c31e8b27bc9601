import { spawn } from 'node:child_process'

export interface CommandOptions {
  /** What it reads on its stdin. */
  readonly stdin?: string
  readonly env?: Readonly<Record<string, string>>
  /** After this it is ended, which is an error. */
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 120_000

/** What a program printed that ended well. */
export interface CommandOutput {
  readonly stdout: string
  readonly stderr: string
}

/** A program that ended with a code other than 0, or not in time. */
export class CommandError extends Error {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string

  constructor(command: string, code: number | null, { stdout, stderr }: CommandOutput) {
    super(`${command} ${code === null ? 'was ended' : `failed with ${code}`}: ${stderr.trim() || stdout.trim()}`)
    this.name = 'CommandError'
    this.code = code
    this.stdout = stdout
    this.stderr = stderr
  }
}

/** Runs a program to its end. @throws CommandError */
export function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandOutput> {
  const { stdin = '', env, timeoutMs = TIMEOUT_MS } = options
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    })
    const said = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        said[name] += text
      })
    }
    child.on('error', reject)
    // A program that reads no input closes the pipe before everything is written.
    child.stdin.on('error', () => undefined)
    child.stdin.end(stdin)
    child.on('close', (code) => {
      if (code === 0) resolve(said)
      else reject(new CommandError([program.split('/').at(-1), ...args].join(' '), code, said))
    })
  })
}
