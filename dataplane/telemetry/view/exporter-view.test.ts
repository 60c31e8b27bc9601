import { compileExpression } from '../../../contract/cel/compile.ts'
import { type ExporterConfig, telemetryConfig } from '../../../contract/telemetry-config.ts'
import { epochMs } from '../../../runtime/clock.ts'
import { answered, attempt, begun, LISTENER, llmFacts, ROUTE } from '../../../test/support/exchange.ts'
import type { Exchange, TraceContext } from '../../exchange.ts'
import { GatewayError } from '../../fault.ts'
import { planVariables, variablesOf } from '../exchange-variables.ts'
import { ProgramCache } from '../fields.ts'
import { type Span, SpanKind, StatusCode } from '../span.ts'
import { ExporterView } from './exporter-view.ts'

const TRACE: TraceContext = {
  traceId: 'd65e4eeb983e2d964e71e8dc8c405f97',
  spanId: 'b836e1b1d51b3e74',
  parentSpanId: undefined,
  flags: 1,
  traceState: undefined,
  exported: true,
}

type Given = Omit<Partial<ExporterConfig>, 'fields'> & {
  readonly add?: { readonly [name: string]: string }
  readonly remove?: readonly string[]
}

function exporterConfig({ add = {}, remove = [], ...over }: Given): ExporterConfig {
  const fields = { add: Object.entries(add).map(([name, expression]) => ({ name, expression })), remove: [...remove] }
  const exporter = { name: 'default', otlpEndpoint: 'http://collector:4317', ...over, fields }
  return telemetryConfig.parse({ tracing: { exporters: [exporter] } }).tracing?.exporters[0] as ExporterConfig
}

const failures: string[] = []

function spansOf(exchange: Exchange, given: Given = {}, trace = TRACE): Span[] {
  exchange.trace = trace
  failures.length = 0
  const programs = new ProgramCache(
    (source) => compileExpression(source, { phase: 'end' }),
    (name, message) => failures.push(`${name}: ${message}`),
  )
  const counter = { count: (attribute: string, reason: string) => void failures.push(`${attribute}: ${reason}`) }
  const view = new ExporterView(exporterConfig(given), 'kgateway-system/agentgateway', programs, counter)
  return view.spans(exchange, trace, variablesOf(exchange, planVariables(programs.mentions()), {}))
}

function root(exchange: Exchange, given: Given = {}): Span {
  return spansOf(exchange, given)[0] as Span
}

/** `key: Type(value)`, as the collector's debug exporter prints attributes. */
function printed(span: Span): string[] {
  const names = { string: 'Str', int: 'Int', double: 'Double', bool: 'Bool', strings: 'Slice' }
  const { keys, kinds, values } = span.attributes
  return keys.map((key, i) => `${key}: ${names[kinds[i] as keyof typeof names]}(${values[i]})`)
}

/** The rows of the Gemini document's sample span, as the document prints them. */
const SAMPLE_ROWS = [
  'gateway: Str(kgateway-system/agentgateway)',
  'listener: Str(http)',
  'route: Str(kgateway-system/google)',
  'endpoint: Str(generativelanguage.googleapis.com:443)',
  'src.addr: Str(127.0.0.1:49576)',
  'http.method: Str(POST)',
  'http.host: Str(localhost)',
  'http.path: Str(/gemini)',
  'http.version: Str(HTTP/1.1)',
  'http.status: Int(200)',
  'trace.id: Str(d65e4eeb983e2d964e71e8dc8c405f97)',
  'span.id: Str(b836e1b1d51b3e74)',
  'llm.provider: Str(gemini)',
  'llm.request.model: Str()',
  'llm.request.tokens: Int(8)',
  'llm.response.model: Str(gemini-1.5-flash-latest)',
  'llm.response.tokens: Int(313)',
  'duration: Str(3165ms)',
  'url.scheme: Str(http)',
  'network.protocol.version: Str(1.1)',
]

