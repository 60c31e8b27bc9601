import { compileExpression } from '../../../contract/cel/compile.ts'
import { telemetryConfig } from '../../../contract/telemetry-config.ts'
import { epochMs } from '../../../runtime/clock.ts'
import { answered, attempt, begun, llmFacts } from '../../../test/support/exchange.ts'
import type { Exchange } from '../../exchange.ts'
import { GatewayError } from '../../fault.ts'
import { planVariables, variablesOf } from '../exchange-variables.ts'
import { ProgramCache } from '../fields.ts'
import { AccessLog } from './access-log.ts'
import { timeText } from './log-line.ts'

interface Given {
  readonly add?: { readonly [name: string]: string }
  readonly remove?: readonly string[]
  readonly filter?: string
  readonly format?: 'text' | 'json'
}

function lines(exchange: Exchange, given: Given = {}): string[] {
  const add = Object.entries(given.add ?? {}).map(([name, expression]) => ({ name, expression }))
  const { logging } = telemetryConfig.parse({
    logging: { fields: { add, remove: given.remove ?? [] }, filter: given.filter, format: given.format },
  })
  const programs = new ProgramCache(
    (source) => compileExpression(source, { phase: 'end' }),
    () => {},
  )
  const written: string[] = []
  const target = { write: (line: string) => void written.push(line) }
  const log = new AccessLog(logging, 'ns/gw', 'text', target, programs, { count: () => {} })
  log.write(exchange, variablesOf(exchange, planVariables(programs.mentions()), {}))
  return written
}

function traced(exchange: Exchange): Exchange {
  exchange.trace = {
    traceId: 'd65e4eeb983e2d964e71e8dc8c405f97',
    spanId: 'b836e1b1d51b3e74',
    parentSpanId: undefined,
    flags: 1,
    traceState: undefined,
    exported: true,
  }
  return exchange
}

function endOf(exchange: Exchange): string {
  return timeText(epochMs(exchange.outcome?.endMs as number))
}

const SAMPLE =
  'gateway=kgateway-system/agentgateway listener=http route=kgateway-system/google ' +
  'endpoint=generativelanguage.googleapis.com:443 src.addr=127.0.0.1:49576 http.method=POST http.host=localhost ' +
  'http.path=/gemini http.version=HTTP/1.1 http.status=200 trace.id=d65e4eeb983e2d964e71e8dc8c405f97 ' +
  'span.id=b836e1b1d51b3e74 llm.provider=gemini llm.request.model= llm.request.tokens=8 ' +
  'llm.response.model=gemini-1.5-flash-latest llm.response.tokens=313 duration=3165ms'

