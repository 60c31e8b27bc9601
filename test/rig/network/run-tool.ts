import { spawn } from 'node:child_process'

const OUTPUT_LIMIT = 64 * 1024

/** Where util-linux and iproute2 are, whatever PATH the suite was started with. */
export const TOOL_PATH = '/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Runs one of the system's tools to its end.
 * @returns what it printed on stdout (at most 64 KiB)
 * @throws Error with the command's name and what it printed on stderr, when it fails
 */
export function runTool(command: string, args: readonly string[], stdin?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { PATH: TOOL_PATH },
      stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    })
    let out = ''
    let errors = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (out.length < OUTPUT_LIMIT) out += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (errors.length < OUTPUT_LIMIT) errors += text
    })
    child.once('error', (error) => reject(new Error(`${command}: ${error.message}`)))
    child.once('close', (code, signal) => {
      if (code === 0) resolve(out)
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code ?? signal}: ${errors.trim()}`))
    })
    // A tool that ends before it has read everything says so by its exit code.
    child.stdin?.on('error', () => {})
    child.stdin?.end(stdin)
  })
}

/** Runs a shell script that stops at its first failing command; the script goes in by stdin, so its length has no limit. */
export function runScript(lines: readonly string[]): Promise<string> {
  return runTool('sh', ['-eu'], `${lines.join('\n')}\n`)
}

/** A text as one word of a shell script. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
