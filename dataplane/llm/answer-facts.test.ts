import fc from 'fast-check'
import { AnswerFacts } from './answer-facts.ts'

function read(bytes: Buffer, ...cuts: readonly number[]): AnswerFacts {
  const facts = new AnswerFacts()
  let from = 0
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    facts.push(Buffer.from(bytes.subarray(from, cut)))
    from = cut
  }
  facts.push(Buffer.from(bytes.subarray(from)))
  return facts
}

function plain({ id, model, serviceTier, usage, choices, hasError }: AnswerFacts): unknown {
  return { id, model, serviceTier, usage, choices, hasError }
}

const ANSWER = `{
  "usage" : { "completion_tokens_details": {"reasoning_tokens": 64, "audio_tokens":0, "accepted": [1,{"a":2}]},
    "prompt_tokens" : 19, "completion_tokens":10,"total_tokens":29 ,
    "prompt_tokens_details":{"audio_tokens":3,"cached_tokens":8} },
  "choices":[{"message":{"role":"assistant","content":"a \\"usage\\":{\\"prompt_tokens\\":7} \\\\",
    "usage":{"prompt_tokens":1},"model":"wrong"},"finish_reason":"stop","index":1,"logprobs":null},
    {"index":0,"finish_reason":"length","message":{"content":"\\u00e4ö😀\\\\\\""}}],
  "id" :"chatcmpl-\\u0031ü", "object":"chat.completion","model": "gpt-4o-2024-08-06" ,"service_tier":"default",
  "system_fingerprint":"fp","nested":[[[{"id":"wrong"}]]]
}`

const EXPECTED = {
  id: 'chatcmpl-1ü',
  model: 'gpt-4o-2024-08-06',
  serviceTier: 'default',
  usage: {
    inputTokens: 19,
    outputTokens: 10,
    totalTokens: 29,
    cachedInputTokens: 8,
    inputAudioTokens: 3,
    reasoningTokens: 64,
    outputAudioTokens: 0,
  },
  choices: [
    { index: 1, finishReason: 'stop' },
    { index: 0, finishReason: 'length' },
  ],
  hasError: false,
}

describe('AnswerFacts', () => {
  it('finds the facts wherever the answer is cut', () => {
    const bytes = Buffer.from(ANSWER)
    JSON.parse(ANSWER)
    for (let cut = 0; cut <= bytes.length; cut += 1) expect(plain(read(bytes, cut))).toEqual(EXPECTED)
  })

  it('finds the facts when every byte comes alone', () => {
    const bytes = Buffer.from(ANSWER)
    expect(plain(read(bytes, ...bytes.keys()))).toEqual(EXPECTED)
  })

  it('finds what JSON.parse finds, in any order and spacing, cut anywhere', () => {
    const count = fc.option(fc.nat(), { nil: undefined })
    const usage = fc.record({ prompt_tokens: count, completion_tokens: count, other: fc.jsonValue() })
    const choice = fc.record({
      message: fc.record({ content: fc.string({ unit: 'grapheme' }), tool: fc.jsonValue() }),
      finish_reason: fc.option(fc.string({ minLength: 1, maxLength: 100 })),
    })
    const answer = fc.record({
      model: fc.string({ minLength: 1, unit: 'grapheme', maxLength: 100 }),
      usage: fc.option(usage),
      before: fc.jsonValue(),
      choices: fc.array(choice),
      id: fc.option(fc.string({ minLength: 1, maxLength: 100 })),
    })
    const order = fc.shuffledSubarray(['model', 'usage', 'before', 'choices', 'id'], { minLength: 5 })
    const cuts = fc.array(fc.nat(), { maxLength: 20 })
    fc.assert(
      fc.property(answer, order, fc.constantFrom(undefined, 1, '\t'), cuts, (value, keys, indent, at) => {
        const ordered = Object.fromEntries(keys.map((key) => [key, value[key as keyof typeof value]]))
        const bytes = Buffer.from(JSON.stringify(ordered, undefined, indent))
        const facts = read(bytes, ...at.map((cut) => cut % (bytes.length + 1)))
        expect(facts.model).toBe(value.model)
        expect(facts.id).toBe(value.id ?? undefined)
        expect(facts.usage?.inputTokens).toBe(value.usage?.prompt_tokens)
        expect(facts.usage?.outputTokens).toBe(value.usage?.completion_tokens)
        expect(facts.usage === undefined).toBe(value.usage === null)
        expect(facts.choices.map((found) => found.finishReason)).toEqual(
          value.choices.map((made) => made.finish_reason ?? undefined),
        )
      }),
    )
  })

  it.each([
    ['{"model":"a","usage":{"prompt_tokens":1},"model":"b","usage":{"completion_tokens":2}}', 'b', { outputTokens: 2 }],
    ['{"usage":{"prompt_tokens":1},"usage":null}', undefined, undefined],
    ['{"usage":{"prompt_tokens":-1,"completion_tokens":"5","total_tokens":1.5}}', undefined, {}],
    ['{"usage":{"prompt_tokens":1e3,"completion_tokens":99999999999999999999}}', undefined, { inputTokens: 1000 }],
    ['{"usage":{"prompt_tokens":5,"prompt_tokens":null}}', undefined, {}],
    ['{"model":"","id":7}', undefined, undefined],
    ['[{"model":"a"}]', undefined, undefined],
    ['"model"', undefined, undefined],
    ['', undefined, undefined],
    ['{"us\\u0061ge":{"prompt_tokens":3}}', undefined, { inputTokens: 3 }],
  ])('reads %s', (text, model, usage) => {
    const bytes = Buffer.from(text)
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const facts = read(bytes, cut)
      expect(facts.model).toBe(model)
      expect(facts.usage).toEqual(usage)
    }
  })

  it.each(['{"id":"a"}{"id":"b"}', '{"id":"a"} x', '{"id":"a"]', '{"id":"a",,"id":"b"}', '{"id":"a","model" "b"}'])(
    'keeps what it found before %s stops being JSON',
    (text) => expect(read(Buffer.from(text)).id).toBe('a'),
  )

  it('holds little of what it does not need, however large', () => {
    const huge = 'x'.repeat(100_000)
    const text = JSON.stringify({ [huge]: huge, id: huge, choices: Array(5000).fill({ index: 9 }), model: 'm' })
    const bytes = Buffer.from(text)
    const facts = read(bytes, ...Array.from({ length: 2000 }, (_, i) => Math.floor((i * bytes.length) / 2000)))
    expect(facts.id).toBeUndefined()
    expect(facts.model).toBe('m')
    expect(facts.choices).toHaveLength(1024)
  })

  it('starts anew after a reset, wherever it was', () => {
    const bytes = Buffer.from('{"id":"first","usage":{"prompt_tokens":1},"model":"m\\')
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const facts = new AnswerFacts()
      facts.push(bytes, 0, cut)
      facts.reset()
      facts.push(Buffer.from('{"id":"second"}'))
      expect(plain(facts)).toEqual({ ...(plain(new AnswerFacts()) as object), id: 'second' })
    }
  })
})
