import { randomBytes } from 'node:crypto'
import type { MockRequest } from './mock-request.ts'

/** Whose habits the mock has: OpenAI's, or those of Gemini's OpenAI-compatible endpoint. */
export type MockFlavour = 'openai' | 'gemini'

interface Usage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
  readonly [details: string]: unknown
}

/** One answer, before it is known whether it will be streamed. */
export interface MockAnswer {
  readonly id: string
  /** Seconds since 1970. */
  readonly created: number
  readonly model: string
  readonly flavour: MockFlavour
  readonly choices: number
  /** Pieces of the text; empty for a tool call. A token each. */
  readonly tokens: readonly string[]
  readonly toolCall: { readonly id: string; readonly name: string; readonly arguments: string } | undefined
  readonly finishReason: 'stop' | 'length' | 'tool_calls'
  readonly usage: Usage
}

const REPLIES = [
  'A weir is a low barrier built across a river: it raises the water upstream and measures what flows over it.',
  'Water that passes over the crest of a weir can be measured by its height alone, which is why gauges stand beside them.',
  'Unlike a dam, a weir lets the river run over it, and unlike a gate, it never stops the flow.',
]

/** Text of a token each, as providers cut it: words with the space before them, punctuation on its own. */
function tokensOf(text: string): string[] {
  return text.match(/ ?\w+| ?[^\w\s]|\s+/g) ?? []
}

function randomText(length: number): string {
  return randomBytes(length * 2)
    .toString('base64')
    .replace(/[^A-Za-z0-9]/g, '')
    .slice(0, length)
    .padEnd(length, '0')
}

function usageOf(prompt: number, completion: number, flavour: MockFlavour): Usage {
  const counts = { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion }
  if (flavour === 'gemini') return counts
  return {
    ...counts,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

/** What the model says. A tool is called when one is offered and the last message is not its result. */
export function answerOf(request: MockRequest, flavour: MockFlavour): MockAnswer {
  const last = request.messages.at(-1)
  const tool = last?.role === 'tool' ? undefined : request.tools[0]
  const written = tool === undefined ? tokensOf(REPLIES[(last?.text.length ?? 0) % REPLIES.length] as string) : []
  const tokens = written.slice(0, request.maxTokens ?? written.length)
  const toolCall =
    tool === undefined
      ? undefined
      : { id: `call_${randomText(24)}`, name: tool, arguments: JSON.stringify({ input: last?.text ?? '' }) }
  const prompt = request.messages.reduce((sum, message) => sum + 3 + tokensOf(message.text).length, 3)
  const completion =
    (toolCall === undefined ? tokens.length : tokensOf(toolCall.arguments).length + 5) * request.choices
  return {
    id: flavour === 'gemini' ? randomText(22) : `chatcmpl-${randomText(29)}`,
    created: Math.floor(Date.now() / 1000),
    model: request.model,
    flavour,
    choices: request.choices,
    tokens,
    toolCall,
    finishReason: toolCall !== undefined ? 'tool_calls' : tokens.length < written.length ? 'length' : 'stop',
    usage: usageOf(prompt, completion, flavour),
  }
}

function indices(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

function toolCallOf(call: { id: string; name: string; arguments: string }): object {
  return { id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } }
}

/** The body of an answer that is not streamed. */
export function wholeAnswer(answer: MockAnswer): string {
  const { id, created, model, toolCall } = answer
  const message =
    toolCall === undefined
      ? { role: 'assistant', content: answer.tokens.join(''), refusal: null }
      : { role: 'assistant', content: null, tool_calls: [toolCallOf(toolCall)], refusal: null }
  const choices = indices(answer.choices).map((index) => ({
    index,
    message,
    logprobs: null,
    finish_reason: answer.finishReason,
  }))
  const common = { id, object: 'chat.completion', created, model, choices, usage: answer.usage }
  if (answer.flavour === 'gemini') return JSON.stringify(common)
  return JSON.stringify({ ...common, service_tier: 'default', system_fingerprint: 'fp_50cad350e4' }, undefined, 2)
}

/**
 * The events of a streamed answer, `data: …` with its blank line each. With `includeUsage`, OpenAI writes
 * `"usage":null` into every event but the last, which has no choices; Gemini's counts stand in its last event with one.
 */
export function* streamedAnswer(answer: MockAnswer, includeUsage: boolean): Generator<string> {
  const { id, created, model, flavour } = answer
  const event = (choices: readonly object[], usage?: Usage | null): string => {
    const common = { id, object: 'chat.completion.chunk', created, model }
    const body =
      flavour === 'gemini' ? common : { ...common, service_tier: 'default', system_fingerprint: 'fp_50cad350e4' }
    return `data: ${JSON.stringify({ ...body, choices, ...(usage === undefined ? {} : { usage }) })}\n\n`
  }
  const between = includeUsage && flavour === 'openai' ? null : undefined
  const each = (delta: object, finish: string | null, usage: Usage | null | undefined = between): string[] =>
    indices(answer.choices).map((index) => event([{ index, delta, logprobs: null, finish_reason: finish }], usage))
  yield* each({ role: 'assistant', content: answer.toolCall === undefined ? '' : null, refusal: null }, null)
  for (const delta of deltasOf(answer)) yield* each(delta, null)
  yield* each({}, answer.finishReason, includeUsage && flavour === 'gemini' ? answer.usage : between)
  if (includeUsage && flavour === 'openai') yield event([], answer.usage)
  yield 'data: [DONE]\n\n'
}

function deltasOf(answer: MockAnswer): object[] {
  const call = answer.toolCall
  if (call === undefined) return answer.tokens.map((content) => ({ content }))
  const first = { index: 0, id: call.id, type: 'function', function: { name: call.name, arguments: '' } }
  const rest = tokensOf(call.arguments).map((piece) => ({ index: 0, function: { arguments: piece } }))
  return [first, ...rest].map((piece) => ({ tool_calls: [piece] }))
}
