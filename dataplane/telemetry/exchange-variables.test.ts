import { compileExpression } from '../../contract/cel/compile.ts'
import { CEL_VARIABLES } from '../../contract/cel/environment.ts'
import { CelDuration, CelTimestamp, type CelValue } from '../../contract/cel/program.ts'
import { epochMs } from '../../runtime/clock.ts'
import { answered, BACKEND, begun, llmFacts, ROUTE } from '../../test/support/exchange.ts'
import { type Exchange, NO_CAPTURE } from '../exchange.ts'
import { captureFor, planVariables, variablesOf } from './exchange-variables.ts'

const ENVIRONMENT = { podName: 'gw-1', namespace: 'ns', gateway: 'agentgateway' }

function evaluated(exchange: Exchange, source: string): CelValue | string {
  const compiled = compileExpression(source, { phase: 'end' })
  if (!compiled.ok) throw new Error(compiled.problem.message)
  const { program } = compiled
  const result = program.evaluate(variablesOf(exchange, planVariables(program.mentions), ENVIRONMENT))
  return result.ok ? result.value : `failed: ${result.failure}`
}

/** An exchange in which every variable that is built has a value. */
function full(): Exchange {
  const exchange = begun({
    target: '/gemini/x?a=1',
    path: '/gemini/x',
    scheme: 'https',
    rawHeaders: ['Host', 'localhost:8080', 'X-Tag', 'one', 'x-tag', 'two', 'Authorization', 'Bearer s3cret'],
    body: Buffer.from('{"model":""}'),
    peer: { address: '::ffff:10.0.0.9', port: 51234 },
  })
  const facts = llmFacts({
    streaming: true,
    firstTokenMs: exchange.startMs + 250,
    outputTokens: 11,
    serviceTier: 'default',
    cachedInputTokens: 1,
    cacheCreationInputTokens: 2,
    reasoningTokens: 3,
    inputAudioTokens: 4,
    outputAudioTokens: 5,
    prompt: [{ role: 'user', content: 'hi' }],
    completion: ['hello'],
    toolCalls: [{ id: 'call_1', name: 'fetch', arguments: '{}' }],
    params: { temperature: 0.5, max_tokens: 64n },
  })
  answered(exchange, facts)
  exchange.route = { ...ROUTE, rule: 'models' }
  exchange.response = {
    status: 200,
    rawHeaders: ['Content-Type', 'application/json'],
    headMs: exchange.startMs + 3100,
    bodyBytes: 3,
    body: Buffer.from('{}\n'),
  }
  return exchange
}

