import { type FlagValues, readFlags, type Verb } from './flags.ts'
import { helpOf } from './help.ts'

/**
 * The command line: `weir VERB …`. Exit codes: 0, 1 (problems), 2 (wrong usage). A verb prints its results on stdout
 * and what it has to say about them on stderr. It is loaded when it is asked for: `check` has no use for a data plane.
 */
const VERBS: { readonly [verb in Verb]: (flags: FlagValues) => Promise<number> } = {
  run: async (flags) => (await import('./run.ts')).runGateway(flags),
  check: async (flags) => (await import('./check.ts')).runCheck(flags),
  compile: async (flags) => (await import('./compile.ts')).runCompile(flags),
  controller: async (flags) => (await import('./controller.ts')).runController(flags),
  dataplane: async (flags) => (await import('./dataplane.ts')).runDataPlane(flags),
  demo: async (flags) => (await import('./demo.ts')).runDemoVerb(flags),
}

/** Verbs of the plan whose parts are not built yet. */
const NOT_BUILT = ['preview', 'trace-test', 'import']

async function main(args: readonly string[]): Promise<number> {
  const [verb, ...rest] = args
  if (verb === undefined || verb === 'help' || verb === '--help' || verb === '-h') {
    process.stdout.write(helpOf(undefined))
    return verb === undefined ? 2 : 0
  }
  if (NOT_BUILT.includes(verb)) return wrongUsage(`'weir ${verb}' is not built yet`)
  if (!(verb in VERBS)) return wrongUsage(`'${verb}' is no verb of weir; there is ${Object.keys(VERBS).join(', ')}`)
  if (rest.includes('--help') || rest.includes('-h')) {
    process.stdout.write(helpOf(verb as Verb))
    return 0
  }
  const flags = readFlags(verb as Verb, rest, process.env)
  return typeof flags === 'string' ? wrongUsage(flags) : VERBS[verb as Verb](flags)
}

function wrongUsage(message: string): number {
  process.stderr.write(`weir: ${message}\n'weir help' tells more\n`)
  return 2
}

process.exitCode = await main(process.argv.slice(2))
