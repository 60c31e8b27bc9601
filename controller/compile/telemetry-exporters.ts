import type { z } from 'zod'
import type { exporterSchema } from '../../contract/config/exporter-schema.ts'
import type { tracingSchema } from '../../contract/config/tracing-schema.ts'
import { resolveEndpoint } from '../../contract/otlp-endpoint.ts'
import type { ConfigFinding, ConfigPath } from './telemetry-finding.ts'

export type TracingKeys = z.infer<typeof tracingSchema>
type ExporterKeys = z.infer<typeof exporterSchema>

/** One exporter as the file describes it. */
export interface DescribedExporter {
  readonly keys: Omit<ExporterKeys, 'fields'>
  readonly path: ConfigPath
  /** Where the `fields` are that hold for it: its own, else those of `tracing`. */
  readonly fieldsPath: ConfigPath
}

const TRACING: ConfigPath = ['config', 'tracing']

/**
 * The exporters of the file: first the one that the keys of `tracing` itself describe, named `default`, then those of
 * the list. With neither, `default` has an empty endpoint, for the data plane's environment to fill in.
 */
export function describedExporters(tracing: TracingKeys): DescribedExporter[] {
  const { otlpEndpoint, otlpProtocol, headers, path, exporters = [] } = tracing
  const own: DescribedExporter = {
    keys: { name: 'default', otlpEndpoint: otlpEndpoint ?? '', otlpProtocol, headers, path },
    path: TRACING,
    fieldsPath: [...TRACING, 'fields'],
  }
  const listed = exporters.map((keys, index): DescribedExporter => {
    const at = [...TRACING, 'exporters', index]
    return { keys, path: at, fieldsPath: [...(keys.fields === undefined ? TRACING : at), 'fields'] }
  })
  return otlpEndpoint === undefined && listed.length > 0 ? listed : [own, ...listed]
}

/** What is wrong with the exporters as a whole and with their endpoints. An error among it makes the file invalid. */
export function checkExporters(tracing: TracingKeys): ConfigFinding[] {
  const described = describedExporters(tracing)
  return [...checkNames(described), ...checkOwnKeys(tracing), ...described.flatMap(checkEndpoint)]
}

function checkNames(described: readonly DescribedExporter[]): ConfigFinding[] {
  return described.flatMap(({ keys, path }, index): ConfigFinding[] => {
    const first = described.findIndex((other) => other.keys.name === keys.name)
    if (first === index) return []
    const message =
      described[first]?.path === TRACING
        ? "'default' is the exporter that otlpEndpoint and its neighbours in tracing describe"
        : `a second exporter named '${keys.name}'`
    return [{ kind: 'Duplicate', severity: 'error', path: [...path, 'name'], message, advice: 'choose another name' }]
  })
}

/** Keys of `tracing` that describe an exporter, while there is none that they could describe. */
function checkOwnKeys(tracing: TracingKeys): ConfigFinding[] {
  if (tracing.otlpEndpoint !== undefined) return []
  if (tracing.exporters === undefined || tracing.exporters.length === 0) {
    const message =
      'no otlpEndpoint: spans are exported only where OTLP_ENDPOINT or an OTEL_EXPORTER_OTLP variable names one'
    return [{ kind: 'InvalidField', severity: 'warning', path: TRACING, message }]
  }
  return (['otlpProtocol', 'headers', 'path'] as const)
    .filter((name) => tracing[name] !== undefined)
    .map((name) => ({
      kind: 'NoEffect',
      severity: 'warning',
      path: [...TRACING, name],
      message: "has no effect: it describes the exporter 'default', which is there only with tracing.otlpEndpoint",
      advice: 'write it into the entries of exporters',
    }))
}

function checkEndpoint({ keys, path }: DescribedExporter): ConfigFinding[] {
  const { otlpEndpoint, otlpProtocol } = keys
  if (otlpEndpoint === '' && path === TRACING) return []
  const at = [...path, 'otlpEndpoint']
  const resolved = resolveEndpoint({ otlpEndpoint, otlpProtocol: otlpProtocol ?? 'grpc', path: keys.path })
  if ('error' in resolved) return [{ kind: 'InvalidField', severity: 'error', path: at, message: resolved.error }]
  if (otlpProtocol !== undefined) return []
  const warning = (message: string): ConfigFinding[] => [
    { kind: 'InvalidField', severity: 'warning', path: at, message, advice: 'otlpProtocol: http sends OTLP/HTTP' },
  ]
  if (resolved.port === 4318) {
    return warning('without otlpProtocol spans are sent by gRPC, and port 4318 is OTLP/HTTP as a rule')
  }
  const hasPath = /[^/]\/+[^/?]/.test(otlpEndpoint.replace(/^[a-z]+:\/\//i, ''))
  return hasPath ? warning('without otlpProtocol spans are sent by gRPC, which has no use for the path') : []
}
