import { printCompilation } from '../controller/compile/print.ts'
import type { FlagValues } from './flags.ts'
import { formatProblem, loadAndCompile } from './load.ts'

/** `weir compile`: prints what the data planes would get, statuses and workloads; problems go to stderr. */
export async function runCompile(flags: FlagValues): Promise<number> {
  const paths = flags.list('file')
  if (paths.length === 0) {
    process.stderr.write('weir: compile needs -f PATH\n')
    return 2
  }
  const { compilation, problems } = await loadAndCompile(paths, flags.text('namespace') ?? 'default')
  process.stdout.write(printCompilation(compilation))
  for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`)
  return problems.some((one) => one.severity === 'error') ? 1 : 0
}
