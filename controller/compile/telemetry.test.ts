import type { KubeObject } from '../api/inventory.ts'
import { compileTelemetry } from './telemetry.ts'

function configMap(text: string | undefined, key = 'config.yaml'): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'tracing', namespace: 'demo', creationTimestamp: '2025-01-01T00:00:00Z' },
    ...(text === undefined ? {} : { data: { [key]: text } }),
  }
}

/** The problems in one line each: severity, kind, path without what all have, place, message, advice. */
function problemLines(text: string): string[] {
  return compileTelemetry(configMap(text)).problems.map((one) => {
    expect(one.at).toEqual({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'demo', name: 'tracing' })
    const path = one.path.replace('data["config.yaml"]', '') || '(text)'
    const place = one.inner === undefined ? '' : ` ${one.inner.line}:${one.inner.column}`
    return `${one.severity} ${one.kind} ${path}${place}: ${one.message}${one.advice === undefined ? '' : ` | ${one.advice}`}`
  })
}

function tracing(...lines: readonly string[]): string {
  return ['config:', '  tracing:', ...lines.map((line) => `    ${line}`)].join('\n')
}

const ENDPOINT = 'otlpEndpoint: http://collector:4317'

function tracingOf(text: string) {
  const { config, problems } = compileTelemetry(configMap(text))
  expect(problems.filter((one) => one.severity === 'error')).toEqual([])
  return config?.tracing
}

describe('compileTelemetry', () => {
  it('normalises the Gemini document', () => {
    const result = compileTelemetry(
      configMap(
        tracing(
          'otlpEndpoint: http://opentelemetry-collector-traces.telemetry.svc.cluster.local:4317',
          'otlpProtocol: grpc',
          'randomSampling: true',
          'fields:',
          '  add:',
          '    gen_ai.operation.name: \'"chat"\'',
          '    gen_ai.system: "llm.provider"',
          '    gen_ai.request.model: "llm.requestModel"',
        ),
      ),
    )
    expect(result.hold).toBe(false)
    expect(result.reason).toBe('Ok')
    expect(result.config?.tracing).toEqual({
      randomSampling: true,
      clientSampling: true,
      profile: 'documented',
      resource: [],
      exporters: [
        {
          name: 'default',
          otlpEndpoint: 'http://opentelemetry-collector-traces.telemetry.svc.cluster.local:4317',
          otlpProtocol: 'grpc',
          headers: [],
          profile: 'documented',
          fields: {
            add: [
              { name: 'gen_ai.operation.name', expression: '"chat"' },
              { name: 'gen_ai.system', expression: 'llm.provider' },
              { name: 'gen_ai.request.model', expression: 'llm.requestModel' },
            ],
            remove: [],
          },
          limits: { attributes: 256, attributeBytes: 65_536, batchBytes: 3_145_728, queueBytes: 67_108_864 },
          queue: {
            maxBatchSize: 512,
            maxCoalescingDelay: 1,
            maxRetryTime: 60,
            initialRetryDelay: 0.01,
            maxRetryDelay: 60,
            maxEntries: 10_000,
          },
        },
      ],
    })
    expect(result.problems.map((one) => `${one.severity} ${one.kind} ${one.path}`)).toEqual([
      'info NoEffect data["config.yaml"].config.tracing.fields.add["gen_ai.system"]',
    ])
  })

  it.each(['', '# nothing\n', 'config:', 'config: {}', 'config:\n  tracing:\n'])('takes %j for no settings', (text) => {
    const result = compileTelemetry(configMap(text))
    expect(result).toMatchObject({ hold: false, reason: 'Ok', problems: [] })
    expect(result.config?.tracing).toBeUndefined()
  })

  it('is pure: the same ConfigMap gives the same result', () => {
    const object = Object.freeze(configMap(tracing(ENDPOINT, 'randomSampling: 0.5')))
    expect(compileTelemetry(object)).toEqual(compileTelemetry(object))
  })

  it('says whether the protocol was written or is the default, as the environment may change the latter', () => {
    const protocols = (text: string) =>
      tracingOf(text)?.exporters.map((one) => [one.otlpProtocol, one.otlpProtocolDefaulted])
    expect(protocols(tracing(ENDPOINT))).toEqual([['grpc', true]])
    expect(protocols(tracing(ENDPOINT, 'otlpProtocol: grpc'))).toEqual([['grpc', undefined]])
  })

  it('leaves room for an endpoint from the environment', () => {
    expect(problemLines(tracing('randomSampling: true'))).toEqual([
      'warning InvalidField .config.tracing: no otlpEndpoint: spans are exported only where OTLP_ENDPOINT or an OTEL_EXPORTER_OTLP variable names one',
    ])
    expect(tracingOf(tracing('randomSampling: true'))?.exporters).toMatchObject([{ name: 'default', otlpEndpoint: '' }])
  })
})

