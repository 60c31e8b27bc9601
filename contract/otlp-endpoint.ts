import type { ExporterConfig } from './telemetry-config.ts'

/** Where an exporter sends, and how: what `otlpEndpoint`, `otlpProtocol` and `path` mean together. */
export interface OtlpEndpoint {
  readonly protocol: ExporterConfig['otlpProtocol']
  readonly tls: boolean
  /** Name or address; an IPv6 address has no brackets. */
  readonly host: string
  readonly port: number
  /** Path and query of the HTTP request; for gRPC the method's path. */
  readonly path: string
  /** The endpoint as a person would name it: `https://collector:4318`. No path, no query: they may hold secrets. */
  readonly display: string
}

export interface OtlpEndpointError {
  /** Says what is wrong without repeating what may be a secret. */
  readonly error: string
}

/** The method that every OTLP/gRPC trace receiver serves. */
const GRPC_PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
/** Where OTLP/HTTP trace receivers listen (OTLP specification, "OTLP/HTTP Request"). */
const TRACES_PATH = '/v1/traces'

const DEFAULT_PORTS: { readonly [scheme: string]: number } = { http: 80, https: 443, grpc: 4317, grpcs: 443 }

/**
 * Reads an exporter's endpoint.
 *
 * - No scheme is plaintext: `http` for the HTTP protocols, `grpc` for gRPC. `https` and `grpcs` are TLS.
 * - Default ports: http 80, https and grpcs 443, grpc 4317.
 * - HTTP: an endpoint without a path gets `path`, or `/v1/traces`. One with a path gets `/v1/traces` after it, unless
 *   it ends so already. A query stays.
 * - gRPC: the endpoint's path is not used.
 */
export function resolveEndpoint(
  config: Pick<ExporterConfig, 'otlpEndpoint' | 'otlpProtocol' | 'path'>,
): OtlpEndpoint | OtlpEndpointError {
  const grpc = config.otlpProtocol === 'grpc'
  const text = config.otlpEndpoint.trim()
  const written = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)
  const scheme = written?.[1]?.toLowerCase() ?? (grpc ? 'grpc' : 'http')
  const defaultPort = DEFAULT_PORTS[scheme]
  if (defaultPort === undefined) return { error: `scheme '${scheme}' is not supported; there is http, https and grpc` }
  if (!grpc && scheme.startsWith('grpc'))
    return { error: `scheme '${scheme}' does not go with otlpProtocol ${config.otlpProtocol}` }

  const rest = text.slice(written?.[0].length ?? 0)
  const url = parse(rest)
  if (url === undefined || rest === '') return { error: 'is no URL; an endpoint is written http://host:port' }
  if (url.username !== '' || url.password !== '')
    return { error: 'has a user or password in it; credentials belong into headers' }
  if (url.hash !== '') return { error: 'has a fragment (#…), which is never sent' }

  // The URL class forgets a port that is its scheme's default, so the port is read from the text.
  const port = Number(/:(\d+)$/.exec(rest.split(/[/?#]/, 1)[0] as string)?.[1] ?? defaultPort)
  if (port === 0) return { error: 'has port 0' }
  if (config.path !== undefined && !/^[\x21-\x7e]+$/.test(config.path))
    return { error: 'has a path with characters that a URL cannot have' }
  const tls = scheme === 'https' || scheme === 'grpcs'
  return {
    protocol: config.otlpProtocol,
    tls,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port,
    path: grpc ? GRPC_PATH : httpPath(url, config.path),
    display: `${scheme}://${url.hostname}:${port}`,
  }
}

/** What follows the scheme, read as the URL standard reads it for http. */
function parse(rest: string): URL | undefined {
  // The standard would drop these without a word, or take a backslash for a slash.
  if (/[\s\\]/.test(rest)) return undefined
  return URL.parse(`http://${rest}`) ?? undefined
}

function httpPath(url: URL, path: string | undefined): string {
  const base = url.pathname.replace(/\/+$/, '')
  if (base === '') {
    const own = path ?? TRACES_PATH
    return `${own.startsWith('/') ? '' : '/'}${own}${url.search}`
  }
  return `${base.endsWith(TRACES_PATH) ? base : base + TRACES_PATH}${url.search}`
}
