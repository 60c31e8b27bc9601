import { compileExpression } from '../../../contract/cel/compile.ts'
import {
  CelDuration,
  CelFlattened,
  CelTimestamp,
  type CelValue,
  type CelVariables,
} from '../../../contract/cel/program.ts'
import { Attributes } from '../attributes.ts'
import { setValue, type ValueStyle } from './attribute-values.ts'

const SPAN_STYLE: ValueStyle = { booleans: 'string', maxLength: 65_536 }

function written(value: CelValue, style: Partial<ValueStyle> = {}, to = new Attributes()): unknown[][] {
  setValue(to, 'k', value, { ...SPAN_STYLE, ...style })
  return to.keys.map((key, i) => [key, to.kinds[i], to.values[i]])
}

function evaluated(source: string, variables: CelVariables): CelValue {
  const compiled = compileExpression(source, { phase: 'end' })
  if (!compiled.ok) throw new Error(compiled.problem.message)
  const result = compiled.program.evaluate(variables)
  if (!result.ok) throw new Error(result.failure)
  return result.value
}

describe('setValue', () => {
  it.each<[string, CelValue, unknown[][]]>([
    ['string', 'hi', [['k', 'string', 'hi']]],
    ['empty string', '', [['k', 'string', '']]],
    ['int', 8n, [['k', 'int', 8n]]],
    ['smallest int', -(2n ** 63n), [['k', 'int', -(2n ** 63n)]]],
    ['largest int', 2n ** 63n - 1n, [['k', 'int', 2n ** 63n - 1n]]],
    ['uint above int64', 2n ** 64n - 1n, [['k', 'double', 18446744073709552000]]],
    ['double', 0.5, [['k', 'double', 0.5]]],
    ['whole double', 2, [['k', 'double', 2]]],
    ['bytes', new Uint8Array([1, 2, 255]), [['k', 'string', 'AQL/']]],
    ['timestamp', new CelTimestamp('2026-01-01T00:00:00Z'), [['k', 'string', '2026-01-01T00:00:00Z']]],
    ['duration', new CelDuration('1.5s'), [['k', 'string', '1.5s']]],
    ['null', null, []],
    ['list', [1n, 'a', null, true, [0.5]], [['k', 'string', '[1,"a",null,true,[0.5]]']]],
    ['empty list', [], [['k', 'string', '[]']]],
    ['map', { role: 'user', content: 'a "b"\n' }, [['k', 'string', '{"role":"user","content":"a \\"b\\"\\n"}']]],
  ])('%s', (_name, value, expected) => {
    expect(written(value)).toEqual(expected)
  })

  it('writes booleans as the profile has them', () => {
    expect(written(true)).toEqual([['k', 'string', 'true']])
    expect(written(false)).toEqual([['k', 'string', 'false']])
    expect(written(true, { booleans: 'bool' })).toEqual([['k', 'bool', true]])
  })

  it('writes valid JSON, with all digits of ints, and breaks no line', () => {
    const value: CelValue = {
      big: 2n ** 63n - 1n,
      bytes: new Uint8Array([1, 2, 255]),
      at: new CelTimestamp('2026-01-01T00:00:00Z'),
      took: new CelDuration('1.5s'),
      odd: Number.NaN,
      marked: new CelFlattened(['x'], true),
      seps: '\u2028\u0085\u202e\u0000',
    }
    const [[, , json]] = written(value) as [[string, string, string]]
    expect(json).not.toMatch(/[\p{Cc}\u2028\u202e]/u)
    expect(json).toContain('"big":9223372036854775807')
    expect(JSON.parse(json)).toEqual({
      big: Number(2n ** 63n - 1n),
      bytes: 'AQL/',
      at: '2026-01-01T00:00:00Z',
      took: '1.5s',
      odd: 'NaN',
      marked: ['x'],
      seps: '\u2028\u0085\u202e\u0000',
    })
  })

  it('stops writing soon after the limit, however much there is', () => {
    const list = Array.from({ length: 100_000 }, (_, i) => `message ${i}`)
    const [[, , json]] = written(list, { maxLength: 1000 }) as [[string, string, string]]
    expect(json.length).toBeGreaterThanOrEqual(1000)
    expect(json.length).toBeLessThan(1100)
    const [[, , text]] = written('x'.repeat(10_000), { maxLength: 1000 }) as [[string, string, string]]
    expect(text).toHaveLength(1000)
    const [[, , bytes]] = written(new Uint8Array(10_000), { maxLength: 1000 }) as [[string, string, string]]
    expect(bytes).toHaveLength(1000)
  })
})