describe('the key of the ConfigMap', () => {
  it('is held when missing', () => {
    const result = compileTelemetry(configMap(undefined))
    expect(result).toMatchObject({ hold: true, reason: 'KeyNotFound' })
    expect(result.problems).toMatchObject([{ kind: 'ConfigKeyNotFound', severity: 'error', path: 'data' }])
  })

  it('is looked for among similar names', () => {
    expect(compileTelemetry(configMap('config: {}', 'config.yml')).problems[0]?.advice).toBe(
      "did you mean 'config.yml'?",
    )
  })
})

describe('broken YAML', () => {
  it.each([
    [
      'config:\n  tracing:\n   a: b: c',
      "error Syntax (text) 3:7: a second ': ' in one line (text that holds one needs quotes), or a list item among keys",
    ],
    ['config:\n\ttracing: {}', 'error Syntax (text) 2:1: a tab cannot be used for indentation'],
    ['config:\n  tracing: {\n', 'error Syntax (text) 2:12: this bracket or quote is never closed'],
    ['config: {}\nconfig: {}', 'error Duplicate (text) 2:1: this key is in the same map twice'],
    ['config: {}\n---\nconfig: {}', "error Syntax (text) 2:1: more than one YAML document: nothing may follow '---'"],
    [
      'config: *none',
      'error Syntax (text): an alias (*name) has no anchor (&name) before it, or aliases are nested too often',
    ],
    ['- config', 'error InvalidField (text): must be a map, not a list'],
    ['just words', 'error InvalidField (text): must be a map, not text'],
    ['? [a, b]\n: 1', 'error InvalidField (text): holds a key that is no name'],
    ['__proto__: 1', 'error InvalidField (text): holds a key that is no name'],
  ])('%j', (text, line) => {
    expect(problemLines(text)[0]).toBe(line)
    expect(compileTelemetry(configMap(text))).toMatchObject({ hold: true, reason: 'Invalid' })
    expect(compileTelemetry(configMap(text)).config).toBeUndefined()
  })

  it('names one mistake for each line that has some', () => {
    const places = (text: string) => problemLines(text).map((line) => line.split(' ')[3])
    expect(places(tracing('a: 1', '- b: [2]'))).toEqual(['4:1:'])
    expect(places(tracing('a: b: c', 'd: e: f'))).toEqual(['3:8:', '4:8:'])
  })

  it('never repeats the text, which may hold a credential', () => {
    const secret = 'Basic c2VjcmV0'
    for (const text of [
      tracing(`headers: {Authorization: ${secret}: x}`),
      tracing(`headers:`, `  Authorization: "${secret}`),
      tracing(`headers:`, `  Authorization: *${secret}`),
      tracing(`headers:`, `  Authorization: [${secret}]`),
      tracing(`headers: ${secret}`),
      tracing(`otlpEndpoint: http://user:${secret.slice(6)}@collector`),
      tracing(ENDPOINT, `headers:`, `  Authorization: "${secret}\\nX: y"`),
      tracing(`otlpProtocol: ${secret}`),
    ]) {
      const { problems } = compileTelemetry(configMap(text))
      expect(problems.length).toBeGreaterThan(0)
      expect(JSON.stringify(problems)).not.toContain('c2VjcmV0')
    }
  })

  it('survives deep nesting and exploding aliases', () => {
    expect(compileTelemetry(configMap('['.repeat(100_000))).reason).toBe('Invalid')
    const levels = Array.from({ length: 12 }, (_, index) =>
      index === 0
        ? 'x0: &x0 [a, a]'
        : `x${index}: &x${index} [${Array(9)
            .fill(`*x${index - 1}`)
            .join(', ')}]`,
    )
    expect(compileTelemetry(configMap(levels.join('\n'))).problems[0]?.message).toContain('aliases')
    expect(compileTelemetry(configMap(`# ${'x'.repeat(1024 * 1024)}`)).problems[0]?.message).toBe(
      'is longer than 1 MiB',
    )
  })

  it('takes anchors and aliases', () => {
    const text = tracing(
      ENDPOINT,
      'fields: &f {add: {b: "1", a: "2"}}',
      'exporters: [{name: x, otlpEndpoint: "y:1", fields: *f}]',
    )
    expect(tracingOf(text)?.exporters[1]?.fields.add.map((one) => one.name)).toEqual(['b', 'a'])
  })
})

