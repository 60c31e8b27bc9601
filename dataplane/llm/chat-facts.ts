import type { Capture, LlmFacts } from '../exchange.ts'
import type { BodyPieces } from '../http/body-pieces.ts'
import type { AnswerFacts, Choice, Usage } from './answer-facts.ts'
import type { Completion } from './completion.ts'
import { promptMessages } from './prompt.ts'
import type { RequestScan } from './request-scan.ts'

/** The facts of a chat completion before it has an answer. */
export function requestFacts(body: BodyPieces, scan: RequestScan, provider: string, capture: Capture): LlmFacts {
  return {
    provider,
    requestModel: scan.model,
    upstreamModel: undefined,
    streaming: scan.stream,
    operation: 'chat',
    responseModel: undefined,
    responseId: undefined,
    finishReasons: [],
    serviceTier: undefined,
    inputTokens: undefined,
    outputTokens: undefined,
    totalTokens: undefined,
    cachedInputTokens: undefined,
    cacheCreationInputTokens: undefined,
    reasoningTokens: undefined,
    inputAudioTokens: undefined,
    outputAudioTokens: undefined,
    firstTokenMs: undefined,
    prompt: capture.prompt && scan.messages !== undefined ? promptMessages(body.joined(), scan.messages) : undefined,
    completion: undefined,
    toolCalls: undefined,
    params: capture.params ? scan.params : undefined,
  }
}

/** Adds what an answer, or one event of it, says; what it does not say stays. */
export function addAnswer(facts: LlmFacts, answer: AnswerFacts): void {
  facts.responseId ??= answer.id
  facts.responseModel ??= answer.model
  facts.serviceTier = answer.serviceTier ?? facts.serviceTier
  if (answer.usage !== undefined) addUsage(facts, answer.usage)
}

/** Field by field: this runs for every answer, and a loop over keys costs several times as much. */
function addUsage(facts: LlmFacts, usage: Usage): void {
  facts.inputTokens = usage.inputTokens ?? facts.inputTokens
  facts.outputTokens = usage.outputTokens ?? facts.outputTokens
  facts.totalTokens = usage.totalTokens ?? facts.totalTokens
  facts.cachedInputTokens = usage.cachedInputTokens ?? facts.cachedInputTokens
  facts.inputAudioTokens = usage.inputAudioTokens ?? facts.inputAudioTokens
  facts.reasoningTokens = usage.reasoningTokens ?? facts.reasoningTokens
  facts.outputAudioTokens = usage.outputAudioTokens ?? facts.outputAudioTokens
}

/** The finish reasons in the order of the choices. */
export function finishReasons(choices: readonly Choice[]): string[] {
  const [only] = choices
  if (only !== undefined && choices.length === 1) return only.finishReason === undefined ? [] : [only.finishReason]
  return [...choices].sort((a, b) => a.index - b.index).flatMap((choice) => choice.finishReason ?? [])
}

/** Adds the texts and tool calls where they were asked for. */
export function addCompletion(facts: LlmFacts, completion: Completion, capture: Capture): void {
  if (capture.completion) facts.completion = completion.texts()
  if (capture.toolCalls) facts.toolCalls = completion.toolCalls()
}
