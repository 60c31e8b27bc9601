import fc from 'fast-check'
import { MemberReader } from './member-reader.ts'

function members(text: string): { pairs: [string, string][]; faultAt: number; end: number } {
  const bytes = Buffer.from(text)
  const reader = new MemberReader(bytes, 0, bytes.length)
  const pairs: [string, string][] = []
  while (reader.next())
    pairs.push([
      JSON.parse(bytes.toString('utf8', reader.keyStart, reader.keyEnd)),
      bytes.toString('utf8', reader.valueStart, reader.valueEnd),
    ])
  return { pairs, faultAt: reader.faultAt, end: reader.end }
}

describe('MemberReader', () => {
  it('gives each member as it stands', () => {
    const text = ' { "a" : 1 , "b":"x\\"}" ,"c":{"d":[{"a":2}]},"e":[ ] ,"\\u0066":null } '
    expect(members(text).pairs).toEqual([
      ['a', '1'],
      ['b', '"x\\"}"'],
      ['c', '{"d":[{"a":2}]}'],
      ['e', '[ ]'],
      ['f', 'null'],
    ])
    expect(members(text).end).toBe(text.length - 1)
  })

  it('agrees with JSON.parse about every object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
        const own = { ...value }
        const { pairs, faultAt } = members(JSON.stringify(own, undefined, indent))
        expect(faultAt).toBe(-1)
        expect(pairs.map(([key, raw]) => [key, JSON.parse(raw)])).toEqual(
          Object.entries(JSON.parse(JSON.stringify(own)) as object),
        )
      }),
    )
  })

  it('calls every text that is cut short no JSON', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(), (value, cut) => {
        const whole = Buffer.from(JSON.stringify(value))
        const text = whole.subarray(0, cut % whole.length)
        const reader = new MemberReader(text, 0, text.length)
        while (reader.next());
        expect(reader.end).toBe(-1)
        expect(reader.faultAt).toBeGreaterThanOrEqual(0)
        expect(reader.faultAt).toBeLessThanOrEqual(text.length)
      }),
    )
  })

  it.each([
    ['', 0],
    ['[1]', 0],
    ['"x"', 0],
    ['{', 1],
    ['{"a"', 4],
    ['{"a" 1}', 5],
    ['{"a":}', 5],
    ['{"a":1,}', 7],
    ['{,"a":1}', 1],
    ['{"a":1 "b":2}', 7],
    ['{a:1}', 1],
    ["{'a':1}", 1],
    ['{"a":[1}', 7],
    ['{"a":{"b":1]}', 11],
    ['{"a":01}', 6],
    ['{"a":truth}', 5],
    ['{"a":truex}', 9],
    ['{"a":tru', 5],
    ['{"a":-}', 5],
    ['{"a":1.}', 5],
    ['{"a":1e+}', 5],
    ['{"a":.5}', 5],
    ['{"a":1.5e-7x}', 11],
    ['{"a":"x', 7],
    ['{"a":"x\\"}', 10],
    ['{"a":[[[]', 9],
  ])('says where %j stops being JSON', (text, at) => expect(members(text).faultAt).toBe(at))

  it('stops at a nesting that nobody means', () => {
    const deep = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
    expect(members(deep).faultAt).toBe(5 + 1024)
    expect(members(`{"a":${'['.repeat(1024)}${']'.repeat(1024)}}`).faultAt).toBe(-1)
  })

  it('skips strings longer than it reads byte by byte, whatever they escape', () => {
    for (const text of [
      '"'.repeat(200),
      '\\'.repeat(201),
      `${'x'.repeat(300)}\\`,
      `${'x'.repeat(60)}"${'y'.repeat(99)}`,
    ]) {
      expect(members(JSON.stringify({ text, after: 1 })).pairs).toEqual([
        ['text', JSON.stringify(text)],
        ['after', '1'],
      ])
    }
  })
})
