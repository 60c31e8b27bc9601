import { type OtlpEndpoint, type OtlpEndpointError, resolveEndpoint } from './otlp-endpoint.ts'
import type { ExporterConfig } from './telemetry-config.ts'

type Protocol = ExporterConfig['otlpProtocol']

function resolved(otlpEndpoint: string, otlpProtocol: Protocol = 'http', path?: string): OtlpEndpoint {
  const result = resolveEndpoint({ otlpEndpoint, otlpProtocol, ...(path === undefined ? {} : { path }) })
  if ('error' in result) throw new Error(result.error)
  return result
}

function urlOf(endpoint: OtlpEndpoint): string {
  return `${endpoint.tls ? 'tls' : 'plain'} ${endpoint.host} ${endpoint.port} ${endpoint.path}`
}

describe('resolveEndpoint', () => {
  it.each<[string, string]>([
    ['http://collector:4318', 'plain collector 4318 /v1/traces'],
    ['http://collector:4318/', 'plain collector 4318 /v1/traces'],
    ['http://collector', 'plain collector 80 /v1/traces'],
    ['http://collector:80', 'plain collector 80 /v1/traces'],
    ['https://collector', 'tls collector 443 /v1/traces'],
    ['https://collector:80', 'tls collector 80 /v1/traces'],
    ['HTTPS://Collector.Example', 'tls collector.example 443 /v1/traces'],
    ['collector:4318', 'plain collector 4318 /v1/traces'],
    ['collector', 'plain collector 80 /v1/traces'],
    ['10.0.0.1:4318/x', 'plain 10.0.0.1 4318 /x/v1/traces'],
    ['[::1]:4318', 'plain ::1 4318 /v1/traces'],
    [' http://collector:4318 ', 'plain collector 4318 /v1/traces'],
    ['https://cloud.langfuse.com/api/public/otel', 'tls cloud.langfuse.com 443 /api/public/otel/v1/traces'],
    ['https://cloud.langfuse.com/api/public/otel/', 'tls cloud.langfuse.com 443 /api/public/otel/v1/traces'],
    ['http://collector:4318/v1/traces', 'plain collector 4318 /v1/traces'],
    ['http://collector:4318/v1/traces/', 'plain collector 4318 /v1/traces'],
    ['http://collector/otel/v1/traces?tenant=a', 'plain collector 80 /otel/v1/traces?tenant=a'],
    ['http://collector/otel?tenant=a', 'plain collector 80 /otel/v1/traces?tenant=a'],
    ['http://collector?tenant=a', 'plain collector 80 /v1/traces?tenant=a'],
  ])('HTTP: %s', (endpoint, expected) => expect(urlOf(resolved(endpoint))).toBe(expected))

  it('uses `path` exactly where the endpoint has none', () => {
    expect(resolved('http://collector:4318', 'http', '/ingest').path).toBe('/ingest')
    expect(resolved('http://collector:4318/', 'http/json', 'ingest').path).toBe('/ingest')
    expect(resolved('http://collector:4318/otel', 'http', '/ingest').path).toBe('/otel/v1/traces')
    expect(() => resolved('http://collector:4318', 'http', '/in gest')).toThrow('has a path with characters')
  })

  it.each<[string, string]>([
    ['http://collector:4317', 'plain collector 4317'],
    ['http://collector', 'plain collector 80'],
    ['grpc://collector', 'plain collector 4317'],
    ['grpc://collector:80', 'plain collector 80'],
    ['grpcs://collector', 'tls collector 443'],
    ['https://collector', 'tls collector 443'],
    ['collector', 'plain collector 4317'],
    ['collector:9999', 'plain collector 9999'],
    ['[fd00::1]', 'plain fd00::1 4317'],
    ['https://collector:4317/ignored', 'tls collector 4317'],
  ])('gRPC: %s', (endpoint, expected) =>
    expect(urlOf(resolved(endpoint, 'grpc'))).toBe(
      `${expected} /opentelemetry.proto.collector.trace.v1.TraceService/Export`,
    ),
  )

  it('names the endpoint without what may be secret', () => {
    expect(resolved('https://collector/otel?key=hunter2').display).toBe('https://collector:443')
    expect(resolved('[::1]:4318').display).toBe('http://[::1]:4318')
  })

  it.each<[string, Protocol, string]>([
    ['', 'grpc', 'is no URL'],
    ['http://', 'http', 'is no URL'],
    ['http://collector:port', 'http', 'is no URL'],
    ['http://collector:70000', 'http', 'is no URL'],
    ['http://col lector', 'http', 'is no URL'],
    ['http://collector\\x', 'http', 'is no URL'],
    ['ftp://collector', 'http', "scheme 'ftp' is not supported"],
    ['unix:///run/otel.sock', 'grpc', "scheme 'unix' is not supported"],
    ['grpc://collector', 'http', "scheme 'grpc' does not go with otlpProtocol http"],
    ['http://user:hunter2@collector', 'http', 'credentials belong into headers'],
    ['http://collector#x', 'http', 'has a fragment'],
    ['http://collector:0', 'http', 'has port 0'],
  ])('refuses %p with %s', (otlpEndpoint, otlpProtocol, message) => {
    const { error } = resolveEndpoint({ otlpEndpoint, otlpProtocol }) as OtlpEndpointError
    expect(error).toContain(message)
    expect(error).not.toContain('hunter2')
  })
})