describe('structure', () => {
  it.each([
    [
      tracing('otlpEndpiont: http://collector:4317'),
      "error UnknownField .config.tracing.otlpEndpiont: unknown key | did you mean 'otlpEndpoint'?",
    ],
    ['confg: {}', "error UnknownField .confg: unknown key | did you mean 'config'?"],
    ['tracing: {}', "error UnknownField .tracing: unknown key | 'tracing' belongs in config"],
    [
      'config: {randomSampling: 1}',
      "error UnknownField .config.randomSampling: unknown key | 'randomSampling' belongs in config.tracing",
    ],
    [
      tracing(ENDPOINT, 'otlpProtocol: GRPC'),
      "error InvalidField .config.tracing.otlpProtocol: must be one of grpc, http, http/json | did you mean 'grpc'?",
    ],
    [
      tracing(ENDPOINT, 'otlpProtocol: 4'),
      'error InvalidField .config.tracing.otlpProtocol: must be one of grpc, http, http/json',
    ],
    [
      tracing('otlpEndpoint: 4317'),
      'error InvalidField .config.tracing.otlpEndpoint: must be text, not a whole number | put quotes around it',
    ],
    [tracing('otlpEndpoint: [a]'), 'error InvalidField .config.tracing.otlpEndpoint: must be text, not a list'],
    [tracing(ENDPOINT, 'fields: [a]'), 'error InvalidField .config.tracing.fields: must be a map, not a list'],
    [
      tracing(ENDPOINT, 'fields: {add: {a.b: {c: d}}}'),
      'error InvalidField .config.tracing.fields.add["a.b"]: must be text, not a map',
    ],
    [
      tracing(ENDPOINT, 'fields: {add: {a: 5}}'),
      'error InvalidField .config.tracing.fields.add.a: must be text, not a whole number | put quotes around it',
    ],
    [
      tracing(ENDPOINT, 'fields: {add: {a: }}'),
      'error InvalidField .config.tracing.fields.add.a: must be text, not nothing',
    ],
    [
      tracing(ENDPOINT, 'fields: {add: {"": "1"}}'),
      'error InvalidField .config.tracing.fields.add[""]: a name must not be empty',
    ],
    [
      tracing(ENDPOINT, 'fields: {remove: duration}'),
      'error InvalidField .config.tracing.fields.remove: must be a list, not text',
    ],
    [
      tracing(ENDPOINT, 'randomSampling: [1]'),
      'error InvalidField .config.tracing.randomSampling: must be true, false, a probability from 0 to 1, or a CEL expression',
    ],
    [
      tracing(ENDPOINT, 'headers: {"a b": c}'),
      'error InvalidField .config.tracing.headers["a b"]: is not the name of an HTTP header',
    ],
    [
      tracing(ENDPOINT, 'headers: {a: "b\\r\\nc: d"}'),
      'error InvalidField .config.tracing.headers.a: holds a character that no HTTP header may have',
    ],
    [tracing(ENDPOINT, 'path: v1/traces'), 'error InvalidField .config.tracing.path: must start with /'],
    [
      tracing(ENDPOINT, 'exporters: [{otlpEndpoint: "x:1"}]'),
      'error InvalidField .config.tracing.exporters[0].name: is required',
    ],
    [
      tracing(ENDPOINT, 'exporters: [{name: a}]'),
      'error InvalidField .config.tracing.exporters[0].otlpEndpoint: is required',
    ],
    [
      tracing(ENDPOINT, 'exporters: [{name: a, otlpEndpoint: "x:1", queue: {maxBatchSize: 0}}]'),
      'error InvalidField .config.tracing.exporters[0].queue.maxBatchSize: must be more than 0',
    ],
    [
      tracing(ENDPOINT, 'exporters: [{name: a, otlpEndpoint: "x:1", limits: {attributes: 1.5}}]'),
      'error InvalidField .config.tracing.exporters[0].limits.attributes: must be a whole number, not a number with a fraction',
    ],
    [
      tracing(ENDPOINT, 'exporters: [{name: a, otlpEndpoint: "x:1", limits: {atributes: 1}}]'),
      "error UnknownField .config.tracing.exporters[0].limits.atributes: unknown key | did you mean 'attributes'?",
    ],
    ['config: {logging: {format: yaml}}', 'error InvalidField .config.logging.format: must be one of text, json'],
    [
      'config: {logging: {level: loud}}',
      'error InvalidField .config.logging.level: must be trace, debug, info, warn, error or off, or directives such as `info,request=off`, as text or list',
    ],
    ['config: {metrics: {remove: {a: b}}}', 'error InvalidField .config.metrics.remove: must be a list, not a map'],
  ])('%j', (text, line) => {
    expect(problemLines(text)).toContain(line)
    expect(compileTelemetry(configMap(text))).toMatchObject({ hold: true, reason: 'Invalid' })
  })

  it('names everything that is wrong at once', () => {
    const lines = problemLines(tracing('a: 1', 'otlpProtocol: x', 'fields: {ad: {}}'))
    expect(lines.map((line) => line.split(':')[0])).toEqual([
      'error UnknownField .config.tracing.a',
      'error UnknownField .config.tracing.fields.ad',
      'error InvalidField .config.tracing.otlpProtocol',
    ])
  })

  it('says once of a planned key that it has no effect, and still checks what is below it', () => {
    expect(problemLines(tracing(ENDPOINT, "keep: {rules: ['true'], otherwise: 0.05}"))).toEqual([
      'warning NotBuilt .config.tracing.keep: not built yet: no effect',
    ])
    expect(problemLines(tracing(ENDPOINT, 'keep: {otherwise: 5}'))).toContain(
      'error InvalidField .config.tracing.keep.otherwise: must be at most 1',
    )
  })

  it('accepts documented keys that mean nothing here', () => {
    const text = 'config: {workerThreads: 4, adminAddr: "localhost:15000"}\nbinds: [{port: 3000}]'
    expect(compileTelemetry(configMap(text))).toMatchObject({ hold: false, reason: 'Ok' })
    expect(problemLines(text).map((line) => line.split(' |')[0])).toEqual([
      'info NoEffect .config.workerThreads: has no effect here',
      'info NoEffect .config.adminAddr: has no effect here',
      'info NoEffect .binds: has no effect here',
    ])
  })

  it('accepts every key of the plan', () => {
    const text = `
config:
  tracing:
    otlpEndpoint: http://collector:4317
    propagation: {extract: [w3c, b3], inject: [preserve, w3c], clear: [], default: w3c, baggage: {toAttributes: ['tenant.*']}}
    parenting: parent
    parentStrategy: obey
    trustedProxies: [10.0.0.0/8]
    resource: {service.name: edge, deployment.environment.name: prod}
    keep: {rules: ['response.code >= 500', 'llm.cost.total > 0.10'], otherwise: 0.05, spansPerSecond: 200}
    layers:
      backend: {traces: true, metrics: true, skip: ['/health'], attributes: {team: a}, metricAttributes: {}, reportHeaders: false, roundTrip: true, readPayload: true, connection: true}
    responseHeader: x-trace-id
    exporters:
    - name: langfuse
      preset: langfuse@1
      also: {preset: openllmetry-legacy@1, until: 2027-03-01}
      profile: semconv
      attempts: always
      compression: gzip
      circuit: {failures: 5, openFor: 30s}
      otlpEndpoint: https://cloud.langfuse.com/api/public/otel
      otlpProtocol: http
      headers: {x-team: blue}
      headersFrom: [{name: Authorization, secretRef: {name: langfuse, key: authorization}}, {name: x-tenant, expression: 'request.headers["x-tenant"]'}]
      tls: {caConfigMapRef: {name: ca}, clientSecretRef: {name: mtls}, insecureSkipVerify: false}
      fields: {add: {a: '"b"'}, remove: [duration], on: [root]}
      filter: 'response.code >= 500 || llm.totalTokens > 1000'
      layout: wide
      content: {capture: true, maxBytes: 16384, form: json, redact: [email, apiKey, '(?i)ssn: \\d+'], headers: {allow: [x-request-id]}}
      limits: {attributes: 256, attributeBytes: 65536, batchBytes: 3145728, queueBytes: 67108864}
      queue: {maxBatchSize: 512, maxCoalescingDelay: 1, maxRetryTime: 60, initialRetryDelay: 0.01, maxRetryDelay: 60, maxEntries: 10000}
      timeouts: {connect: 1s, send: 5s, read: 5s}
      spool: {bytes: 1Gi, durability: 50ms}
  metrics:
    exporters: [{name: m, otlpEndpoint: collector:4317, period: 30s, headersFrom: [], tls: {}, queue: {}, timeouts: {}, compression: none, circuit: {}}]
    prometheus: {listeners: [{address: 0.0.0.0, port: 9090}], buckets: {a: [1, 2]}}
    labels: {add: {a: '"b"'}, limit: 2000}
  logging: {format: json, fields: {}, exporters: [{name: l, otlpEndpoint: collector:4317, kinds: [access, runtime]}], traceIdFormats: [w3c, datadog]}
`
    const result = compileTelemetry(configMap(text))
    expect(result.problems.filter((one) => one.kind !== 'NotBuilt')).toEqual([])
    expect(result.reason).toBe('Ok')
    expect(result.config?.logging.format).toBe('json')
    expect(result.config?.tracing?.exporters[1]).toMatchObject({
      name: 'langfuse',
      profile: 'semconv',
      attempts: 'always',
      headers: [{ name: 'x-team', value: 'blue' }],
      fields: { add: [{ name: 'a', expression: '"b"' }], remove: ['duration'] },
    })
  })
})