const GEMINI_FIELDS = {
  'gen_ai.operation.name': '"chat"',
  'gen_ai.system': 'llm.provider',
  'gen_ai.request.model': 'llm.requestModel',
  'gen_ai.response.model': 'llm.responseModel',
  'gen_ai.usage.completion_tokens': 'llm.outputTokens',
  'gen_ai.usage.prompt_tokens': 'llm.inputTokens',
}

describe('profile documented', () => {
  it('makes the span of the Gemini document, and the attributes that it configures', () => {
    const exchange = answered(begun())
    const span = root(exchange, { add: GEMINI_FIELDS })
    expect(printed(span)).toEqual([
      ...SAMPLE_ROWS,
      'gen_ai.operation.name: Str(chat)',
      'gen_ai.system: Str(gemini)',
      'gen_ai.request.model: Str()',
      'gen_ai.response.model: Str(gemini-1.5-flash-latest)',
      'gen_ai.usage.completion_tokens: Int(313)',
      'gen_ai.usage.prompt_tokens: Int(8)',
    ])
    expect(span).toMatchObject({
      traceId: TRACE.traceId,
      spanId: TRACE.spanId,
      parentSpanId: undefined,
      parentIsRemote: false,
      flags: 1,
      name: 'POST /gemini',
      kind: SpanKind.server,
      status: StatusCode.unset,
      statusMessage: '',
      links: [],
    })
    expect(span.startEpochMs).toBeCloseTo(epochMs(exchange.startMs), 2)
    expect(span.endEpochMs - span.startEpochMs).toBeCloseTo(3165.4, 2)
  })

  it('adds the GenAI attributes where the user writes no other convention', () => {
    expect(printed(root(answered(begun())))).toEqual([
      ...SAMPLE_ROWS,
      'gen_ai.operation.name: Str(chat)',
      'gen_ai.provider.name: Str(gcp.gemini)',
      'gen_ai.request.model: Str(gemini-1.5-flash-latest)',
      'gen_ai.response.model: Str(gemini-1.5-flash-latest)',
      'gen_ai.response.id: Str(chatcmpl-1)',
      'gen_ai.response.finish_reasons: Slice(stop)',
      'gen_ai.usage.input_tokens: Int(8)',
      'gen_ai.usage.output_tokens: Int(313)',
    ])
  })

  it('says of a stream that it is one, when its first chunk came, and every count that is known', () => {
    const exchange = begun()
    const llm = llmFacts({
      streaming: true,
      firstTokenMs: exchange.startMs + 250,
      cachedInputTokens: 4,
      cacheCreationInputTokens: 0,
      reasoningTokens: 100,
    })
    expect(printed(root(answered(exchange, llm))).slice(SAMPLE_ROWS.length + 6)).toEqual([
      'gen_ai.usage.input_tokens: Int(8)',
      'gen_ai.usage.output_tokens: Int(313)',
      'gen_ai.usage.cache_read.input_tokens: Int(4)',
      'gen_ai.usage.cache_creation.input_tokens: Int(0)',
      'gen_ai.usage.reasoning.output_tokens: Int(100)',
      'gen_ai.request.stream: Str(true)',
      'gen_ai.response.time_to_first_chunk: Double(0.25)',
    ])
  })

  it('leaves out every row that has no value', () => {
    const exchange = begun({ host: '', authority: '', httpVersion: '1.0' })
    exchange.listener = undefined
    exchange.outcome = { endMs: exchange.startMs, error: undefined, cut: 'downstream' }
    expect(printed(root(exchange))).toEqual([
      'gateway: Str(kgateway-system/agentgateway)',
      'src.addr: Str(127.0.0.1:49576)',
      'http.method: Str(POST)',
      'http.path: Str(/gemini)',
      'http.version: Str(HTTP/1.0)',
      'trace.id: Str(d65e4eeb983e2d964e71e8dc8c405f97)',
      'span.id: Str(b836e1b1d51b3e74)',
      'error: Str(the client left before the answer was complete)',
      'duration: Str(0ms)',
      'url.scheme: Str(http)',
    ])
  })

  it('has rows for the rule, for retries and for the error, and the status says that the gateway failed', () => {
    const exchange = answered(begun({ target: '/gemini?a=b', scheme: 'https' }))
    exchange.route = { ...ROUTE, rule: 'models' }
    const cause = new Error('connect ECONNREFUSED 127.0.0.1:9')
    const error = new GatewayError('upstream_connect_failed', 'cannot connect to b:443', { cause })
    exchange.attempts.push(attempt(exchange.startMs, { endpoint: 'b:443', host: 'b', error, status: undefined }))
    exchange.outcome = { endMs: exchange.startMs + 1, error, cut: undefined }
    const span = root(exchange)
    const rows = printed(span)
    expect(rows.slice(2, 5)).toEqual([
      'route_rule: Str(models)',
      'route: Str(kgateway-system/google)',
      'endpoint: Str(b:443)',
    ])
    expect(rows).toContain('http.path: Str(/gemini?a=b)')
    expect(rows.slice(18, 22)).toEqual([
      'retry.attempt: Str(1)',
      'error: Str(cannot connect to b:443: connect ECONNREFUSED 127.0.0.1:9)',
      'duration: Str(1ms)',
      'url.scheme: Str(https)',
    ])
    expect(span).toMatchObject({
      name: 'POST /gemini?a=b',
      status: StatusCode.error,
      statusMessage: 'cannot connect to b:443: connect ECONNREFUSED 127.0.0.1:9',
    })
  })

  it('is no error when an upstream answers 500', () => {
    const exchange = answered(begun())
    exchange.response = { status: 500, rawHeaders: [], headMs: 0, bodyBytes: 0, body: undefined }
    expect(root(exchange)).toMatchObject({ status: StatusCode.unset, statusMessage: '' })
  })

  it('takes a row out when it is removed or added, and puts the added value at the end', () => {
    const keys = root(answered(begun()), {
      add: { 'http.status': '"two hundred"', 'gen_ai.response.id': 'llm.provider', duration: 'llm.nothing_like_it' },
      remove: ['src.addr', 'url.scheme', 'gen_ai.usage.input_tokens', 'not.there'],
    }).attributes.keys
    expect(keys).toEqual([
      ...SAMPLE_ROWS.map((row) => row.split(':')[0]).filter(
        (key) => !['http.status', 'src.addr', 'url.scheme', 'duration'].includes(key as string),
      ),
      'gen_ai.operation.name',
      'gen_ai.provider.name',
      'gen_ai.request.model',
      'gen_ai.response.model',
      'gen_ai.response.finish_reasons',
      'gen_ai.usage.output_tokens',
      'http.status',
      'gen_ai.response.id',
    ])
    expect(new Set(keys).size).toBe(keys.length)
    expect(failures[0]).toMatch(/^duration: .*nothing_like_it/)
  })

  it('names the span by a string, and keeps anything else as an attribute of that name', () => {
    const named = root(answered(begun()), {
      add: { 'span.name': '"openai.chat"', 'llm.is_streaming': 'llm.streaming' },
    })
    expect(named.name).toBe('openai.chat')
    expect(printed(named).at(-1)).toBe('llm.is_streaming: Str(false)')
    expect(named.attributes.keys).not.toContain('span.name')
    const odd = root(answered(begun()), { add: { 'span.name': '7' } })
    expect([odd.name, printed(odd).at(-1)]).toEqual(['POST /gemini', 'span.name: Int(7)'])
    const failing = root(answered(begun()), { add: { 'span.name': 'request.headers["x-name"]' } })
    expect([failing.name, failures]).toEqual(['POST /gemini', ['span.name: no_such_key']])
  })

  it('leaves one bad attribute out and counts it, and the others are there', () => {
    const exchange = answered(begun())
    exchange.llm = undefined
    const span = root(exchange, { add: { a: '"1"', b: 'llm.requestModel', c: 'jwt.sub', d: '4' } })
    expect(printed(span).slice(-2)).toEqual(['a: Str(1)', 'd: Int(4)'])
    expect(failures).toEqual(['b: no_such_key', 'c: no_such_key'])
  })

  it('holds no more attributes than the limit, and counts the rest', () => {
    const messages = Array.from({ length: 1000 }, (_, i) => ({ role: 'user', content: `message ${i}` }))
    const { attributes } = root(answered(begun(), llmFacts({ prompt: messages })), {
      add: { 'gen_ai.prompt': 'flattenRecursive(llm.prompt)' },
      limits: { attributes: 30, attributeBytes: 100, batchBytes: 1000, queueBytes: 1000 },
    })
    expect([attributes.size, attributes.dropped > 990]).toEqual([30, true])
  })

  it('has a span for every attempt only when there were several, or when asked', () => {
    expect(spansOf(answered(begun()))).toHaveLength(1)
    expect(spansOf(answered(begun()), { attempts: 'always' })).toHaveLength(2)
    const exchange = answered(begun())
    exchange.attempts.unshift(attempt(exchange.startMs, { spanId: 'a0a0a0a0a0a0a0a0', status: 429 }))
    const spans = spansOf(exchange)
    expect(spans.map((span) => span.spanId)).toEqual([TRACE.spanId, 'a0a0a0a0a0a0a0a0', 'a1a1a1a1a1a1a1a1'])
    expect(spans.map((span) => span.status)).toEqual([StatusCode.unset, StatusCode.unset, StatusCode.unset])
  })
})