describe('variablesOf', () => {
  it.each<[string, CelValue]>([
    ['request.method', 'POST'],
    ['request.uri', 'https://localhost:8080/gemini/x?a=1'],
    ['request.host', 'localhost'],
    ['request.scheme', 'https'],
    ['request.path', '/gemini/x'],
    ['request.pathAndQuery', '/gemini/x?a=1'],
    ['request.path_and_query', '/gemini/x?a=1'],
    ['request.version', 'HTTP/1.1'],
    ['request.headers["x-tag"]', ['one', 'two']],
    ['request.headers.host', 'localhost:8080'],
    ['request.headers.authorization', '<redacted>'],
    ['string(request.body)', '{"model":""}'],
    ['size(request.bodyPrefix)', 12n],
    ['response.code', 200n],
    ['response.headers["content-type"]', 'application/json'],
    ['string(response.body)', '{}\n'],
    ['source.address', '10.0.0.9'],
    ['source.port', 51234n],
    ['source.raw_address', '10.0.0.9'],
    ['source.rawPort', 51234n],
    ['destination.address', '127.0.0.1'],
    ['destination.port', 80n],
    ['backend.name + backend.type + backend.protocol', 'googleaillm'],
    ['proxy.bind', '80/kgateway-system/agentgateway'],
    ['proxy.gateway.namespace + "/" + proxy.gateway.name', 'kgateway-system/agentgateway'],
    ['proxy.listener.name', 'http'],
    ['proxy.route.namespace + proxy.route.name + proxy.route.kind', 'kgateway-systemgoogleHTTPRoute'],
    ['proxy.route.rule', 'models'],
    ['env.podName + env.namespace + env.gateway', 'gw-1nsagentgateway'],
    ['llm.streaming', true],
    ['llm.request_model', ''],
    ['llm.inputTokens', 8n],
    ['llm.output_tokens', 11n],
    ['llm.totalTokens', 321n],
    ['llm.params', { temperature: 0.5, max_tokens: 64n }],
    ['llm.prompt.map(m, m.content)', ['hi']],
    ['llm.completion', ['hello']],
    ['llm.toolCalls[0].name', 'fetch'],
  ])('%s', (source, expected) => {
    expect(evaluated(full(), source)).toEqual(expected)
  })

  it('has points and spans of time', () => {
    const exchange = full()
    expect(evaluated(exchange, 'request.startTime')).toEqual(
      new CelTimestamp(new Date(epochMs(exchange.startMs)).toISOString().replace(/\.?0*Z$/, 'Z')),
    )
    expect(evaluated(exchange, 'request.endTime > request.startTime')).toBe(true)
    expect(evaluated(exchange, 'llm.timeToFirstToken')).toEqual(new CelDuration('0.25s'))
    // (3165.4 ms - 250 ms) / (11 - 1)
    expect(evaluated(exchange, 'llm.timePerOutputToken')).toEqual(new CelDuration('0.29154s'))
    expect(evaluated(exchange, 'proxy.requestProcessingDuration')).toEqual(new CelDuration('0.001s'))
    expect(evaluated(exchange, 'proxy.upstreamDuration')).toEqual(new CelDuration('3.1s'))
    expect(evaluated(exchange, 'proxy.responseProcessingDuration')).toEqual(new CelDuration('0.0644s'))
    expect(evaluated(exchange, 'llm.timeToFirstToken < duration("1s")')).toBe(true)
  })

  it('knows every variable that the environment says is built, and no other', () => {
    const variables = variablesOf(full(), planVariables(['*']), ENVIRONMENT)
    for (const group of CEL_VARIABLES) {
      const section = variables[group.name] as { [field: string]: unknown } | undefined
      const built = (group.fields ?? []).filter((field) => field.built).map((field) => field.name)
      expect([group.name, Object.keys(section ?? {}).sort()]).toEqual([group.name, built.sort()])
    }
  })

  it('has no value for what is not there', () => {
    const exchange = begun()
    exchange.listener = undefined
    for (const source of [
      'response.code',
      'llm.provider',
      'llm.inputTokens',
      'backend.name',
      'proxy.bind',
      'proxy.gateway.name',
      'proxy.route.name',
      'proxy.upstreamDuration',
      'request.body',
      'request.endTime',
      'request.headers["x"]',
      'jwt.sub',
      'mcp.methodName',
    ]) {
      expect([source, evaluated(exchange, source)]).toEqual([source, 'failed: no_such_key'])
    }
    expect(evaluated(exchange, 'default(llm.provider, "none")')).toBe('none')
    expect(evaluated(exchange, 'has(llm.provider)')).toBe(false)
  })

  it('has no time per token where there is nothing to divide by', () => {
    const exchange = begun()
    answered(exchange, llmFacts({ streaming: true, firstTokenMs: exchange.startMs + 1, outputTokens: 1 }))
    expect(evaluated(exchange, 'llm.timePerOutputToken')).toBe('failed: no_such_key')
    const whole = answered(begun(), llmFacts({ firstTokenMs: 1 }))
    expect(evaluated(whole, 'llm.timeToFirstToken')).toBe('failed: no_such_key')
  })

  it.each([
    ['Service', { type: 'http', endpoints: [] }, 'service http'],
    ['Backend', { type: 'http', endpoints: [] }, 'static http'],
    ['Backend', { type: 'mcp', targets: [] }, 'mcp mcp'],
  ] as const)('names the kind of a %s (%j)', (resource, body, expected) => {
    const exchange = answered(begun())
    exchange.backend = { ...BACKEND, resource, body: { ...body } as never }
    expect(evaluated(exchange, 'backend.type + " " + backend.protocol')).toBe(expected)
  })

  it('reads nothing that is not mentioned', () => {
    const exchange = answered(begun())
    Object.defineProperty(exchange.llm, 'prompt', {
      get() {
        throw new Error('read')
      },
    })
    expect(evaluated(exchange, 'llm.provider')).toBe('gemini')
    expect(evaluated(exchange, 'llm.prompt')).toBe('failed: other')
  })
})

describe('captureFor', () => {
  it('asks for nothing that nobody mentions', () => {
    expect(captureFor(['llm.provider', 'request.headers'])).toEqual(NO_CAPTURE)
  })

  it.each([
    ['llm.prompt', 'prompt'],
    ['llm.completion', 'completion'],
    ['llm.toolCalls', 'toolCalls'],
    ['llm.params', 'params'],
    ['request.body', 'requestBody'],
    ['request.bodyPrefix', 'requestBody'],
    ['response.body', 'responseBody'],
    ['response.bodyPrefix', 'responseBody'],
  ])('asks for what %s needs', (mention, part) => {
    expect(captureFor([mention])).toEqual({ ...NO_CAPTURE, [part]: true })
  })

  it.each([
    ['toJson(llm)', ['prompt', 'completion', 'toolCalls', 'params']],
    ['request["body"]', ['requestBody']],
    ['toJson(variables())', ['prompt', 'completion', 'toolCalls', 'params', 'requestBody', 'responseBody']],
  ])('sees what %s reads', (source, parts) => {
    const compiled = compileExpression(source, { phase: 'end' })
    if (!compiled.ok) throw new Error(compiled.problem.message)
    const expected = { ...NO_CAPTURE, ...Object.fromEntries(parts.map((part) => [part, true])) }
    expect(captureFor(compiled.program.mentions)).toEqual(expected)
  })
})