describe('expressions', () => {
  it('are left out alone when they do not compile', () => {
    const text = tracing(
      ENDPOINT,
      'fields:',
      '  add:',
      "    a: '1'",
      "    b.c: 'llm.provider +'",
      "    d: 'llm.provider'",
    )
    const result = compileTelemetry(configMap(text))
    expect(result).toMatchObject({ hold: false, reason: 'PartiallyInvalid' })
    expect(result.config?.tracing?.exporters[0]?.fields.add.map((one) => one.name)).toEqual(['a', 'd'])
    expect(result.problems).toMatchObject([
      { kind: 'Expression', severity: 'error', path: 'data["config.yaml"].config.tracing.fields.add["b.c"]' },
    ])
    expect(result.problems[0]?.message).toContain("'b.c' is left out")
    expect(result.problems[0]?.inner).toBeDefined()
  })

  it('place an unknown name inside the expression and name the nearest', () => {
    const [problem] = compileTelemetry(configMap(tracing(ENDPOINT, "fields: {add: {a: 'llm.requestModle'}}"))).problems
    expect(problem).toMatchObject({ kind: 'Expression', severity: 'error', inner: { line: 1, column: 5 } })
    expect(problem?.advice).toContain('requestModel')
  })

  it('keep the order of the file, of names that look like numbers too', () => {
    const text = tracing(ENDPOINT, "fields: {add: {z: '1', 10: '1', 9: '1', a: '1'}}")
    expect(tracingOf(text)?.exporters[0]?.fields.add.map((one) => one.name)).toEqual(['z', '10', '9', 'a'])
  })

  it('of log and metrics are compiled too', () => {
    const result = compileTelemetry(
      configMap(`
config:
  logging: {filter: 'response.code >= 400', level: [info, request=off], fields: {add: {user: 'jwt.sub', bad: 'nope.x'}, remove: [duration]}}
  metrics: {fields: {add: {team: 'request.headers["x-team"]', "no.label": '1', __name: '1'}}, remove: [agentgateway_build_info]}
`),
    )
    expect(result.reason).toBe('PartiallyInvalid')
    expect(result.config?.logging).toMatchObject({
      filter: 'response.code >= 400',
      fields: { add: [{ name: 'user', expression: 'jwt.sub' }], remove: ['duration'] },
      level: 'info,request=off',
    })
    expect(result.config?.metrics).toEqual({
      add: [{ name: 'team', expression: 'request.headers["x-team"]' }],
      remove: ['agentgateway_build_info'],
    })
    expect(result.problems.filter((one) => one.severity === 'error').map((one) => one.path)).toEqual([
      'data["config.yaml"].config.logging.fields.add.bad',
      'data["config.yaml"].config.metrics.fields.add["no.label"]',
      'data["config.yaml"].config.metrics.fields.add.__name',
    ])
  })

  it('of the log filter write nothing when they do not compile', () => {
    const result = compileTelemetry(configMap('config: {logging: {filter: "response.code >="}}'))
    expect(result.reason).toBe('PartiallyInvalid')
    expect(result.config?.logging.filter).toBe('false')
  })
})

