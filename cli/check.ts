import type { FlagValues } from './flags.ts'
import { formatProblem, loadAndCompile } from './load.ts'

/** `weir check`: prints every problem; 1 when one is an error. */
export async function runCheck(flags: FlagValues): Promise<number> {
  const paths = flags.list('file')
  if (paths.length === 0) {
    process.stderr.write('weir: check needs -f PATH\n')
    return 2
  }
  const { problems } = await loadAndCompile(paths, flags.text('namespace') ?? 'default')
  for (const problem of problems) process.stdout.write(`${formatProblem(problem)}\n`)
  const count = (severity: string): number => problems.filter((one) => one.severity === severity).length
  process.stderr.write(`${count('error')} errors, ${count('warning')} warnings, ${count('info')} notes\n`)
  return count('error') > 0 ? 1 : 0
}
