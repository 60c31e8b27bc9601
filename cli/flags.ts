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
  /** Verbs for which the default is another one. */
  readonly defaults?: { readonly [verb in Verb]?: string }
  readonly verbs: readonly Verb[]
  readonly doc: string
}

export type Verb = 'run' | 'check' | 'compile' | 'demo' | 'controller' | 'dataplane'

const SERVING: readonly Verb[] = ['run', 'demo', 'dataplane']
const POD: readonly Verb[] = ['dataplane']
const CONTROLLER: readonly Verb[] = ['controller']
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
    defaults: { controller: '[::]:9092' },
    verbs: [...SERVING, ...CONTROLLER],
    doc: 'Address of `/metrics`. Of `controller`: `[::]:9092`.',
  },
  {
    name: 'readiness',
    value: 'ADDR',
    env: ['READINESS_ADDR'],
    default: '[::]:15021',
    defaults: { controller: '[::]:9093' },
    verbs: [...SERVING, ...CONTROLLER],
    doc: 'Address of `/healthz/ready` and `/healthz/live`. Of `controller`: `[::]:9093`.',
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
    verbs: [...SERVING, ...CONTROLLER],
    doc: "Form of weir's own log (stderr) and, unless `config.logging.format` says otherwise, of the access log (stdout).",
  },
  {
    name: 'log-level',
    value: 'LEVEL',
    env: ['WEIR_LOG', 'RUST_LOG'],
    default: 'info',
    verbs: [...SERVING, ...CONTROLLER],
    doc: 'trace, debug, info, warn, error or off; also `info,request=off`, which silences the access log.',
  },
  {
    name: 'gateway',
    value: 'NAMESPACE/NAME',
    env: ['GATEWAY'],
    verbs: POD,
    doc: 'The Gateway whose traffic this pod serves.',
  },
  {
    name: 'pod-name',
    value: 'NAME',
    env: ['POD_NAME'],
    verbs: [...POD, ...CONTROLLER],
    doc: 'Name of this pod. Default: the host name.',
  },
  {
    name: 'controller',
    value: 'HOST:PORT',
    env: ['CONTROLLER_ADDRESS'],
    verbs: POD,
    doc: 'Address of the controller, which says what to run.',
  },
  {
    name: 'controller-server-name',
    value: 'NAME',
    env: ['CONTROLLER_SERVER_NAME'],
    verbs: POD,
    doc: "TLS name of the controller. Default: the address's host.",
  },
  {
    name: 'controller-ca',
    value: 'PATH',
    env: ['CONTROLLER_CA'],
    default: '/var/run/weir/controller/ca.crt',
    verbs: POD,
    doc: 'PEM file with the certificates that the controller is trusted by; read again at each connect.',
  },
  {
    name: 'controller-token',
    value: 'PATH',
    env: ['CONTROLLER_TOKEN'],
    default: '/var/run/weir/controller/token',
    verbs: POD,
    doc: "File with this pod's ServiceAccount token of audience `weir`; read again at each connect.",
  },
  {
    name: 'cache',
    value: 'PATH',
    env: ['SNAPSHOT_CACHE'],
    verbs: POD,
    doc: 'File in which the newest configuration is kept, credentials included, so that a restarted container serves while no controller answers. Without it nothing is kept.',
  },
  {
    name: 'workers',
    value: 'COUNT',
    env: ['WORKERS'],
    verbs: POD,
    doc: 'Processes that serve. Default: the CPU limit (cgroup v2, `CPU_LIMIT`), at least one; without a limit one for each CPU.',
  },
  {
    name: 'drain-wait',
    value: 'SECONDS',
    env: ['DRAIN_WAIT_SECONDS'],
    default: '5',
    verbs: POD,
    doc: 'How long connections are still taken after SIGTERM, with readiness at 503, so that all who send traffic here notice. A part of `--drain`.',
  },
  {
    name: 'pod-namespace',
    value: 'NAMESPACE',
    env: ['POD_NAMESPACE'],
    verbs: CONTROLLER,
    doc: "Namespace of the controller's own Lease, Service and CA Secret.",
  },
  {
    name: 'pod-ip',
    value: 'ADDRESS',
    env: ['POD_IP'],
    verbs: CONTROLLER,
    doc: 'Address of this replica, to which the others send the pods of gateways while it leads.',
  },
  {
    name: 'watch-namespaces',
    value: 'NAMESPACES',
    env: ['WATCH_NAMESPACES'],
    verbs: CONTROLLER,
    doc: 'Comma-separated namespaces whose objects are read. Default: all.',
  },
  {
    name: 'lease',
    value: 'NAME',
    env: ['LEASE_NAME'],
    default: 'weir',
    verbs: CONTROLLER,
    doc: 'Lease by which the replicas elect their leader.',
  },
  {
    name: 'ca-secret',
    value: 'NAME',
    env: ['CA_SECRET'],
    default: 'weir-ca',
    verbs: CONTROLLER,
    doc: 'Secret in which the controller keeps the certificates of its push port. It makes them itself.',
  },
  {
    name: 'push-service',
    value: 'NAME',
    env: ['PUSH_SERVICE'],
    default: 'weir',
    verbs: CONTROLLER,
    doc: 'Service by which the pods of gateways dial the controller.',
  },
  {
    name: 'push-port',
    value: 'PORT',
    env: ['PUSH_PORT'],
    default: '9978',
    verbs: CONTROLLER,
    doc: 'Port on which the controller pushes, on the pod and on the Service.',
  },
  {
    name: 'cluster-domain',
    value: 'DOMAIN',
    env: ['CLUSTER_DOMAIN'],
    default: 'cluster.local',
    verbs: CONTROLLER,
    doc: "The cluster's DNS domain.",
  },
  {
    name: 'dataplane-image',
    value: 'REFERENCE',
    env: ['DATAPLANE_IMAGE'],
    verbs: CONTROLLER,
    doc: "weir's image, for the pods of gateways.",
  },
  {
    name: 'dataplane-image-pull-policy',
    value: 'POLICY',
    env: ['DATAPLANE_IMAGE_PULL_POLICY'],
    verbs: CONTROLLER,
    doc: "Pull policy of that image. Default: Kubernetes' own.",
  },
  {
    name: 'dataplane-image-pull-secrets',
    value: 'NAMES',
    env: ['DATAPLANE_IMAGE_PULL_SECRETS'],
    verbs: CONTROLLER,
    doc: 'Comma-separated Secrets, in the namespaces of gateways, by which that image is pulled.',
  },
  { name: 'once', verbs: ['demo'], doc: 'Send a set of sample requests, print answers and traces, exit.' },
  { name: 'attributes', verbs: ['demo'], doc: 'Print the attributes of every span too.' },
  {
    name: 'parts',
    verbs: ['demo'],
    doc: "Only what stands around the gateway: mock model (8000), OTLP/gRPC (4317), trace view (8080). The chart's quick start runs it.",
  },
  {
    name: 'gateway-url',
    value: 'URL',
    env: ['GATEWAY_URL'],
    default: 'http://localhost:8080',
    verbs: ['demo'],
    doc: 'With `--parts`: the gateway through which the trace view sends requests.',
  },
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
      return fromEnv ?? flag?.defaults?.[verb] ?? flag?.default
    },
    list: (name) => (name === 'file' ? files : ((parsed.values[name] as string[] | undefined) ?? [])),
    on: (name) => parsed.values[name] === true,
  }
}
