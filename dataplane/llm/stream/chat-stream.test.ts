import fc from 'fast-check'
import { type Capture, type LlmFacts, NO_CAPTURE } from '../../exchange.ts'
import { BodyPieces } from '../../http/body-pieces.ts'
import { requestFacts } from '../chat-facts.ts'
import { scanRequest } from '../request-scan.ts'
import { ChatStream, type UsageRemoval } from './chat-stream.ts'

function emptyFacts(): LlmFacts {
  const text = Buffer.from('{"model":"m","stream":true}')
  const body = new BodyPieces()
  body.append(text, text.length)
  const scan = body.read(scanRequest)
  if (scan instanceof Error) throw scan
  return requestFacts(body, scan, 'openai', NO_CAPTURE)
}

interface Read {
  readonly facts: LlmFacts
  readonly out: string
}

function read(
  text: string | Buffer,
  removal: UsageRemoval | undefined,
  cuts: readonly number[] = [],
  capture = NO_CAPTURE,
): Read {
  const bytes = Buffer.from(text)
  const facts = emptyFacts()
  const stream = new ChatStream(facts, capture, removal)
  const out: Buffer[] = []
  let from = 0
  for (const cut of [...cuts, bytes.length].sort((a, b) => a - b)) {
    const chunk = Buffer.from(bytes.subarray(from, cut))
    const passed = stream.push(chunk)
    if (removal === undefined) expect(passed).toBe(chunk)
    if (passed !== undefined) out.push(passed)
    from = cut
  }
  const tail = stream.end()
  if (tail !== undefined) out.push(tail)
  return { facts, out: Buffer.concat(out).toString() }
}

const events = (...data: readonly string[]): string => data.map((one) => `data: ${one}\n\n`).join('')

/** As OpenAI streams with `include_usage`. */
const OPENAI_EVENTS = [
  '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"x"}',
  '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp","choices":[{"index":0,"delta":{"content":"Say \\"usage\\":null, ok"},"logprobs":null,"finish_reason":null}],"usage":null}',
  '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}',
  '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":2,"audio_tokens":1}}}',
  '[DONE]',
]
const OPENAI = events(...OPENAI_EVENTS)
const OPENAI_WITHOUT = events(
  ...OPENAI_EVENTS.filter((_, place) => place !== 3).map((event) => event.replace(/\],"usage":null/, ']')),
)

/** As Azure: a first event without choices, spaces, the usage in front. */
const AZURE_EVENTS = [
  '{"usage": null, "choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]}',
  '{"choices": [{"content_filter_results": {}, "delta": {"content": "Hi"}, "finish_reason": null, "index": 0}], "usage": null, "created": 1, "id": "chatcmpl-2", "model": "gpt-4o", "object": "chat.completion.chunk"}',
  '{"choices": [{"delta": {}, "finish_reason": "length", "index": 0}], "created": 1, "id": "chatcmpl-2", "model": "gpt-4o", "usage": null}',
  '{"choices": [], "created": 1, "id": "chatcmpl-2", "model": "gpt-4o", "usage": {"total_tokens": 11, "prompt_tokens": 8, "completion_tokens": 3}}',
  '[DONE]',
]
const AZURE = events(...AZURE_EVENTS)
const AZURE_WITHOUT = events(
  '{"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]}',
  '{"choices": [{"content_filter_results": {}, "delta": {"content": "Hi"}, "finish_reason": null, "index": 0}], "created": 1, "id": "chatcmpl-2", "model": "gpt-4o", "object": "chat.completion.chunk"}',
  '{"choices": [{"delta": {}, "finish_reason": "length", "index": 0}], "created": 1, "id": "chatcmpl-2", "model": "gpt-4o"}',
  '[DONE]',
)

/** As Gemini's compatible endpoint: a growing usage in every event, none of its own. */
const GEMINI = events(
  '{"choices":[{"delta":{"content":"A","role":"assistant"},"index":0}],"created":1,"id":"g1","model":"gemini-2.5-flash","object":"chat.completion.chunk","usage":{"completion_tokens":1,"prompt_tokens":5,"total_tokens":40}}',
  '{"choices":[{"delta":{"content":"B","role":"assistant"},"finish_reason":"stop","index":0}],"created":1,"id":"g1","model":"gemini-2.5-flash","object":"chat.completion.chunk","usage":{"completion_tokens":7,"prompt_tokens":5,"total_tokens":46}}',
  '[DONE]',
)
const GEMINI_WITHOUT = GEMINI.replace(/,"usage":\{[^}]*\}/g, '')

