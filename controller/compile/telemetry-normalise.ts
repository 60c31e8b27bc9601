import type { z } from 'zod'
import type { ConfigFile } from '../../contract/config-schema.ts'
import { writesOtherConvention } from '../../contract/conventions.ts'
import { type FieldConfig, type TelemetryConfig, telemetryConfig } from '../../contract/telemetry-config.ts'
import { type DescribedExporter, describedExporters, type TracingKeys } from './telemetry-exporters.ts'
import { compiles, samplingOf, usableFields } from './telemetry-expressions.ts'
import type { ConfigFinding, ConfigPath } from './telemetry-finding.ts'

export interface Normalised {
  readonly config: TelemetryConfig
  /** Errors among them are expressions and names that were left out. */
  readonly findings: readonly ConfigFinding[]
}

interface Source {
  /** What the file was made from, with maps as Map: the order of their keys counts. */
  readonly ordered: unknown
  readonly report: (finding: ConfigFinding) => void
}

type Input = z.input<typeof telemetryConfig>

const TRACING: ConfigPath = ['config', 'tracing']
const LOGGING: ConfigPath = ['config', 'logging']
const METRICS: ConfigPath = ['config', 'metrics']

/** What a valid file means: defaults filled in, ordered maps as lists, expressions that do not compile left out. */
export function normaliseConfig(file: ConfigFile, ordered: unknown): Normalised {
  const findings: ConfigFinding[] = []
  const source: Source = { ordered, report: (finding) => findings.push(finding) }
  const { tracing, logging, metrics } = file.config ?? {}
  const config = telemetryConfig.parse({
    tracing: tracing === undefined ? undefined : tracingOf(tracing, source),
    logging: loggingOf(logging ?? {}, source),
    metrics: { add: labelsOf(source), remove: metrics?.remove },
  } satisfies Input)
  return { config, findings }
}

function tracingOf(tracing: TracingKeys, source: Source): Input['tracing'] {
  const { randomSampling, clientSampling, profile = 'documented' } = tracing
  const described = describedExporters(tracing)
  // Exporters without fields of their own share those of `tracing`, whose problems are told once.
  const added = new Map<string, FieldConfig[]>()
  for (const { fieldsPath } of described) {
    if (!added.has(fieldsPath.join())) added.set(fieldsPath.join(), spanFieldsOf([...fieldsPath, 'add'], source))
  }
  const decision = (name: 'randomSampling' | 'clientSampling', value: typeof randomSampling) =>
    value === undefined ? undefined : samplingOf(value, [...TRACING, name], source.report)
  return {
    randomSampling: decision('randomSampling', randomSampling),
    clientSampling: decision('clientSampling', clientSampling),
    profile,
    resource: pairsAt(source, [...TRACING, 'resource']).map(([name, value]) => ({ name, value })),
    exporters: described.map((one) => ({
      ...transportOf(one, source),
      profile: one.keys.profile ?? profile,
      fields: { add: added.get(one.fieldsPath.join()), remove: namesAt(source, [...one.fieldsPath, 'remove']) },
    })),
  }
}

function transportOf({ keys, path }: DescribedExporter, source: Source) {
  const { name, otlpEndpoint, otlpProtocol, path: urlPath, attempts, limits, queue } = keys
  return {
    name,
    otlpEndpoint,
    otlpProtocol,
    otlpProtocolDefaulted: otlpProtocol === undefined ? (true as const) : undefined,
    path: urlPath,
    headers: pairsAt(source, [...path, 'headers']).map(([header, value]) => ({ name: header, value })),
    attempts,
    limits,
    queue,
  }
}

function spanFieldsOf(path: ConfigPath, source: Source): FieldConfig[] {
  const fields = usableFields(pairsAt(source, path), path, source.report)
  const other = fields.find(({ name }) => writesOtherConvention(name))?.name
  if (other !== undefined) {
    source.report({
      kind: 'NoEffect',
      severity: 'info',
      path: [...path, other],
      message: `'${other}' describes the model call in the shape of another convention: weir's own gen_ai.* attributes are left out, so that nothing counts twice`,
    })
  }
  return fields
}

type LoggingKeys = NonNullable<NonNullable<ConfigFile['config']>['logging']>

function loggingOf({ filter, fields, level, format }: LoggingKeys, source: Source): Input['logging'] {
  return {
    filter: filter === undefined ? undefined : usableFilter(filter, source),
    fields: {
      add: usableFields(pairsAt(source, [...LOGGING, 'fields', 'add']), [...LOGGING, 'fields', 'add'], source.report),
      remove: fields?.remove,
    },
    level: Array.isArray(level) ? level.join(',') : level,
    format,
  }
}

/** A filter that fails writes no line, and so does one that does not compile. */
function usableFilter(filter: string, source: Source): string {
  const usable = compiles(filter, 'end', [...LOGGING, 'filter'], 'no access log line is written', source.report)
  return usable ? filter : 'false'
}

function labelsOf(source: Source): FieldConfig[] {
  const path = [...METRICS, 'fields', 'add']
  const entries = pairsAt(source, path).filter(([name]) => {
    // https://prometheus.io/docs/concepts/data_model/: names that begin with two underscores are Prometheus' own.
    const allowed = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)
    if (!allowed) {
      const message = `'${name}' cannot be the name of a label and is left out: letters, digits and _ only`
      source.report({ kind: 'InvalidField', severity: 'error', path: [...path, name], ofKey: true, message })
    }
    return allowed
  })
  return usableFields(entries, path, source.report)
}

/** What is at the path of a file that the schema accepted. */
function valueAt({ ordered }: Source, path: ConfigPath): unknown {
  return path.reduce<unknown>((at, step) => {
    if (!(at instanceof Map)) return Array.isArray(at) ? at[step as number] : undefined
    return at.get(step)
  }, ordered)
}

/** The entries of a map from names to texts, in the order of the file. */
function pairsAt(source: Source, path: ConfigPath): [string, string][] {
  const map = valueAt(source, path)
  return map instanceof Map ? [...map].map(([name, value]) => [String(name), value as string]) : []
}

function namesAt(source: Source, path: ConfigPath): string[] | undefined {
  return (valueAt(source, path) ?? undefined) as string[] | undefined
}