describe('flatten', () => {
  const variables: CelVariables = {
    llm: {
      params: { temperature: 0.2, max_tokens: 64n },
      prompt: [
        { role: 'system', content: 'be brief' },
        { role: 'user', content: 'hi' },
      ],
      completion: ['hello'],
    },
  }

  it.each<[string, unknown[][]]>([
    [
      'flatten(llm.params)',
      [
        ['k.temperature', 'double', 0.2],
        ['k.max_tokens', 'int', 64n],
      ],
    ],
    [
      'flatten(["a", "b"])',
      [
        ['k.0', 'string', 'a'],
        ['k.1', 'string', 'b'],
      ],
    ],
    [
      'flatten(llm.prompt)',
      [
        ['k.0', 'string', '{"role":"system","content":"be brief"}'],
        ['k.1', 'string', '{"role":"user","content":"hi"}'],
      ],
    ],
    [
      'flattenRecursive(llm.prompt)',
      [
        ['k.0.role', 'string', 'system'],
        ['k.0.content', 'string', 'be brief'],
        ['k.1.role', 'string', 'user'],
        ['k.1.content', 'string', 'hi'],
      ],
    ],
    [
      'flatten_recursive(llm.prompt.map(c, {"message": c}))',
      [
        ['k.0.message.role', 'string', 'system'],
        ['k.0.message.content', 'string', 'be brief'],
        ['k.1.message.role', 'string', 'user'],
        ['k.1.message.content', 'string', 'hi'],
      ],
    ],
    [
      'flattenRecursive(llm.completion.map(c, {"role": "assistant", "content": c}))',
      [
        ['k.0.role', 'string', 'assistant'],
        ['k.0.content', 'string', 'hello'],
      ],
    ],
    [
      'llm.completion.map(c, {"role": "assistant", "content": c})',
      [['k', 'string', '[{"role":"assistant","content":"hello"}]']],
    ],
    ['flattenRecursive({"a": [], "b": {}, "c": null, "d": true})', [['k.d', 'string', 'true']]],
    [
      'flatten({"a": [], "b": {}})',
      [
        ['k.a', 'string', '[]'],
        ['k.b', 'string', '{}'],
      ],
    ],
    ['flatten([])', []],
    ['flattenRecursive({})', []],
    ['flatten({"in": flatten({"a": 1})})', [['k.in.a', 'int', 1n]]],
    [
      'flattenRecursive([[1, [2]], 3])',
      [
        ['k.0.0', 'int', 1n],
        ['k.0.1.0', 'int', 2n],
        ['k.1', 'int', 3n],
      ],
    ],
  ])('%s', (source, expected) => {
    expect(written(evaluated(source, variables))).toEqual(expected)
  })

  it('lets the last writer of a key win, in the place of the first', () => {
    const to = new Attributes()
    to.set('k.temperature', 'string', 'built in')
    to.set('z', 'string', 'z')
    expect(written(evaluated('flatten(llm.params)', variables), {}, to)).toEqual([
      ['k.temperature', 'double', 0.2],
      ['z', 'string', 'z'],
      ['k.max_tokens', 'int', 64n],
    ])
  })

  it('does not walk through what does not fit, however much a client sent', () => {
    let read = 0
    const messages = Array.from({ length: 50_000 }, () => ({
      get role() {
        read += 1
        return 'user'
      },
    }))
    const to = new Attributes(100)
    written(new CelFlattened(messages, true), {}, to)
    expect(to.size).toBe(100)
    expect(to.dropped).toBe(49_900)
    expect(read).toBe(100)
  })

  it('ends at a depth of its own', () => {
    let value: CelValue = 'deep'
    for (let i = 0; i < 5000; i++) value = [value]
    const [[key]] = written(new CelFlattened(value as readonly CelValue[], true)) as [[string]]
    expect(key.split('.').length).toBeLessThan(50)
  })
})
