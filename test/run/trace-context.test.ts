import { ask, chat } from '../support/client.ts'
import { exportStates } from '../support/export-states.ts'
import { sendLoad } from '../support/load.ts'
import { gatewayManifests, tracingConfigMap } from '../support/manifests.ts'
import type { DecodedSpan } from '../support/otlp-decoding.ts'
import { type OtlpSink, startOtlpSink } from '../support/otlp-sink.ts'
import { complete, type ScriptedUpstream, startUpstream } from '../support/upstream.ts'
import { type ManifestFolder, manifestFolder, startWeir, type WeirProcess } from '../support/weir-process.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const CALLER = 'b7ad6b7169203331'
const SERVER = 2
const CLIENT = 3
/** OTLP's span flags beside the trace flags: it is known whether the parent is remote; it is. */
const LOCAL = 0x100
const REMOTE = 0x300

/** Headers as pairs, so that a name can come twice. */
type Pairs = readonly (readonly [name: string, value: string])[]

/** What must come of a request's trace context. */
type Expected =
  /** The upstream gets the very headers that the caller sent; there are no ids and no span. */
  | 'untouched'
  | {
      readonly trace: 'caller' | 'new'
      /** Two hex digits. */
      readonly flags: string
      readonly exported: boolean
      readonly tracestate?: string
    }

/** What came of one request. */
interface Seen {
  readonly status: number
  /** `traceparent` and `tracestate` as the upstream got them; undefined when it got no request. */
  readonly upstream: Pairs | undefined
  readonly logged: { readonly traceId: string; readonly spanId: string } | undefined
  readonly spans: readonly DecodedSpan[]
}

const parent = (flags: string): readonly [string, string] => ['traceparent', `00-${TRACE}-${CALLER}-${flags}`]
const callers = (flags: string, exported: boolean, tracestate?: string): Expected => ({
  ...{ trace: 'caller', flags, exported },
  ...(tracestate === undefined ? {} : { tracestate }),
})
const fresh = (flags: string, exported: boolean): Expected => ({ trace: 'new', flags, exported })

/** What is no trace context: it counts as none. */
const INVALID: readonly (readonly [what: string, sent: Pairs])[] = [
  ['an empty traceparent', [['traceparent', '']]],
  ['no flags', [['traceparent', `00-${TRACE}-${CALLER}`]]],
  ['a fifth field in version 00', [['traceparent', `00-${TRACE}-${CALLER}-01-x`]]],
  ['version ff', [['traceparent', `ff-${TRACE}-${CALLER}-01`]]],
  ['upper-case digits', [['traceparent', `00-${TRACE.toUpperCase()}-${CALLER}-01`]]],
  ['no hex', [['traceparent', `00-${TRACE.replace('0', 'g')}-${CALLER}-01`]]],
  ['a short trace id', [['traceparent', `00-${TRACE.slice(1)}-${CALLER}-01`]]],
  ['a trace id of zeros', [['traceparent', `00-${'0'.repeat(32)}-${CALLER}-01`]]],
  ['a span id of zeros', [['traceparent', `00-${TRACE}-${'0'.repeat(16)}-01`]]],
  ['55 characters of garbage', [['traceparent', 'x'.repeat(55)]]],
  ['a long one', [['traceparent', `00-${'a'.repeat(5000)}`]]],
  ['two traceparents', [parent('01'), parent('01')]],
  ['a tracestate alone', [['tracestate', 'rojo=00f067aa0ba902b7']]],
  [
    'a tracestate beside a broken traceparent',
    [
      ['traceparent', 'broken'],
      ['tracestate', 'rojo=1'],
    ],
  ],
  [
    'other formats',
    [
      ['b3', `${TRACE}-${CALLER}-1`],
      ['uber-trace-id', `${TRACE}:${CALLER}:0:1`],
    ],
  ],
]

/** Rows about tracestate beside a good traceparent: what the caller sends, and what goes on. */
const TRACESTATES: readonly (readonly [what: string, sent: readonly string[], passed: string | undefined])[] = [
  ['as it came', ['rojo=00f067aa0ba902b7,congo=t61rcWkgMzE'], 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE'],
  ['with its blanks', ['rojo=1 , congo=2'], 'rojo=1 , congo=2'],
  ['joined from two lines', ['rojo=1', 'congo=2'], 'rojo=1,congo=2'],
  ['not when it breaks the grammar', ['no equals sign'], undefined],
  ['not with a key twice', ['rojo=1,rojo=2'], undefined],
  ['not with 33 members', [Array.from({ length: 33 }, (_, i) => `k${i}=v`).join(',')], undefined],
]

const MAX_LENGTH = 512
const TOO_LONG = Array.from({ length: 30 }, (_, i) => `key${i}=${'v'.repeat(20)}`).join(',')

function isTraceHeader(name: string): boolean {
  return ['traceparent', 'tracestate'].includes(name.toLowerCase())
}

function pairsOf(raw: readonly string[]): Pairs {
  return raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1] as string] as const] : []))
}

