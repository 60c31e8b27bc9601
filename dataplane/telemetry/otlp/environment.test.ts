import {
  type ExporterConfig,
  type Profile,
  type TracingConfig,
  telemetryConfig,
} from '../../../contract/telemetry-config.ts'
import { type Environment, withEnvironment } from './environment.ts'

function tracingOf(profile: Profile, exporter: object = {}): TracingConfig {
  const exporters = [{ name: 'default', otlpEndpoint: 'http://file:4317', ...exporter }]
  return telemetryConfig.parse({ tracing: { profile, exporters } }).tracing as TracingConfig
}

function defaultExporter(profile: Profile, exporter: object, environment: Environment): ExporterConfig {
  const { tracing, problems } = withEnvironment(tracingOf(profile, exporter), environment)
  expect(problems).toEqual([])
  return tracing.exporters[0] as ExporterConfig
}

describe('in profile documented', () => {
  it('the variables beat the file', () => {
    const exporter = defaultExporter(
      'documented',
      {
        path: '/file',
        headers: [
          { name: 'X-Both', value: 'file' },
          { name: 'x-file', value: 'file' },
        ],
      },
      {
        OTLP_ENDPOINT: 'http://env:4318',
        OTLP_PROTOCOL: 'http',
        OTLP_HEADERS: '{"x-both": "env", "x-expression": "request.path"}',
      },
    )
    expect(exporter).toMatchObject({ otlpEndpoint: 'http://env:4318', otlpProtocol: 'http' })
    expect(exporter.path).toBeUndefined()
    expect(exporter.headers).toEqual([
      { name: 'x-file', value: 'file' },
      { name: 'x-both', value: 'env' },
      { name: 'x-expression', value: 'request.path' },
    ])
  })

  it('of several the first that is set counts', () => {
    const endpoints = {
      OTLP_ENDPOINT: '',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://traces',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://all',
    }
    expect(defaultExporter('documented', {}, endpoints).otlpEndpoint).toBe('http://traces')
    expect(defaultExporter('documented', {}, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://all' }).otlpEndpoint).toBe(
      'http://all',
    )
  })

  it('the file stays where they are silent', () => {
    const exporter = { path: '/file', otlpProtocol: 'http', headers: [{ name: 'a', value: 'b' }] }
    expect(defaultExporter('documented', exporter, {})).toEqual(tracingOf('documented', exporter).exporters[0])
  })
})

describe('in profile semconv', () => {
  const environment = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://env:4318',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_EXPORTER_OTLP_HEADERS: 'x-both=env,x-env=env',
  }

  it('the file beats the variables', () => {
    const exporter = defaultExporter('semconv', { headers: [{ name: 'X-Both', value: 'file' }] }, environment)
    expect(exporter).toMatchObject({ otlpEndpoint: 'http://file:4317', otlpProtocol: 'grpc' })
    expect(exporter.headers).toEqual([
      { name: 'x-env', value: 'env' },
      { name: 'X-Both', value: 'file' },
    ])
  })

  it('they fill in what the file leaves out', () => {
    const keys = { otlpEndpoint: '', otlpProtocolDefaulted: true }
    expect(defaultExporter('semconv', keys, environment)).toMatchObject({
      otlpEndpoint: 'http://env:4318',
      otlpProtocol: 'http',
    })
  })
})

describe('withEnvironment', () => {
  it('uses the path of the variable for traces as it is', () => {
    const of = (value: string): ExporterConfig =>
      defaultExporter('documented', {}, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: value })
    expect(of('https://env/custom?key=a')).toMatchObject({ otlpEndpoint: 'https://env', path: '/custom?key=a' })
    expect(of('env:4318/custom')).toMatchObject({ otlpEndpoint: 'env:4318', path: '/custom' })
    expect(of('https://env/')).toMatchObject({ otlpEndpoint: 'https://env/' })
  })

  it.each<[string, [string, string][]]>([
    ['Authorization=Basic dXNlcjpwYXNz==', [['Authorization', 'Basic dXNlcjpwYXNz==']]],
    [
      'Authorization=Basic%20dXNlcg%3D%3D, x-a = 1 ,',
      [
        ['Authorization', 'Basic dXNlcg=='],
        ['x-a', '1'],
      ],
    ],
    ['x=100%', [['x', '100%']]],
    ['x=', [['x', '']]],
    ['{"x": "a,b=c%20"}', [['x', 'a,b=c%20']]],
  ])('reads the headers %s', (value, expected) => {
    const { headers } = defaultExporter('documented', {}, { OTEL_EXPORTER_OTLP_HEADERS: value })
    expect(headers.map((header) => [header.name, header.value])).toEqual(expected)
  })

  it.each<[Environment, string]>([
    [{ OTLP_PROTOCOL: 'carrier-pigeon' }, 'OTLP_PROTOCOL is none of grpc, http, http/protobuf, http/json'],
    [{ OTLP_HEADERS: 'hunter2' }, 'OTLP_HEADERS is neither'],
    [{ OTLP_HEADERS: '{"a": "hunter2"' }, 'OTLP_HEADERS is neither'],
    [{ OTLP_HEADERS: '{"a": ["hunter2"]}' }, 'OTLP_HEADERS is neither'],
    [{ OTEL_RESOURCE_ATTRIBUTES: 'hunter2' }, 'OTEL_RESOURCE_ATTRIBUTES is not'],
  ])('leaves out %p, and says so without its value', (environment, message) => {
    const tracing = tracingOf('documented')
    const result = withEnvironment(tracing, environment)
    expect(result.tracing).toEqual(tracing)
    expect(result.problems).toEqual([expect.stringContaining(message)])
    expect(result.problems.join()).not.toContain('hunter2')
  })

  it('speaks of the exporter named default alone', () => {
    const tracing = tracingOf('documented', { name: 'langfuse' })
    expect(withEnvironment(tracing, { OTLP_ENDPOINT: 'http://env' })).toEqual({ tracing, problems: [] })
  })

  it('leaves out an exporter that has no endpoint from anywhere', () => {
    const { tracing, problems } = withEnvironment(tracingOf('documented', { otlpEndpoint: '' }), {})
    expect(tracing.exporters).toEqual([])
    expect(problems).toEqual([expect.stringContaining('no otlpEndpoint')])
  })
})