describe('sampling', () => {
  it.each([
    ['true', true],
    ['false', false],
    ['0.1', 0.1],
    ['1', 1],
    ['0', 0],
    ['"true"', true],
    ["' false '", false],
    ['"0.25"', 0.25],
    ['"1e-3"', 0.001],
    ['"random() < 0.1"', 'random() < 0.1'],
    ['\'request.path.startsWith("/llm")\'', 'request.path.startsWith("/llm")'],
  ])('%s', (written, meant) => {
    expect(tracingOf(tracing(ENDPOINT, `randomSampling: ${written}`, `clientSampling: ${written}`))).toMatchObject({
      randomSampling: meant,
      clientSampling: meant,
    })
  })

  it('brings probabilities between 0 and 1, with a warning', () => {
    const text = tracing(ENDPOINT, 'randomSampling: 10', 'clientSampling: "-1"')
    expect(tracingOf(text)).toMatchObject({ randomSampling: 1, clientSampling: 0 })
    expect(problemLines(text)).toEqual([
      'warning InvalidField .config.tracing.randomSampling: a probability is between 0 and 1: 10 counts as 1 | for 10 percent write 0.1',
      'warning InvalidField .config.tracing.clientSampling: a probability is between 0 and 1: -1 counts as 0',
    ])
  })

  it('samples nothing by an expression that does not compile or that reads the answer', () => {
    for (const expression of ['true ||', 'response.code == 200', 'llm.provider == "openai"']) {
      const result = compileTelemetry(configMap(tracing(ENDPOINT, `clientSampling: '${expression}'`)))
      expect(result).toMatchObject({ hold: false, reason: 'PartiallyInvalid' })
      expect(result.config?.tracing?.clientSampling).toBe(false)
      expect(result.problems[0]?.message).toContain('it samples nothing')
    }
  })
})

