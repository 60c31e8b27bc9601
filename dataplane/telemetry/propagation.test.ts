import { newSpanId, newTraceId } from '../../runtime/ids.ts'
import { callerContext, formatTraceparent, parseTraceparent, validTraceState } from './propagation.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'

describe('parseTraceparent', () => {
  it('reads version 00', () => {
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-01`)).toEqual({ traceId: TRACE, spanId: SPAN, flags: 1 })
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-ff`)?.flags).toBe(255)
  })

  it.each([
    ['', 'empty'],
    [`00-${TRACE}-${SPAN}`, 'no flags'],
    [`00-${TRACE}-${SPAN}-1`, 'short flags'],
    [`00-${TRACE}-${SPAN}-01-`, 'version 00 with a rest'],
    [`00-${TRACE}-${SPAN}-01-x`, 'version 00 with a fifth field'],
    [`00-${TRACE}-${SPAN}-01x`, 'flags too long'],
    [`ff-${TRACE}-${SPAN}-01`, 'version ff'],
    [`0-${TRACE}-${SPAN}-01`, 'short version'],
    [`00-${TRACE.toUpperCase()}-${SPAN}-01`, 'upper case'],
    [`00-${'0'.repeat(32)}-${SPAN}-01`, 'trace id of zeros'],
    [`00-${TRACE}-${'0'.repeat(16)}-01`, 'span id of zeros'],
    [`00-${TRACE.slice(1)}-${SPAN}-01`, 'short trace id'],
    [`00-${TRACE}g-${SPAN}-01`, 'not hex'],
    [`00_${TRACE}_${SPAN}_01`, 'other separators'],
    [`00-${TRACE}-${SPAN}-0x`, 'flags not hex'],
    [`\n00-${TRACE}-${SPAN}-01`, 'a line feed in front'],
    [`00-${TRACE}-${SPAN}-01\n`, 'a line feed behind'],
    [`cc-${TRACE}-${SPAN}-01.rest`, 'a later version with a rest that is not set off'],
  ])('refuses %j (%s)', (text) => {
    expect(parseTraceparent(text)).toBeUndefined()
  })

  it('reads the four known fields of later versions', () => {
    expect(parseTraceparent(`cc-${TRACE}-${SPAN}-09`)).toEqual({ traceId: TRACE, spanId: SPAN, flags: 9 })
    expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`)?.spanId).toBe(SPAN)
    expect(parseTraceparent(`01-${TRACE}-${SPAN}-01-`)?.spanId).toBe(SPAN)
  })
})

describe('callerContext', () => {
  const parent = ['TraceParent', ` 00-${TRACE}-${SPAN}-01 `]

  it('finds the headers whatever their case, and joins several tracestates', () => {
    const raw = ['Host', 'a', ...parent, 'tracestate', 'a=1', 'Accept', '*/*', 'TRACESTATE', 'b=2']
    expect(callerContext(raw)).toEqual({ traceId: TRACE, spanId: SPAN, flags: 1, traceState: 'a=1,b=2' })
  })

  it('takes two traceparents as none', () => {
    expect(callerContext([...parent, ...parent])).toBeUndefined()
  })

  it('does not look at a tracestate without a traceparent, and drops a broken one', () => {
    expect(callerContext(['tracestate', 'a=1'])).toBeUndefined()
    expect(callerContext([...parent, 'tracestate', 'no equals sign'])?.traceState).toBeUndefined()
  })
})

describe('validTraceState', () => {
  it.each([
    ['rojo=00f067aa0ba902b7,congo=t61rcWkgMzE'],
    ['a=1, b=2 ,\tc=3'],
    ['tenant@system=v'],
    ['0a/b-c_d*e=!"#$%&'],
    ['a=1,,b=2'],
    [`a=${'x'.repeat(256)}`],
    [`${'k'.repeat(256)}=v`],
    [Array.from({ length: 32 }, (_, i) => `k${i}=${i}`).join(',')],
  ])('keeps %j as it came', (text) => {
    expect(validTraceState(text)).toBe(text)
  })

  it.each([
    [''],
    [' , '],
    ['a'],
    ['=1'],
    ['a='],
    ['A=1'],
    ['a=1,a=2'],
    ['a=b=c'],
    ['a=\u00e9'],
    ['a=1\n,b=2\nx'],
    [`a=${'x'.repeat(257)}`],
    [`${'k'.repeat(257)}=v`],
    [Array.from({ length: 33 }, (_, i) => `k${i}=${i}`).join(',')],
  ])('refuses %j', (text) => {
    expect(validTraceState(text)).toBeUndefined()
  })

  it('cuts a long one by whole members: the long ones first, then from the end', () => {
    const long = `long=${'x'.repeat(200)}`
    const short = Array.from({ length: 16 }, (_, i) => `k${String(i).padStart(2, '0')}=${'y'.repeat(20)}`)
    expect(validTraceState([long, ...short].join(','))).toBe(short.join(','))
    const many = Array.from({ length: 30 }, (_, i) => `k${String(i).padStart(2, '0')}=${'y'.repeat(20)}`)
    const kept = validTraceState(many.join(',')) as string
    expect(kept).toBe(many.slice(0, 20).join(','))
    expect(kept.length).toBeLessThanOrEqual(512)
  })

  it('cuts long members from the end, and only as many as it must', () => {
    const members = ['a', 'b', 'c', 'd'].map((key) => `${key}=${'x'.repeat(250)}`)
    expect(validTraceState(members.join(','))?.split(',')).toEqual([members[0], members[1]])
  })
})

describe('formatTraceparent', () => {
  it('writes version 00 with two digits of flags', () => {
    expect(formatTraceparent(TRACE, SPAN, 0)).toBe(`00-${TRACE}-${SPAN}-00`)
    expect(formatTraceparent(TRACE, SPAN, 1)).toBe(`00-${TRACE}-${SPAN}-01`)
    expect(formatTraceparent(TRACE, SPAN, 0xff)).toBe(`00-${TRACE}-${SPAN}-ff`)
  })

  it('reads back what it wrote with ids of our own, which never come twice', () => {
    const seen = new Set<string>()
    for (let i = 0; i < 2000; i++) {
      const traceId = newTraceId()
      const spanId = newSpanId()
      expect(parseTraceparent(formatTraceparent(traceId, spanId, 1))).toEqual({ traceId, spanId, flags: 1 })
      seen.add(traceId).add(spanId)
    }
    expect(seen.size).toBe(4000)
  })
})
