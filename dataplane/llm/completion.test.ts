import { Completion } from './completion.ts'
import { promptMessages } from './prompt.ts'

function completionOf(limit: number, ...values: readonly unknown[]): Completion {
  const completion = new Completion(limit)
  for (const value of values) completion.add(value)
  return completion
}

describe('Completion', () => {
  it('reads a whole answer', () => {
    const call = (id: string): object => ({ id, type: 'function', function: { name: `f${id}`, arguments: '{}' } })
    const completion = completionOf(1000, {
      choices: [
        {
          index: 1,
          message: { content: [{ type: 'text', text: 'b' }, { type: 'refusal' }, { type: 'text', text: 'c' }] },
        },
        { index: 0, message: { content: null, tool_calls: [call('1'), call('2')] } },
      ],
    })
    expect(completion.texts()).toEqual(['', 'b c'])
    expect(completion.toolCalls()).toEqual([
      { id: '1', name: 'f1', arguments: '{}' },
      { id: '2', name: 'f2', arguments: '{}' },
    ])
  })

  it.each([
    undefined,
    null,
    'text',
    [],
    {},
    { choices: 5 },
    { choices: [null, 'x', 5, {}, { message: null }, { delta: [] }] },
    { choices: [{ message: { content: 5, tool_calls: 'x' } }] },
    { choices: [{ message: { tool_calls: [null, 5, { function: null }] } }] },
    JSON.parse('{"__proto__":{"choices":[{"message":{"content":"x"}}]}}'),
  ])('makes nothing up out of %j', (value) => {
    const completion = completionOf(1000, value)
    expect(completion.texts().join('')).toBe('')
    expect(completion.toolCalls()).toEqual([])
  })

  it('keeps what fits into its limit, and no more', () => {
    const delta = (content: string): object => ({ choices: [{ index: 0, delta: { content } }] })
    expect(completionOf(10, delta('12345'), delta('67890'), delta('x')).texts()).toEqual(['1234567890'])
    expect(completionOf(10, delta('12345'), delta('678901'), delta('x')).texts()).toEqual(['12345'])
  })

  it('bounds choices and tool calls', () => {
    const completion = new Completion(1_000_000)
    for (let index = 0; index < 3000; index += 1) {
      completion.add({ choices: [{ index, delta: { content: 'x' } }] })
      completion.add({ choices: [{ index: 0, delta: { tool_calls: [{ index, function: { name: 'f' } }] } }] })
    }
    expect(completion.texts()).toHaveLength(1024)
    expect(completion.toolCalls()).toHaveLength(1024)
  })
})

describe('promptMessages', () => {
  const prompt = (text: string): unknown => {
    const bytes = Buffer.from(`xx${text}yy`)
    return promptMessages(bytes, { start: 2, end: bytes.length - 2 })
  }

  it.each([
    ['[{"role":"user","content":"ä"}]', [{ role: 'user', content: 'ä' }]],
    [
      '[{"role":"tool","content":null},{"role":"user"}]',
      [
        { role: 'tool', content: '' },
        { role: 'user', content: '' },
      ],
    ],
    ['[{"content":"x"},5,null,[],{"role":7}]', []],
    ['{"role":"user"}', undefined],
    ['[{"role":}]', undefined],
  ])('reads %s', (text, expected) => expect(prompt(text)).toEqual(expected))
})