function headersOf(pairs: Pairs): Record<string, string[]> {
  const headers: Record<string, string[]> = {}
  for (const [name, value] of pairs) headers[name] = [...(headers[name] ?? []), value]
  return headers
}

describe.each(['documented', 'semconv'] as const)('trace context in profile %s', (profile) => {
  let folder: ManifestFolder
  let upstream: ScriptedUpstream
  let sink: OtlpSink
  let weir: WeirProcess
  let running = ''

  /** A tracing ConfigMap of that profile; an exporter that sends at once, so that no row waits for a batch. */
  const tracing = (decisions: readonly string[]): string => {
    const exporter = `{name: sink, otlpEndpoint: "http://127.0.0.1:${sink.grpcPort}", queue: {maxCoalescingDelay: 0.001}}`
    const keys = [`profile: ${profile}`, ...decisions, `exporters: [${exporter}]`]
    return tracingConfigMap({ config: ['tracing:', ...keys.map((line) => `  ${line}`)] })
  }

  beforeAll(async () => {
    upstream = await startUpstream(complete)
    sink = await startOtlpSink()
    running = tracing([])
    folder = manifestFolder({ 'gateway.yaml': gatewayManifests(upstream.port), 'tracing.yaml': running })
    weir = await startWeir({ paths: [folder.path], ports: [8080] })
  })

  afterAll(async () => {
    await weir?.stop()
    await upstream?.close()
    await sink?.close()
    folder?.delete()
  })

  /** Decides like this from the next request on: the ConfigMap changes, the process goes on. */
  const decide = async (...decisions: readonly string[]): Promise<void> => {
    const wanted = tracing(decisions)
    if (wanted === running) return
    const applied = (): number => weir.logLines.filter((line) => line.msg === 'applied').length
    const before = applied()
    folder.write('tracing.yaml', wanted)
    await weir.waitForLog(() => applied() > before)
    running = wanted
  }

  const ended = async (): Promise<number> => exportStates(await weir.metrics(), 'sink').ended

  /** Sends one request and waits for all that weir says of it. */
  const send = async (headers: Pairs, path = '/chat'): Promise<Seen> => {
    const before = {
      ended: await ended(),
      spans: sink.spans().length,
      lines: weir.accessLines.length,
      requests: upstream.requests.length,
    }
    const { status } = await ask(weir.port(8080), { path, body: chat({ model: 'm' }), headers: headersOf(headers) })
    const line = (await weir.waitForAccessLines(before.lines + 1))[before.lines] as string
    // An exchange is counted before its line is written, so what is not counted now is not exported at all.
    const isExported = (await ended()) > before.ended
    const spans = isExported ? (await sink.waitForSpans(before.spans + 1)).slice(before.spans) : []
    const sent = upstream.requests[before.requests]
    const ids = / trace\.id=(\S+) span\.id=(\S+)/.exec(line)
    return {
      status,
      upstream: sent && pairsOf(sent.rawHeaders).filter(([name]) => isTraceHeader(name)),
      logged: ids === null ? undefined : { traceId: ids[1] as string, spanId: ids[2] as string },
      spans,
    }
  }

  const expectRoot = (seen: Seen, expected: Exclude<Expected, 'untouched'>, traceId: string): DecodedSpan => {
    const root = seen.spans.find((span) => span.kind === SERVER) as DecodedSpan
    expect(root).toMatchObject({
      traceId,
      spanId: seen.logged?.spanId,
      parentSpanId: expected.trace === 'caller' ? CALLER : '',
      traceState: expected.tracestate ?? '',
      flags: (expected.trace === 'caller' ? REMOTE : LOCAL) | Number.parseInt(expected.flags, 16),
      links: [],
    })
    if (profile === 'documented') {
      const of = (key: string): unknown => root.attributes.find((one) => one.key === key)?.value
      expect([of('trace.id'), of('span.id')]).toEqual([traceId, root.spanId])
    }
    return root
  }

  /** The span that is the upstream's parent: the root itself, or, in semconv, the attempt's. */
  const expectSpans = (seen: Seen, expected: Exclude<Expected, 'untouched'>, traceId: string): DecodedSpan => {
    const root = expectRoot(seen, expected, traceId)
    expect(seen.spans).toHaveLength(profile === 'documented' ? 1 : 2)
    if (profile === 'documented') return root
    const attempt = seen.spans.find((span) => span.kind === CLIENT) as DecodedSpan
    expect(attempt).toMatchObject({
      traceId,
      parentSpanId: root.spanId,
      traceState: expected.tracestate ?? '',
      flags: LOCAL | Number.parseInt(expected.flags, 16),
    })
    return attempt
  }

  const check = async (sent: Pairs, expected: Expected): Promise<void> => {
    const seen = await send(sent)
    expect(seen.status).toBe(200)
    if (expected === 'untouched') {
      expect(seen).toMatchObject({ logged: undefined, spans: [] })
      expect(seen.upstream).toEqual(sent.filter(([name]) => isTraceHeader(name)))
      return
    }
    const [[name, value] = ['', ''], ...others] = seen.upstream ?? []
    expect(name).toBe('traceparent')
    const [, traceId = '', spanId, flags] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(value) ?? []
    expect(flags).toBe(expected.flags)
    expect(others).toEqual(expected.tracestate === undefined ? [] : [['tracestate', expected.tracestate]])
    if (expected.trace === 'caller') expect(traceId).toBe(TRACE)
    else expect([TRACE, '0'.repeat(32)]).not.toContain(traceId)
    expect([CALLER, '0'.repeat(16)]).not.toContain(spanId)
    expect(seen.logged?.traceId).toBe(traceId)
    expect(seen.spans.length > 0).toBe(expected.exported)
    expect(spanId).toBe(expected.exported ? expectSpans(seen, expected, traceId).spanId : seen.logged?.spanId)
  }

  const unsampled: Expected = profile === 'documented' ? 'untouched' : fresh('00', false)
  const sampled = fresh('01', true)

  describe('nothing configured', () => {
    beforeAll(() => decide())

    it('does not sample a request without context', () => check([], unsampled))

    it.each(INVALID)('takes %s as no context', (_, sent) => check(sent, unsampled))

    it.each([
      ['01', '01', true],
      ['00', '00', false],
      ['02', '02', false],
      ['03', '03', true],
      // Bits that W3C has not given a meaning: the documents keep the caller's flags, OpenTelemetry passes no such bit on.
      ['ff', profile === 'documented' ? 'ff' : '03', true],
      ['fe', profile === 'documented' ? 'fe' : '02', false],
    ])("continues the caller's trace with flags %s", (flags, passed, exported) =>
      check([parent(flags)], callers(passed, exported)),
    )

    it('reads a later version and speaks its own', () =>
      check([['TRACEPARENT', `cc-${TRACE}-${CALLER}-01-what-the-future-holds`]], callers('01', true)))

    it.each(TRACESTATES)('passes tracestate on: %s', (_, sent, passed) =>
      check([parent('01'), ...sent.map((value) => ['tracestate', value] as const)], callers('01', true, passed)),
    )

    it('passes tracestate on where nothing is exported', () =>
      check([parent('00'), ['tracestate', 'rojo=1']], callers('00', false, 'rojo=1')))

    it('cuts a tracestate that is too long by whole members', async () => {
      const seen = await send([parent('01'), ['tracestate', TOO_LONG]])
      const passed = seen.upstream?.find(([name]) => name === 'tracestate')?.[1] ?? ''
      expect(passed.length).toBeGreaterThan(MAX_LENGTH / 2)
      expect(passed.length).toBeLessThanOrEqual(MAX_LENGTH)
      expect(TOO_LONG.startsWith(`${passed},`)).toBe(true)
      expect(seen.spans.map((span) => span.traceState)).toEqual(seen.spans.map(() => passed))
    })

    it('passes baggage and the headers of other formats on as they are', async () => {
      const others: Pairs = [
        ['baggage', 'tenant=a;p=1, user=%C3%A9'],
        ['b3', '0'],
        ['x-datadog-trace-id', '1'],
      ]
      await check([parent('01'), ...others], callers('01', true))
      const names = others.map(([name]) => name)
      const raw = upstream.requests.at(-1)?.rawHeaders ?? []
      expect(pairsOf(raw).filter(([name]) => names.includes(name))).toEqual(others)
    })

    it('traces a request that no route takes', async () => {
      const seen = await send([parent('01'), ['tracestate', 'rojo=1']], '/nowhere')
      expect([seen.status, seen.upstream]).toEqual([404, undefined])
      expectRoot(seen, { trace: 'caller', flags: '01', exported: true, tracestate: 'rojo=1' }, TRACE)
      expect(seen.spans).toHaveLength(1)
    })
  })

  describe('randomSampling: true', () => {
    beforeAll(() => decide('randomSampling: true'))

    it('starts a trace', () => check([], sampled))

    it.each(INVALID)('starts a trace in place of %s', (_, sent) => check(sent, sampled))

    it("has no say where the caller's context is good", async () => {
      await check([parent('01')], callers('01', true))
      await check([parent('00')], callers('00', false))
    })
  })

  describe('randomSampling in its other forms', () => {
    it.each([
      ['false', false],
      ['0', false],
      ['1', true],
      ["'true'", true],
      ["'false'", false],
      ["'1.0'", true],
      [`'request.path == "/chat"'`, true],
      [`'request.path == "/other"'`, false],
      // An expression that yields neither a bool nor a number, or fails, samples nothing.
      [`'"true"'`, false],
      [`'request.headers["missing"] == "yes"'`, false],
    ])('%s', async (value, isSampled) => {
      await decide(`randomSampling: ${value}`)
      await check([], isSampled ? sampled : unsampled)
      await check([parent('01')], callers('01', true))
    })

    it('an expression decides request by request, by a bool or by a probability', async () => {
      await decide(`randomSampling: 'request.headers["x-sample"] == "yes"'`)
      await check([['x-sample', 'yes']], sampled)
      await check([['x-sample', 'no']], unsampled)
      await decide(`randomSampling: 'double(request.headers["x-rate"])'`)
      await check([['x-rate', '1']], sampled)
      await check([['x-rate', '0']], unsampled)
      await check([['x-rate', 'often']], unsampled)
    })
  })

  describe('clientSampling', () => {
    const context: Pairs = [parent('01'), ['tracestate', 'rojo=1']]
    const continued = callers('01', true, 'rojo=1')
    /** In semconv the caller's flag alone decides. */
    const refused: Expected = profile === 'documented' ? 'untouched' : continued

    it.each([
      ['true', continued],
      ['1', continued],
      [`'request.headers["tracestate"] == "rojo=1"'`, continued],
      ['false', refused],
      ['0', refused],
      [`'request.path == "/other"'`, refused],
      [`'request.headers["missing"] == "yes"'`, refused],
    ])('%s', async (value, expected) => {
      await decide('randomSampling: true', `clientSampling: ${value}`)
      await check(context, expected)
      await check([], sampled)
    })

    it('decides whatever the flag says', async () => {
      await decide('clientSampling: false')
      await check([parent('00')], profile === 'documented' ? 'untouched' : callers('00', false))
      await decide('clientSampling: true')
      await check([parent('00')], callers('00', false))
    })

    it('lets even a broken tracestate pass where it says no', async () => {
      await decide('clientSampling: false')
      const broken: Pairs = [parent('01'), ['tracestate', 'rojo=1,rojo=2'], ['tracestate', '?']]
      await check(broken, profile === 'documented' ? 'untouched' : callers('01', true))
    })
  })

  /** How many of 200 requests were exported. Outside of 40 to 160 a fair coin falls once in 10^16 runs. */
  const exportedOf200 = async (headers: Pairs): Promise<number> => {
    const before = { ended: await ended(), lines: weir.accessLines.length }
    const request = { path: '/chat', body: chat({ model: 'm' }), headers: headersOf(headers) }
    await sendLoad({ port: weir.port(8080), count: 200, concurrency: 8, request: () => request })
    await weir.waitForAccessLines(before.lines + 200)
    return (await ended()) - before.ended
  }

  it('takes a number as a probability', async () => {
    await decide('randomSampling: 0.5', 'clientSampling: 0.5')
    const random = await exportedOf200([])
    expect(random).toBeGreaterThan(40)
    expect(random).toBeLessThan(160)
    const client = await exportedOf200([parent('01')])
    if (profile === 'documented') expect(client).toBeLessThan(160)
    expect(client).toBeGreaterThan(profile === 'documented' ? 40 : 199)
  })
})