const CASES: readonly (readonly [string, string, string, UsageRemoval, Partial<LlmFacts>])[] = [
  [
    'OpenAI',
    OPENAI,
    OPENAI_WITHOUT,
    { besideChoices: false },
    {
      responseId: 'chatcmpl-1',
      responseModel: 'gpt-4o-2024-08-06',
      serviceTier: 'default',
      finishReasons: ['stop'],
      inputTokens: 9,
      outputTokens: 12,
      totalTokens: 21,
      cachedInputTokens: 4,
      reasoningTokens: 2,
      inputAudioTokens: 0,
      outputAudioTokens: 1,
    },
  ],
  [
    'Azure',
    AZURE,
    AZURE_WITHOUT,
    { besideChoices: false },
    {
      responseId: 'chatcmpl-2',
      responseModel: 'gpt-4o',
      finishReasons: ['length'],
      inputTokens: 8,
      outputTokens: 3,
      totalTokens: 11,
    },
  ],
  [
    'Gemini',
    GEMINI,
    GEMINI_WITHOUT,
    { besideChoices: true },
    {
      responseId: 'g1',
      responseModel: 'gemini-2.5-flash',
      finishReasons: ['stop'],
      inputTokens: 5,
      outputTokens: 7,
      totalTokens: 46,
    },
  ],
]

describe.each(CASES)('a stream as %s sends it', (_name, sent, without, removal, expected) => {
  for (const [ends, lineEnd] of [
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['CR', '\r'],
  ] as const) {
    it(`gives facts and loses the marks of the option at every cut, with ${ends}`, () => {
      const bytes = Buffer.from(sent.replaceAll('\n', lineEnd))
      const left = without.replaceAll('\n', lineEnd)
      for (let cut = 0; cut <= bytes.length; cut += 1) {
        const { facts, out } = read(bytes, removal, [cut])
        if (out !== left) expect({ cut, out }).toEqual({ cut, out: left })
        expect(facts).toMatchObject(expected)
        expect(facts.firstTokenMs).toBeGreaterThan(0)
      }
    })
  }

  it('passes as it is for a client that asked, with the same facts, at every cut', () => {
    const bytes = Buffer.from(sent)
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const { facts, out } = read(bytes, undefined, [cut])
      if (out !== sent) expect({ cut, out }).toEqual({ cut, out: sent })
      expect(facts).toMatchObject(expected)
    }
  })

  it('may come byte by byte', () => {
    const bytes = Buffer.from(sent)
    const { facts, out } = read(bytes, removal, [...bytes.keys()])
    expect(out).toBe(without)
    expect(facts).toMatchObject(expected)
  })
})