describe('profile semconv', () => {
  const semconv = { profile: 'semconv' } as const

  it('uses the stable HTTP names and the GenAI conventions, with real booleans', () => {
    const exchange = begun({ target: '/gemini/chat?alt=sse&key=AIza', path: '/gemini/chat' })
    const llm = llmFacts({ streaming: true, firstTokenMs: exchange.startMs + 100, requestModel: 'm' })
    const span = root(answered(exchange, llm), { ...semconv, add: { flag: 'llm.streaming' } })
    expect(printed(span)).toEqual([
      'http.request.method: Str(POST)',
      'url.path: Str(/gemini/chat)',
      'url.query: Str(alt=sse&key=<redacted>)',
      'url.scheme: Str(http)',
      'server.address: Str(localhost)',
      'server.port: Int(8080)',
      'http.route: Str(/gemini/*)',
      'http.response.status_code: Int(200)',
      'network.protocol.version: Str(1.1)',
      'client.address: Str(127.0.0.1)',
      'user_agent.original: Str(curl/8.5.0)',
      'gen_ai.operation.name: Str(chat)',
      'gen_ai.provider.name: Str(gcp.gemini)',
      'gen_ai.request.model: Str(m)',
      'gen_ai.response.model: Str(gemini-1.5-flash-latest)',
      'gen_ai.response.id: Str(chatcmpl-1)',
      'gen_ai.response.finish_reasons: Slice(stop)',
      'gen_ai.usage.input_tokens: Int(8)',
      'gen_ai.usage.output_tokens: Int(313)',
      'gen_ai.request.stream: Bool(true)',
      'gen_ai.response.time_to_first_chunk: Double(0.1)',
      'flag: Bool(true)',
    ])
    expect([span.name, span.status]).toEqual(['POST /gemini/*', StatusCode.unset])
  })

  it('leaves its own GenAI attributes out beside those of another convention', () => {
    const keys = root(answered(begun()), { ...semconv, add: { 'llm.token_count.total': 'llm.totalTokens' } }).attributes
      .keys
    expect(keys.filter((key) => key.startsWith('gen_ai.'))).toEqual([])
    expect(keys.at(-1)).toBe('llm.token_count.total')
  })

  it.each([
    ['Exact', '/gemini', 'POST /gemini'],
    ['PathPrefix', '/', 'POST /*'],
    ['PathPrefix', '/gemini/', 'POST /gemini/*'],
    ['RegularExpression', '/gem.*', 'POST /gem.*'],
  ] as const)('names a span by the %s match %s', (type, value, name) => {
    const exchange = answered(begun())
    exchange.route = { ...ROUTE, matches: [{ path: { type, value }, headers: [], queryParams: [] }] }
    expect(root(exchange, semconv).name).toBe(name)
  })

  it('takes the most specific of several matches that fit', () => {
    const exchange = answered(begun({ target: '/a/b', path: '/a/b' }))
    const match = (type: 'Exact' | 'PathPrefix' | 'RegularExpression', value: string) => ({
      path: { type, value },
      headers: [],
      queryParams: [],
    })
    const prefixes = [match('RegularExpression', '.*'), match('PathPrefix', '/'), match('PathPrefix', '/a')]
    exchange.route = { ...ROUTE, matches: [...prefixes, match('PathPrefix', '/a/bc'), match('Exact', '/a')] }
    expect(root(exchange, semconv).name).toBe('POST /a/*')
    exchange.route = { ...ROUTE, matches: [...prefixes, match('Exact', '/a/b')] }
    expect(root(exchange, semconv).name).toBe('POST /a/b')
  })

  it('has names of few values for requests without a route and for methods that nobody knows', () => {
    const exchange = begun({ method: 'BREW' })
    exchange.outcome = { endMs: exchange.startMs, error: undefined, cut: undefined }
    const span = root(exchange, semconv)
    expect(span.name).toBe('HTTP')
    expect(printed(span).slice(0, 2)).toEqual([
      'http.request.method: Str(_OTHER)',
      'http.request.method_original: Str(BREW)',
    ])
  })

  it('says which port was meant when the client did not', () => {
    const exchange = begun({ authority: 'localhost' })
    exchange.listener = { ...LISTENER, port: 8443 }
    expect(printed(root(exchange, semconv))).toContain('server.port: Int(8443)')
  })

  it.each<
    [string, number | undefined, GatewayError | undefined, 'downstream' | 'upstream' | undefined, string | undefined]
  >([
    ['4xx', 404, undefined, undefined, undefined],
    [
      'an error of the client that the gateway answered',
      400,
      new GatewayError('invalid_request', 'x'),
      undefined,
      undefined,
    ],
    ['5xx of the upstream', 503, undefined, undefined, '503'],
    ['a gateway error', 502, new GatewayError('upstream_reset', 'x'), undefined, 'upstream_reset'],
    ['an answer that the upstream cut', 200, undefined, 'upstream', 'upstream_reset'],
    ['a client that left', 200, undefined, 'downstream', undefined],
  ])('%s', (_name, status, error, cut, type) => {
    const exchange = answered(begun())
    exchange.response = status === undefined ? undefined : ({ ...(exchange.response as object), status } as never)
    exchange.outcome = { endMs: exchange.startMs + 1, error, cut }
    const span = root(exchange, semconv)
    expect(span.status).toBe(type === undefined ? StatusCode.unset : StatusCode.error)
    expect(printed(span).filter((row) => row.startsWith('error.type'))).toEqual(
      type === undefined ? [] : [`error.type: Str(${type})`],
    )
  })

  it('has a CLIENT span for every attempt, with what is known of it and nothing of its path', () => {
    const exchange = answered(begun({ target: '/gemini?key=AIza' }))
    const error = new GatewayError('upstream_timeout', 'h did not answer in time')
    exchange.attempts.unshift(
      attempt(exchange.startMs + 1, {
        spanId: 'a0a0a0a0a0a0a0a0',
        host: 'h',
        port: 80,
        status: undefined,
        error,
        endMs: undefined,
      }),
    )
    exchange.attempts.push(attempt(exchange.startMs + 5, { spanId: 'a2a2a2a2a2a2a2a2', status: 429 }))
    const spans = spansOf(exchange, semconv, { ...TRACE, traceState: 'a=1', parentSpanId: 'b7ad6b7169203331' })
    expect(spans[0]).toMatchObject({ parentSpanId: 'b7ad6b7169203331', parentIsRemote: true, traceState: 'a=1' })
    const [first, second, third] = spans.slice(1) as [Span, Span, Span]
    expect(first).toMatchObject({
      traceId: TRACE.traceId,
      spanId: 'a0a0a0a0a0a0a0a0',
      parentSpanId: TRACE.spanId,
      parentIsRemote: false,
      traceState: 'a=1',
      flags: 1,
      kind: SpanKind.client,
      name: 'POST h',
      status: StatusCode.error,
      statusMessage: 'h did not answer in time',
    })
    expect(printed(first)).toEqual([
      'http.request.method: Str(POST)',
      'server.address: Str(h)',
      'server.port: Int(80)',
      'error.type: Str(upstream_timeout)',
    ])
    expect(first.endEpochMs).toBeCloseTo(epochMs(exchange.outcome?.endMs as number), 2)
    expect(printed(second)).toEqual([
      'http.request.method: Str(POST)',
      'server.address: Str(generativelanguage.googleapis.com)',
      'server.port: Int(443)',
      'http.request.resend_count: Int(1)',
      'http.response.status_code: Int(200)',
    ])
    expect([second.status, third.status]).toEqual([StatusCode.unset, StatusCode.error])
    expect(printed(third)).toEqual([
      'http.request.method: Str(POST)',
      'server.address: Str(generativelanguage.googleapis.com)',
      'server.port: Int(443)',
      'http.request.resend_count: Int(2)',
      'http.response.status_code: Int(429)',
      'error.type: Str(429)',
    ])
  })
})

