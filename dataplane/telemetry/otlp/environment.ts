import type { ExporterConfig, TracingConfig } from '../../../contract/telemetry-config.ts'

/** Environment variables; an empty one counts as absent, as OpenTelemetry has it. */
export type Environment = { readonly [name: string]: string | undefined }

export interface ConfiguredByEnvironment {
  readonly tracing: TracingConfig
  /** What is wrong with variables; they are left out then. Never their values. */
  readonly problems: readonly string[]
}

/** The exporter that the documented top-level keys describe; the variables speak of it alone. */
const DEFAULT_EXPORTER = 'default'

const ENDPOINT = ['OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT']
const PROTOCOL = ['OTLP_PROTOCOL', 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL']
const HEADERS = ['OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'OTEL_EXPORTER_OTLP_HEADERS']

const RESOURCE = 'OTEL_RESOURCE_ATTRIBUTES'

const PROTOCOLS: { readonly [value: string]: ExporterConfig['otlpProtocol'] } = {
  grpc: 'grpc',
  http: 'http',
  'http/protobuf': 'http',
  'http/json': 'http/json',
}

/** What the variables say of one exporter. */
type Overlay = Partial<Pick<ExporterConfig, 'otlpEndpoint' | 'path' | 'otlpProtocol'>> & {
  readonly headers: ExporterConfig['headers']
}

/**
 * Puts what the environment says onto the exporter named `default`. Of each purpose the first variable that is set
 * counts: weir's documented one, OpenTelemetry's for traces, OpenTelemetry's for all signals. In profile `documented`
 * it beats the file; in `semconv` it lies beneath it. Headers are merged by name either way, and are literal. A
 * `default` without an endpoint is left out: its endpoint was to come from here.
 */
export function withEnvironment(tracing: TracingConfig, environment: Environment): ConfiguredByEnvironment {
  const problems: string[] = []
  const overlay = readOverlay(environment, problems)
  const lay = tracing.profile === 'documented' ? above : beneath
  const exporters = tracing.exporters
    .map((exporter) => (exporter.name === DEFAULT_EXPORTER ? lay(exporter, overlay) : exporter))
    .filter((exporter) => exporter.name !== DEFAULT_EXPORTER || exporter.otlpEndpoint !== '')
  if (exporters.length < tracing.exporters.length)
    problems.push(`tracing has no otlpEndpoint, and none of ${ENDPOINT.join(', ')} is set: no spans are exported`)
  if (resourceVariable(environment) === undefined)
    problems.push(`${RESOURCE} is not name=value,name2=value2; it is not used`)
  return { tracing: { ...tracing, exporters }, problems }
}

/** What OTEL_RESOURCE_ATTRIBUTES says. @returns nothing when it cannot be read */
export function resourceVariable(environment: Environment): [string, string][] | undefined {
  return keyValuePairs(environment[RESOURCE] ?? '')
}

function above(exporter: ExporterConfig, { headers, ...overlay }: Overlay): ExporterConfig {
  // The file's path belongs to the file's endpoint.
  const { path, ...rest } = exporter
  const kept = overlay.otlpEndpoint === undefined && path !== undefined ? { path } : {}
  return { ...rest, ...kept, ...overlay, headers: mergedHeaders(exporter.headers, headers) }
}

function beneath(exporter: ExporterConfig, { headers, otlpProtocol, ...address }: Overlay): ExporterConfig {
  const merged = { ...exporter, headers: mergedHeaders(headers, exporter.headers) }
  const protocol = otlpProtocol !== undefined && exporter.otlpProtocolDefaulted ? { otlpProtocol } : {}
  return { ...merged, ...(exporter.otlpEndpoint === '' && address), ...protocol }
}

function mergedHeaders(lower: ExporterConfig['headers'], upper: ExporterConfig['headers']): ExporterConfig['headers'] {
  const taken = new Set(upper.map(({ name }) => name.toLowerCase()))
  return [...lower.filter(({ name }) => !taken.has(name.toLowerCase())), ...upper]
}

function readOverlay(environment: Environment, problems: string[]): Overlay {
  return {
    ...readEndpoint(environment),
    ...readProtocol(environment, problems),
    headers: readHeaders(environment, problems),
  }
}

function firstSet(environment: Environment, names: readonly string[]): { name: string; value: string } | undefined {
  for (const name of names) {
    const value = environment[name]?.trim()
    if (value !== undefined && value !== '') return { name, value }
  }
  return undefined
}

/** OpenTelemetry's variable for traces holds the whole address: its path, when it has one, is used as it is. */
function readEndpoint(environment: Environment): Pick<Overlay, 'otlpEndpoint' | 'path'> {
  const found = firstSet(environment, ENDPOINT)
  if (found === undefined) return {}
  const { name, value } = found
  const schemeEnd = value.indexOf('://')
  const pathStart = value.indexOf('/', schemeEnd < 0 ? 0 : schemeEnd + 3)
  const path = pathStart < 0 ? '' : value.slice(pathStart)
  if (name !== 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT' || path.length < 2) return { otlpEndpoint: value }
  return { otlpEndpoint: value.slice(0, pathStart), path }
}

function readProtocol(environment: Environment, problems: string[]): Pick<Overlay, 'otlpProtocol'> {
  const found = firstSet(environment, PROTOCOL)
  if (found === undefined) return {}
  const otlpProtocol = PROTOCOLS[found.value.toLowerCase()]
  if (otlpProtocol !== undefined) return { otlpProtocol }
  problems.push(`${found.name} is none of ${Object.keys(PROTOCOLS).join(', ')}; it is not used`)
  return {}
}

function readHeaders(environment: Environment, problems: string[]): ExporterConfig['headers'] {
  const found = firstSet(environment, HEADERS)
  if (found === undefined) return []
  const headers = found.value.startsWith('{') ? headersFromJson(found.value) : headersFromPairs(found.value)
  if (headers !== undefined) return headers
  problems.push(`${found.name} is neither name=value,name2=value2 nor a JSON object of strings; it is not used`)
  return []
}

function headersFromJson(text: string): ExporterConfig['headers'] | undefined {
  try {
    const entries = Object.entries(JSON.parse(text) as object)
    if (!entries.every(([, value]) => typeof value === 'string')) return undefined
    return entries.map(([name, value]) => ({ name, value }))
  } catch {
    return undefined
  }
}

/** `name=value,name2=value2`, values percent-encoded where they need it (OpenTelemetry, "Specifying headers via environment variables"). */
function headersFromPairs(text: string): ExporterConfig['headers'] | undefined {
  const headers = keyValuePairs(text)
  return headers?.map(([name, value]) => ({ name, value }))
}

/** Pairs as in W3C Baggage: split at commas and the first `=`, trimmed, percent-decoded. @returns nothing when it is no such list */
function keyValuePairs(text: string): [string, string][] | undefined {
  const pairs: [string, string][] = []
  for (const part of text.split(',')) {
    if (part.trim() === '') continue
    const equals = part.indexOf('=')
    if (equals < 1) return undefined
    pairs.push([percentDecoded(part.slice(0, equals).trim()), percentDecoded(part.slice(equals + 1).trim())])
  }
  return pairs
}

/** A text that is no percent-encoding was meant as it is: `Basic abc%` is. */
function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
