import { compileExpression } from '../../contract/cel/compile.ts'
import type { Profile, Sampling } from '../../contract/telemetry-config.ts'
import type { TraceContext } from '../exchange.ts'
import type { CallerContext } from './propagation.ts'
import { decide, rootContext, samplerOf } from './sampling.ts'

const CALLER: CallerContext = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  flags: 1,
  traceState: 'a=1',
}

function sampler(sampling: Sampling) {
  return samplerOf(sampling, (source) => {
    const result = compileExpression(source, { phase: 'request' })
    return result.ok ? result.program : undefined
  })
}

const variables = () => ({ request: { path: '/llm/chat', headers: new Map([['x-sample', '0.5']]) } })

function decided(sampling: Sampling, random = 0.3): boolean {
  return decide(sampler(sampling), { variables, random: () => random })
}

describe('decide', () => {
  it.each<[Sampling, boolean]>([
    [true, true],
    [false, false],
    [1, true],
    [0, false],
    [0.31, true],
    [0.3, false],
    [7, true],
    [-1, false],
    [Number.NaN, false],
    ['true', true],
    ['0.31', true],
    ['0.2', false],
    ['2.5', true],
    ['-0.5', false],
    ['1', true],
    ['5', true],
    ['0', false],
    ['-3', false],
    ['request.path.startsWith("/llm")', true],
    ['request.path == "/other"', false],
    ['double(request.headers["x-sample"])', true],
    ['double(request.headers["x-sample"]) - 0.4', false],
    ['"true"', false],
    ['[true]', false],
    ['null', false],
    ['request.headers["missing"] == "x"', false],
    ['double(request.path)', false],
    ['0.0 / 0.0', false],
    ['this does not compile', false],
    ['response.code == 200', false],
  ])('%j with a draw of 0.3 is %s', (sampling, expected) => {
    expect(decided(sampling)).toBe(expected)
  })

  it('draws nothing for 0 and 1', () => {
    const draw = () => {
      throw new Error('drawn')
    }
    expect(decide(1, { variables, random: draw })).toBe(true)
    expect(decide(0, { variables, random: draw })).toBe(false)
  })
})

interface Case {
  readonly profile: Profile
  readonly random?: Sampling
  readonly client?: Sampling
  readonly caller?: CallerContext
}

function contextOf({ profile, random = false, client = true, caller }: Case): TraceContext | undefined {
  const samplers = { random: sampler(random), client: sampler(client), profile }
  return rootContext(samplers, caller, { variables, random: () => 0.3 })
}

const unsampledCaller = { ...CALLER, flags: 0 }

describe('rootContext, profile documented', () => {
  const profile = 'documented'

  it('starts a sampled trace of its own when randomSampling says so', () => {
    const trace = contextOf({ profile, random: true })
    expect(trace).toMatchObject({ parentSpanId: undefined, flags: 1, traceState: undefined, exported: true })
    expect(trace?.traceId).toMatch(/^[0-9a-f]{32}$/)
    expect(trace?.spanId).toMatch(/^[0-9a-f]{16}$/)
  })

  it('leaves a request without context alone when randomSampling does not', () => {
    expect(contextOf({ profile, client: true })).toBeUndefined()
  })

  it("continues the caller's trace, whatever randomSampling says", () => {
    const trace = contextOf({ profile, random: false, caller: CALLER })
    expect(trace).toMatchObject({
      traceId: CALLER.traceId,
      parentSpanId: CALLER.spanId,
      flags: 1,
      traceState: 'a=1',
      exported: true,
    })
    expect(trace?.spanId).not.toBe(CALLER.spanId)
  })

  it("keeps the caller's flags, and exports nothing when they are off", () => {
    expect(contextOf({ profile, caller: unsampledCaller })).toMatchObject({
      traceId: CALLER.traceId,
      parentSpanId: CALLER.spanId,
      flags: 0,
      exported: false,
    })
    expect(contextOf({ profile, caller: { ...CALLER, flags: 0x03 } })).toMatchObject({ flags: 3, exported: true })
    expect(contextOf({ profile, caller: { ...CALLER, flags: 0x02 } })).toMatchObject({ flags: 2, exported: false })
  })

  it('lets the context pass when clientSampling says no, even one that is sampled', () => {
    expect(contextOf({ profile, random: true, client: false, caller: CALLER })).toBeUndefined()
    expect(contextOf({ profile, random: true, client: 0.2, caller: CALLER })).toBeUndefined()
    expect(contextOf({ profile, client: 0.4, caller: CALLER })).toMatchObject({ exported: true })
  })
})

describe('rootContext, profile semconv', () => {
  const profile = 'semconv'

  it('starts a trace of its own whose flag is the decision', () => {
    expect(contextOf({ profile, random: true })).toMatchObject({ parentSpanId: undefined, flags: 1, exported: true })
    const unsampled = contextOf({ profile, random: false })
    expect(unsampled).toMatchObject({ parentSpanId: undefined, flags: 0, exported: false })
    expect(unsampled?.traceId).toMatch(/^[0-9a-f]{32}$/)
  })

  it("obeys the caller's flag, whatever the documented settings say", () => {
    expect(contextOf({ profile, client: false, caller: CALLER })).toMatchObject({
      traceId: CALLER.traceId,
      parentSpanId: CALLER.spanId,
      flags: 1,
      traceState: 'a=1',
      exported: true,
    })
    const unsampled = contextOf({ profile, random: true, caller: unsampledCaller })
    expect(unsampled).toMatchObject({ traceId: CALLER.traceId, flags: 0, traceState: 'a=1', exported: false })
    expect(unsampled?.spanId).not.toBe(CALLER.spanId)
  })

  it('passes on that the trace id is random, and no flag that it does not know', () => {
    expect(contextOf({ profile, caller: { ...CALLER, flags: 0xff } })).toMatchObject({ flags: 3 })
    expect(contextOf({ profile, caller: { ...CALLER, flags: 0xfe } })).toMatchObject({ flags: 2, exported: false })
  })
})