describe('secrets', () => {
  const secret = 'sk-SECRET'
  const rawHeaders = [
    ...['Authorization', `Bearer ${secret}`, 'proxy-authorization', secret, 'X-Api-Key', secret],
    ...['api-key', secret, 'Cookie', `session=${secret}`, 'x-goog-api-key', secret, 'Accept', '*/*'],
  ]
  const everything = {
    all: 'toJson(request.headers)',
    auth: 'request.headers.authorization',
    odd: 'request.headers["AUTHORIZATION"]',
    cookie: 'request.headers.cookie',
    answer: 'toJson(response.headers)',
    uri: 'request.uri',
    query: 'request.pathAndQuery',
    vars: 'toJson(variables())',
  }

  it.each(['documented', 'semconv'] as const)('reach no span of profile %s, not even when asked for', (profile) => {
    const exchange = answered(begun({ rawHeaders, target: `/gemini?key=${secret}&access_token=${secret}` }))
    exchange.response = {
      status: 200,
      rawHeaders: ['set-cookie', `id=${secret}`],
      headMs: 0,
      bodyBytes: 0,
      body: undefined,
    }
    const spans = spansOf(exchange, { profile, attempts: 'always', add: everything })
    expect(spans[0]?.attributes.values).toContain('<redacted>')
    expect(failures).toEqual([])
    const text = spans.map((span) => [span.name, span.statusMessage, ...printed(span)].join('\n')).join('\n')
    expect(text).not.toContain(secret)
  })

  it('does not show what a bug or a bad request says of its cause', () => {
    const exchange = answered(begun())
    const error = new GatewayError('internal', 'internal error', { cause: new Error(`near ${secret}`) })
    exchange.outcome = { endMs: exchange.startMs, error, cut: undefined }
    const span = root(exchange)
    expect([span.statusMessage, printed(span).join()].join()).not.toContain(secret)
  })
})
