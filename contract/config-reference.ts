import { z } from 'zod'
import { stateOf, valueSchema } from './config/key.ts'
import { configSchema } from './config-schema.ts'

/** The editors' schema of config.yaml (JSON Schema 2020-12), with descriptions and defaults. */
export function configJsonSchema(): object {
  return z.toJSONSchema(configSchema, {
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      if (jsonSchema['state'] === undefined) return
      delete jsonSchema['state']
      const state = stateOf(zodSchema as unknown as z.ZodType)
      if (state !== 'built') jsonSchema.description = `${STATE_NOTES[state]} ${jsonSchema.description ?? ''}`
    },
  })
}

/** docs/config.md: every key with its type, default, state and meaning, made from the schema. */
export function configReference(): string {
  const rows = rowsOf(configSchema, '')
  const section = (title: string, path: string, except: readonly string[] = []): string[] => {
    const own = rows.filter(
      (row) => row.path.startsWith(`${path}.`) && !except.some((other) => row.path.startsWith(`${other}.`)),
    )
    return [`## ${title}`, '', ...tableOf(own, path), '']
  }
  return [
    ...INTRODUCTION,
    ...section('Tracing: `config.tracing`', 'config.tracing', [`config.tracing.exporters[]`]),
    ...section('Exporters: `config.tracing.exporters[]`', 'config.tracing.exporters[]'),
    ...section('Logging: `config.logging`', 'config.logging'),
    ...section('Metrics: `config.metrics`', 'config.metrics'),
    ...foreignSection(rows),
  ].join('\n')
}

const STATE_NOTES = {
  notBuilt: '(Not built yet: no effect.)',
  noEffect: '(No effect here.)',
} as const

const INTRODUCTION = [
  '# config.yaml',
  '',
  '<!-- Made by `make generate` from contract/config-schema.ts. -->',
  '',
  'The key `config.yaml` of the tracing ConfigMap, the one that `spec.kube.agentgateway.customConfigMapName` of a',
  "Gateway's GatewayParameters names, in the Gateway's namespace. Every change applies to running gateways, without a",
  'restart. `weir check` reads it as the gateway does.',
  '',
  '* An unknown key, a value of the wrong type or broken YAML makes the file invalid: what ran before goes on.',
  '* An expression that does not compile is left out alone, and the rest applies. A sampling expression that does not',
  '  compile samples nothing; a log filter that does not compile writes nothing.',
  '* A key without a value counts as absent.',
  '* *planned* keys are valid and have no effect yet; `weir check` warns of each.',
  '',
  'Expressions are CEL; [cel.md](cel.md) lists what they can name. `config.schema.json` beside this page is a schema for',
  'editors.',
  '',
]

interface Row {
  /** `config.tracing.exporters[].queue.maxEntries` */
  readonly path: string
  readonly schema: z.ZodType
  readonly planned: boolean
  /** The key whose keys below are the same and are listed there. */
  readonly sameAs: string | undefined
}

/** Every key, those of a map right after the map. Maps of the same shape are listed once. */
function rowsOf(schema: z.ZodObject, path: string, planned = false, seen = new Map<z.ZodType, string>()): Row[] {
  return Object.entries(schema.shape).flatMap(([name, child]) => {
    const key = child as z.ZodType
    const at = path === '' ? name : `${path}.${name}`
    const value = valueSchema(key)
    const isList = value instanceof z.ZodArray
    const below = isList ? valueSchema(value.element as z.ZodType) : value
    const sameAs = seen.get(below)
    const row: Row = { path: at, schema: key, planned: planned || stateOf(key) === 'notBuilt', sameAs }
    if (!(below instanceof z.ZodObject) || sameAs !== undefined) return [row]
    seen.set(below, at)
    return [row, ...rowsOf(below, isList ? `${at}[]` : at, row.planned, seen)]
  })
}

function tableOf(rows: readonly Row[], path: string): string[] {
  const lines = rows
    .filter((row) => stateOf(row.schema) !== 'noEffect')
    .map(({ path: at, schema, planned, sameAs }) => {
      const meta = schema.meta() ?? {}
      const fallback = schema instanceof z.ZodOptional ? quoted(meta['default']) : 'required'
      const same = sameAs === undefined ? '' : ` Keys as in \`${sameAs}\`.`
      const doc = `${planned ? '*planned* ' : ''}${meta.description ?? ''}${same}`
      return `| ${[`\`${at.slice(path.length + 1)}\``, typeOf(schema), fallback, doc].map(cell).join(' | ')} |`
    })
  return ['| key | value | default | meaning |', '|---|---|---|---|', ...lines]
}

function quoted(value: unknown): string {
  return value === undefined ? '' : `\`${JSON.stringify(value)}\``
}

function foreignSection(rows: readonly Row[]): string[] {
  const foreign = rows.filter((row) => stateOf(row.schema) === 'noEffect')
  return [
    '## Keys without effect',
    '',
    'They come with files written for agentgateway. They are accepted, their values are not looked at, and `weir check`',
    'says so.',
    '',
    '| key | there |',
    '|---|---|',
    ...foreign.map((row) => `| \`${row.path}\` | ${cell(row.schema.meta()?.description ?? '')} |`),
    '',
  ]
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

/** The type of a value, for people. */
function typeOf(schema: z.ZodType): string {
  const inner = valueSchema(schema)
  const title = inner.meta()?.title
  if (title !== undefined) return title
  if (inner instanceof z.ZodEnum) return inner.options.map((option) => `\`${option}\``).join(' ')
  if (inner instanceof z.ZodLiteral) return [...inner.values].map((value) => `\`${value}\``).join(' ')
  if (inner instanceof z.ZodUnion)
    return [...new Set(inner.options.map((option) => typeOf(option as z.ZodType)))].join(' or ')
  if (inner instanceof z.ZodArray) return `list of ${typeOf(inner.element as z.ZodType)}`
  if (inner instanceof z.ZodRecord) return `map from name to ${typeOf(inner.valueType as z.ZodType)}`
  if (inner instanceof z.ZodNumber) return inner.isInt ? 'whole number' : 'number'
  return { boolean: 'true or false', object: 'map', string: 'text' }[inner.def.type as string] ?? 'anything'
}