describe('ChatStream', () => {
  it('passes each event as soon as it is complete', () => {
    const stream = new ChatStream(emptyFacts(), NO_CAPTURE, { besideChoices: false })
    const whole = Buffer.from(OPENAI)
    const first = whole.indexOf('\n\n') + 2
    expect(stream.push(whole.subarray(0, first - 1))).toBeUndefined()
    expect(stream.push(whole.subarray(first - 1, first))?.toString()).toBe(
      OPENAI_WITHOUT.slice(0, OPENAI_WITHOUT.indexOf('\n\n') + 2),
    )
  })

  it('passes a chunk of events that need no change without copying it', () => {
    const stream = new ChatStream(emptyFacts(), NO_CAPTURE, { besideChoices: false })
    const chunk = Buffer.from(OPENAI_WITHOUT)
    expect(stream.push(chunk)).toBe(chunk)
  })

  it('takes the moment of the first choice for the first token', () => {
    const facts = emptyFacts()
    const stream = new ChatStream(facts, NO_CAPTURE, undefined)
    stream.push(Buffer.from(events(AZURE_EVENTS[0] as string)))
    expect(facts.firstTokenMs).toBeUndefined()
    stream.push(Buffer.from(events(AZURE_EVENTS[1] as string)))
    const at = facts.firstTokenMs
    expect(at).toBeGreaterThan(0)
    stream.push(Buffer.from(events(AZURE_EVENTS[2] as string)))
    expect(facts.firstTokenMs).toBe(at)
  })

  it('keeps usage beside choices of a provider that may send it unasked', () => {
    expect(read(GEMINI, { besideChoices: false }).out).toBe(GEMINI)
  })

  it.each([
    ['an error', '{"error":{"message":"x"},"choices":[],"usage":{"prompt_tokens":1}}', false],
    ['usage without choices', '{"id":"a","usage":{"prompt_tokens":1}}', true],
    ['usage inside of something else', '{"x":{"usage":{"prompt_tokens":1}},"choices":[]}', false],
    ['a usage that is a number', '{"usage":7,"choices":[{}]}', false],
    ['what is no JSON', '{"usage":null,"choices":[', false],
    ['a list', '[{"usage":null}]', false],
    ['a text', '"usage"', false],
  ])('%s', (_what, data, removed) => {
    expect(read(events(data), { besideChoices: false }).out).toBe(removed ? '' : events(data))
  })

  it.each([
    ['{"usage":null}', '{}'],
    ['{ "usage" : null }', '{  }'],
    ['{"usage":null,"a":1}', '{"a":1}'],
    ['{ "usage": null , "a": 1}', '{ "a": 1}'],
    ['{"a":1 , "usage": null , "b":2}', '{"a":1 , "b":2}'],
    ['{"a":"]","usage":null}', '{"a":"]"}'],
    ['{"a":{"usage":null},"usage":null}', '{"a":{"usage":null}}'],
  ])('takes the null out of %s', (data, left) => {
    expect(read(events(data), { besideChoices: false }).out).toBe(events(left))
  })

  it('takes it out of data that stands in several lines', () => {
    const removal = { besideChoices: false }
    const facts = '{"id":"x","choices":[{"finish_reason":"stop"}]'
    expect(read(`data: ${facts},\ndata: "usage":null,\ndata: "b":2}\n\n`, removal).out).toBe(
      `data: ${facts},\ndata: "b":2}\n\n`,
    )
    expect(read('data: {\ndata: "usage":\ndata: null,\ndata: "b":2}\n\n', removal).out).toBe(
      'data: {\ndata: "b":2}\n\n',
    )
    const split = read('data: {"choices":[],\ndata: "usage":\ndata: {"prompt_tokens":3}}\n\ndata: [DONE]\n\n', removal)
    expect(split.out).toBe('data: [DONE]\n\n')
    expect(split.facts.inputTokens).toBe(3)
  })

  it('gives what the provider would have sent, whatever keys, spaces and cuts', () => {
    const key = fc.constantFrom('id', 'choices', 'created', 'x_groq', 'ü')
    const rest = fc.dictionary(
      key,
      fc.jsonValue().filter((value) => value !== undefined),
      { minKeys: 1 },
    )
    const style = fc.constantFrom([',', ':'], [', ', ': '], [' , ', ' : '])
    const event = fc.tuple(rest, fc.nat(), style)
    const serialise = (members: readonly (readonly [string, unknown])[], [comma, colon]: readonly string[]): string =>
      `{${members.map(([name, value]) => `${JSON.stringify(name)}${colon}${JSON.stringify(value)}`).join(comma)}}`
    fc.assert(
      fc.property(fc.array(event), fc.array(fc.nat(), { maxLength: 10 }), (made, cuts) => {
        const members = made.map(([object]) => Object.entries(object))
        const withNull = members.map((own, i) =>
          own.toSpliced((made[i]?.[1] ?? 0) % (own.length + 1), 0, ['usage', null]),
        )
        const styles = made.map(([, , one]) => one)
        const sent = Buffer.from(events(...withNull.map((own, i) => serialise(own, styles[i] ?? []))))
        const { out } = read(
          sent,
          { besideChoices: false },
          cuts.map((cut) => cut % (sent.length + 1)),
        )
        expect(out).toBe(events(...members.map((own, i) => serialise(own, styles[i] ?? []))))
      }),
    )
  })

  it('gathers reasons, texts and tool calls of several choices', () => {
    const capture: Capture = { ...NO_CAPTURE, completion: true, toolCalls: true }
    const delta = (index: number, rest: object, finish: string | null = null): string =>
      JSON.stringify({ choices: [{ index, delta: rest, finish_reason: finish }] })
    const sent = events(
      delta(1, { role: 'assistant', content: 'B' }),
      delta(0, { content: 'A' }),
      delta(0, {
        content: null,
        tool_calls: [{ index: 0, id: 'c1', type: 'function', function: { name: 'f', arguments: '' } }],
      }),
      delta(0, {
        tool_calls: [
          { index: 0, function: { arguments: '{"a"' } },
          { index: 1, id: 'c2', function: { name: 'g' } },
        ],
      }),
      delta(0, { tool_calls: [{ index: 0, function: { arguments: ':1}' } }] }),
      delta(1, { content: 'ß' }, 'stop'),
      delta(0, {}, 'tool_calls'),
      '[DONE]',
    )
    for (let cut = 0; cut < Buffer.byteLength(sent); cut += 1) {
      expect(read(sent, undefined, [cut], capture).facts).toMatchObject({
        finishReasons: ['tool_calls', 'stop'],
        completion: ['A', 'Bß'],
        toolCalls: [
          { id: 'c1', name: 'f', arguments: '{"a":1}' },
          { id: 'c2', name: 'g', arguments: '' },
        ],
      })
    }
  })

  it('never loses or makes up a byte that it has no business with', () => {
    const part = fc.constantFrom(
      'data: ',
      '{"usage"',
      ':null',
      ':{',
      '}',
      ',',
      '\n',
      '\r\n',
      '\r',
      '\n\n',
      '"',
      '\\',
      ': x',
      '[DONE]',
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 50 }), fc.array(fc.nat(), { maxLength: 10 }), (parts, cuts) => {
        const bytes = Buffer.from(parts.join(''))
        const at = cuts.map((cut) => cut % (bytes.length + 1))
        expect(read(bytes, undefined, at).out).toBe(bytes.toString())
        expect(read(bytes, { besideChoices: false }, at).out).toBe(read(bytes, { besideChoices: false }).out)
      }),
      { numRuns: 500 },
    )
  })
})
