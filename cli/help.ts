import { FLAGS, type Flag, type Verb } from './flags.ts'

/** What each verb does, in a line. */
export const VERB_DOCS: { readonly [verb in Verb]: string } = {
  run: 'stand-alone gateway: the manifests that one would `kubectl apply`, no cluster; changes apply live',
  check: 'compiles and prints every problem as `file:line:col: severity: message`; exit 1 if one is an error',
  compile: 'prints snapshots, statuses and workloads as YAML',
  controller: 'follows a cluster, deploys what its Gateways need, and tells their pods what to run',
  dataplane: 'serves the traffic of one Gateway in a pod, as the controller says; a worker process for each CPU',
  demo: '`run` on the bundled example with a mock model and a trace view',
}

/** The flag as it is written on the command line. */
export function usageOf(flag: Flag): string {
  const short = flag.short === undefined ? '' : `-${flag.short}, `
  return `${short}--${flag.name}${flag.value === undefined ? '' : ` ${flag.value}`}`
}

/** The help text of one verb, or of all. */
export function helpOf(verb: Verb | undefined): string {
  const verbs = Object.entries(VERB_DOCS).filter(([name]) => verb === undefined || name === verb)
  const flags = FLAGS.filter((flag) => verb === undefined || flag.verbs.includes(verb))
  const width = Math.max(...flags.map((flag) => usageOf(flag).length)) + 2
  return [
    'usage: weir VERB [options]',
    '',
    ...verbs.map(([name, doc]) => `  ${name.padEnd(12)}${doc}`),
    '',
    ...flags.map((flag) => `  ${usageOf(flag).padEnd(width)}${summaryOf(flag)}`),
    '',
  ].join('\n')
}

function summaryOf(flag: Flag): string {
  const env = flag.env === undefined ? '' : ` [${flag.env.join(', ')}]`
  const fallback = flag.default === undefined ? '' : ` (default ${flag.default})`
  return `${flag.doc.split('. ')[0]?.replace(/\.$/, '')}${fallback}${env}`
}

/** docs/cli.md. */
export function cliReference(): string {
  const rows = FLAGS.map((flag) => {
    const cells = [
      `\`${usageOf(flag).replaceAll('|', '\\|')}\``,
      flag.verbs.map((name) => `\`${name}\``).join(' '),
      flag.env?.map((name) => `\`${name}\``).join(', ') ?? '',
      flag.default === undefined ? '' : `\`${flag.default}\``,
      flag.doc.replaceAll('|', '\\|'),
    ]
    return `| ${cells.join(' | ')} |`
  })
  return [
    '# The command line',
    '',
    '<!-- Made by `make generate` from cli/flags.ts. -->',
    '',
    'From a clone it is `bin/weir VERB`. Exit codes: 0; 1, there are problems; 2, wrong usage.',
    '',
    '| verb | does |',
    '|---|---|',
    ...Object.entries(VERB_DOCS).map(([name, doc]) => `| \`weir ${name}\` | ${doc} |`),
    '',
    '| option | verbs | environment | default | meaning |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    'The command line beats the environment. The variables for the exporter (`OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_…`) are in',
    '[telemetry.md](telemetry.md).',
    '',
  ].join('\n')
}