describe('exporters', () => {
  it('share the fields and the profile of tracing unless they have their own', () => {
    const text = tracing(
      'profile: semconv',
      'fields: {add: {a: "1"}, remove: [duration]}',
      'exporters:',
      '- {name: one, otlpEndpoint: "a:1"}',
      '- {name: two, otlpEndpoint: "a:2", profile: documented, fields: {add: {b: "2"}}}',
      '- {name: three, otlpEndpoint: "a:3", fields: {remove: [url.scheme]}}',
    )
    expect(tracingOf(text)?.exporters).toMatchObject([
      { name: 'one', profile: 'semconv', fields: { add: [{ name: 'a' }], remove: ['duration'] } },
      { name: 'two', profile: 'documented', fields: { add: [{ name: 'b' }], remove: [] } },
      { name: 'three', profile: 'semconv', fields: { add: [], remove: ['url.scheme'] } },
    ])
  })

  it('with a key in the wrong place are told the right one', () => {
    expect(problemLines(tracing(ENDPOINT, 'maxBatchSize: 5'))).toEqual([
      "error UnknownField .config.tracing.maxBatchSize: unknown key | 'maxBatchSize' belongs in config.tracing.exporters[].queue",
    ])
    expect(problemLines('config: {constructor: 1}')[0]).toMatch(/unknown key \| known here: tracing, logging, metrics,/)
  })

  it('say nothing of other conventions that were left out', () => {
    const text = tracing(ENDPOINT, "fields: {add: {gen_ai.system: 'llm.provider +'}}")
    expect(problemLines(text).filter((line) => line.startsWith('info'))).toEqual([])
  })

  it('tell problems of shared fields once', () => {
    const text = tracing(ENDPOINT, "fields: {add: {a: '1 +'}}", 'exporters: [{name: x, otlpEndpoint: "a:1"}]')
    expect(problemLines(text)).toHaveLength(1)
  })

  it('have headers with literal values, in order, and a resource', () => {
    const text = tracing(
      ENDPOINT,
      'headers: {b: \'"quoted"\', Authorization: Basic abc}',
      'resource: {service.name: edge}',
    )
    const config = tracingOf(text)
    expect(config?.exporters[0]?.headers).toEqual([
      { name: 'b', value: '"quoted"' },
      { name: 'Authorization', value: 'Basic abc' },
    ])
    expect(config?.resource).toEqual([{ name: 'service.name', value: 'edge' }])
  })

  it.each([
    [
      tracing('otlpEndpoint: ftp://collector'),
      "error InvalidField .config.tracing.otlpEndpoint: scheme 'ftp' is not supported; there is http, https and grpc",
    ],
    [
      tracing(ENDPOINT, 'exporters: [{name: x, otlpEndpoint: "http://c:99999"}]'),
      'error InvalidField .config.tracing.exporters[0].otlpEndpoint: is no URL; an endpoint is written http://host:port',
    ],
    [
      tracing(ENDPOINT, 'exporters: [{name: default, otlpEndpoint: "c:1"}]'),
      "error Duplicate .config.tracing.exporters[0].name: 'default' is the exporter that otlpEndpoint and its neighbours in tracing describe | choose another name",
    ],
    [
      tracing('exporters: [{name: x, otlpEndpoint: "c:1"}, {name: x, otlpEndpoint: "c:2"}]'),
      "error Duplicate .config.tracing.exporters[1].name: a second exporter named 'x' | choose another name",
    ],
  ])('%j is invalid', (text, line) => {
    expect(problemLines(text)).toEqual([line])
    expect(compileTelemetry(configMap(text))).toMatchObject({ hold: true, reason: 'Invalid' })
  })

  it.each([
    [
      tracing('otlpEndpoint: http://c:4318'),
      'warning InvalidField .config.tracing.otlpEndpoint: without otlpProtocol spans are sent by gRPC, and port 4318 is OTLP/HTTP as a rule | otlpProtocol: http sends OTLP/HTTP',
    ],
    [
      tracing('otlpEndpoint: https://c/api/otel'),
      'warning InvalidField .config.tracing.otlpEndpoint: without otlpProtocol spans are sent by gRPC, which has no use for the path | otlpProtocol: http sends OTLP/HTTP',
    ],
    [
      tracing('headers: {a: b}', 'exporters: [{name: x, otlpEndpoint: "c:1"}]'),
      "warning NoEffect .config.tracing.headers: has no effect: it describes the exporter 'default', which is there only with tracing.otlpEndpoint | write it into the entries of exporters",
    ],
  ])('%j has a warning', (text, line) => {
    expect(problemLines(text)).toEqual([line])
    expect(compileTelemetry(configMap(text)).reason).toBe('Ok')
  })

  it.each(['http://c:4317', 'http://c:4317/', 'c:4317', 'https://c', 'grpc://c'])('%s is fine', (endpoint) => {
    expect(problemLines(tracing(`otlpEndpoint: ${endpoint}`))).toEqual([])
  })
})