describe('AccessLog', () => {
  it('writes the line of the Gemini document, from its first to its last character', () => {
    const exchange = traced(answered(begun()))
    expect(lines(exchange)).toEqual([`${endOf(exchange)}\tinfo\trequest ${SAMPLE}\n`])
  })

  it('puts configured fields behind the duration, in their order, and flattens', () => {
    const exchange = traced(answered(begun(), llmFacts({ params: { temperature: 0.2, max_tokens: 64n } })))
    const add = {
      user: '"al\\"ice\\n"',
      tokens: 'llm.totalTokens',
      stream: 'llm.streaming',
      missing: 'jwt.sub',
      params: 'flatten(llm.params)',
      roles: '["user", "assistant"]',
      'headers.accept': 'request.headers["user-agent"]',
    }
    expect(lines(exchange, { add })).toEqual([
      `${endOf(exchange)}\tinfo\trequest ${SAMPLE} user="al\\"ice\\n" tokens=321 stream=false params.temperature=0.2 ` +
        'params.max_tokens=64 roles="[\\"user\\",\\"assistant\\"]" headers.accept="curl/8.5.0"\n',
    ])
  })

  it('leaves out what is removed or added by another expression', () => {
    const exchange = answered(begun())
    const [line] = lines(exchange, { add: { 'http.host': '"other"' }, remove: ['endpoint', 'duration', 'gateway'] })
    expect(line).toBe(
      `${endOf(exchange)}\tinfo\trequest listener=http route=kgateway-system/google src.addr=127.0.0.1:49576 ` +
        'http.method=POST http.path=/gemini http.version=HTTP/1.1 http.status=200 llm.provider=gemini ' +
        'llm.request.model= llm.request.tokens=8 llm.response.model=gemini-1.5-flash-latest ' +
        'llm.response.tokens=313 http.host="other"\n',
    )
  })

  it('writes retries as a number and the error in quotes', () => {
    const exchange = begun()
    const error = new GatewayError('upstream_reset', 'b:1 closed the "connection"')
    exchange.attempts.push(attempt(0, { endpoint: 'a:1' }), attempt(0, { endpoint: 'b:1' }))
    exchange.outcome = { endMs: exchange.startMs + 12.9, error, cut: undefined }
    expect(lines(exchange)).toEqual([
      `${endOf(exchange)}\tinfo\trequest gateway=kgateway-system/agentgateway listener=http endpoint=b:1 ` +
        'src.addr=127.0.0.1:49576 http.method=POST http.host=localhost http.path=/gemini http.version=HTTP/1.1 ' +
        'retry.attempt=1 error="b:1 closed the \\"connection\\"" duration=12ms\n',
    ])
  })

  it('writes only where the filter yields true', () => {
    const exchange = answered(begun())
    expect(lines(exchange, { filter: 'response.code >= 200' })).toHaveLength(1)
    expect(lines(exchange, { filter: 'response.code >= 500' })).toEqual([])
    expect(lines(exchange, { filter: 'request.headers["nope"] == "x"' })).toEqual([])
    expect(lines(exchange, { filter: '"true"' })).toEqual([])
    expect(lines(exchange, { filter: 'does not compile (' })).toEqual([])
  })

  it('writes JSON with the same keys in the same order', () => {
    const exchange = traced(answered(begun()))
    const [line] = lines(exchange, { format: 'json', add: { user: '"alice"', ok: 'true' } })
    const parsed = JSON.parse(line as string)
    const keys = SAMPLE.split(' ').map((pair) => pair.split('=')[0])
    expect(Object.keys(parsed)).toEqual(['level', 'time', 'scope', ...keys, 'user', 'ok'])
    expect(parsed).toMatchObject({ 'http.status': 200, 'llm.request.model': '', duration: '3165ms', ok: true })
  })

  it.each([
    ['target', '/a\nhttp.status=200'],
    ['target', '/a trace.id=1 "'],
    ['host', 'a\r\nb'],
    ['method', 'GET\u2028x'],
  ])('lets no client start a line or a pair of its own through %s', (field, value) => {
    const exchange = answered(begun({ [field]: value }))
    const [line, ...others] = lines(exchange) as [string]
    expect(others).toEqual([])
    expect(line.slice(0, -1)).not.toMatch(/[\n\r\u2028\u2029]/)
    const bare = line.replace(/"(?:[^"\\]|\\.)*"/g, '""')
    expect(bare.match(/ http\.status=/g)).toEqual([' http.status='])
    expect(bare).not.toContain('trace.id=')
  })

  it('lets no client do it through names that an expression takes from its JSON either', () => {
    const body = Buffer.from(JSON.stringify({ 'a\n2025 x=1': 'v\nw', 'b c': 'd' }))
    const [line, ...others] = lines(answered(begun({ body })), { add: { k: 'flatten(json(request.body))' } }) as [
      string,
    ]
    expect(others).toEqual([])
    expect(line.endsWith('duration=3165ms "k.a\\n2025 x=1"="v\\nw" "k.b c"="d"\n')).toBe(true)
  })

  it('cuts a huge value and keeps the number of keys bounded', () => {
    const prompt = Array.from({ length: 5000 }, () => ({ role: 'user', content: 'x'.repeat(30_000) }))
    const [line] = lines(answered(begun(), llmFacts({ prompt })), { add: { p: 'flattenRecursive(llm.prompt)' } }) as [
      string,
    ]
    expect(line.length).toBeLessThan(256 * 17_000)
    expect(line.match(/ p\.\d+\.content="x{16384}"/g)?.length).toBeGreaterThan(100)
  })
})
