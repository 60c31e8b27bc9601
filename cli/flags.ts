import { parseArgs } from 'node:util'

/** One option of the command line. The table below is the only place that names them; docs/cli.md is made from it. */
export interface Flag {
  readonly name: string
  readonly short?: string
  /** What stands for the value in the help; absent for a switch. */
  readonly value?: string
  readonly repeatable?: true
  /** Environment variables that say the same, the first one set wins; the command line beats them. */
  readonly env?: readonly string[]
  readonly default?: string
  readonly verbs: readonly Verb[]
  readonly doc: string
}

export type Verb = 'run' | 'check' | 'compile' | 'demo'

const SERVING: readonly Verb[] = ['run', 'demo']
const READING: readonly Verb[] = ['run', 'check', 'compile']

export const FLAGS: readonly Flag[] = [
  {
    name: 'file',
    short: 'f',
    value: 'PATH',
    repeatable: true,
    verbs: READING,
    doc: 'File or folder of manifests, the ones that one would `kubectl apply` (Secrets included). Repeatable; several paths may follow one `-f`.',
  },
  {
    name: 'namespace',
    short: 'n',
    value: 'NAMESPACE',
    default: 'default',
    verbs: READING,
    doc: 'Namespace of manifests that name none.',
  },
  {
    name: 'port-map',
    value: 'PORT:LOCAL',
    repeatable: true,
    verbs: SERVING,
    doc: 'Listen on LOCAL where a manifest says PORT: `80:18080`. LOCAL 0 takes any free port.',
  },
  {
    name: 'connect-to',
    value: 'HOST:PORT:HOST2:PORT2',
    repeatable: true,
    verbs: SERVING,
    doc: "Send what is meant for the first address to the second, keeping the Host header and the TLS name (curl's option). Empty parts match anything, or keep what was there. Holds for upstreams and exporters.",
  },
  {
    name: 'bind',
    value: 'HOST',
    env: ['BIND_HOST'],
    default: '::',
    verbs: SERVING,
    doc: 'Address on which the listeners listen.',
  },
  {
    name: 'admin',
    value: 'ADDR',
    env: ['ADMIN_ADDR'],
    default: 'localhost:15000',
    verbs: SERVING,
    doc: 'Admin address: `/config_dump`, `/traces`, `POST /logging`, `/memory`, `POST /quitquitquit`. `host:port`, `unix:/path` or `off`.',
  },
  {
    name: 'stats',
    value: 'ADDR',
    env: ['STATS_ADDR'],
    default: '[::]:15020',
    verbs: SERVING,
    doc: 'Address of `/metrics`.',
  },
  {
    name: 'readiness',
    value: 'ADDR',
    env: ['READINESS_ADDR'],
    default: '[::]:15021',
    verbs: SERVING,
    doc: 'Address of `/healthz/ready`.',
  },
  {
    name: 'collect-bytes',
    value: 'BYTES',
    verbs: SERVING,
    doc: 'How many bytes of request bodies may be held at once, all together. Default: a quarter of the memory limit.',
  },
  {
    name: 'drain',
    value: 'SECONDS',
    env: ['TERMINATION_GRACE_PERIOD_SECONDS'],
    default: '30',
    verbs: SERVING,
    doc: 'How long requests in flight may go on after SIGTERM.',
  },
  {
    name: 'log-format',
    value: 'text|json',
    env: ['LOG_FORMAT'],
    default: 'text',
    verbs: SERVING,
    doc: "Form of weir's own log (stderr) and, unless `config.logging.format` says otherwise, of the access log (stdout).",
  },
  {
    name: 'log-level',
    value: 'LEVEL',
    env: ['WEIR_LOG', 'RUST_LOG'],
    default: 'info',
    verbs: SERVING,
    doc: 'trace, debug, info, warn, error or off; also `info,request=off`, which silences the access log.',
  },
  { name: 'once', verbs: ['demo'], doc: 'Send a set of sample requests, print answers and traces, exit.' },
  { name: 'attributes', verbs: ['demo'], doc: 'Print the attributes of every span too.' },
]

/** What was given for each flag, by name; environment and defaults filled in. */
export interface FlagValues {
  text(name: string): string | undefined
  list(name: string): readonly string[]
  on(name: string): boolean
}

/**
 * Reads the arguments of a verb.
 * @returns a message when they are wrong (exit code 2)
 */
export function readFlags(verb: Verb, args: readonly string[], env: NodeJS.ProcessEnv): FlagValues | string {
  const flags = FLAGS.filter((flag) => flag.verbs.includes(verb))
  const options = Object.fromEntries(
    flags.map((flag) => [
      flag.name,
      {
        type: flag.value === undefined ? ('boolean' as const) : ('string' as const),
        multiple: flag.repeatable === true,
        ...(flag.short === undefined ? {} : { short: flag.short }),
      },
    ]),
  )
  let parsed: ReturnType<typeof parseArgs>
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    return (error as Error).message
  }
  // `-f a b c`: what follows -f without an option belongs to it.
  const files = [...((parsed.values['file'] as string[] | undefined) ?? []), ...parsed.positionals]
  if (parsed.positionals.length > 0 && parsed.values['file'] === undefined) {
    return `unexpected argument '${parsed.positionals[0]}'`
  }
  return {
    text: (name) => {
      const given = parsed.values[name]
      if (typeof given === 'string') return given
      const flag = FLAGS.find((one) => one.name === name)
      const fromEnv = (flag?.env ?? [])
        .map((variable) => env[variable])
        .find((value) => value !== undefined && value !== '')
      return fromEnv ?? flag?.default
    },
    list: (name) => (name === 'file' ? files : ((parsed.values[name] as string[] | undefined) ?? [])),
    on: (name) => parsed.values[name] === true,
  }
}
