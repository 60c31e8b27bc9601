import type { Shape } from './json/json-scanner.ts'
import { KeyTable } from './json/key-table.ts'

/** The parts of an answer that facts are made of. */
export type AnswerPart =
  | 'id'
  | 'model'
  | 'serviceTier'
  | 'error'
  | 'choices'
  | 'choice'
  | 'choiceIndex'
  | 'finishReason'
  | 'usage'
  | UsagePart

/** The counts inside `usage`. */
export type UsagePart =
  | 'inputTokens'
  | 'outputTokens'
  | 'totalTokens'
  | 'cachedInputTokens'
  | 'inputAudioTokens'
  | 'reasoningTokens'
  | 'outputAudioTokens'

type AnswerShape = Shape<AnswerPart>

const USAGE: AnswerShape = {
  part: 'usage',
  keys: new KeyTable<AnswerShape>({
    prompt_tokens: { part: 'inputTokens' },
    completion_tokens: { part: 'outputTokens' },
    total_tokens: { part: 'totalTokens' },
    prompt_tokens_details: {
      keys: new KeyTable<AnswerShape>({
        cached_tokens: { part: 'cachedInputTokens' },
        audio_tokens: { part: 'inputAudioTokens' },
      }),
    },
    completion_tokens_details: {
      keys: new KeyTable<AnswerShape>({
        reasoning_tokens: { part: 'reasoningTokens' },
        audio_tokens: { part: 'outputAudioTokens' },
      }),
    },
  }),
}

const CHOICE: AnswerShape = {
  part: 'choice',
  keys: new KeyTable<AnswerShape>({ index: { part: 'choiceIndex' }, finish_reason: { part: 'finishReason' } }),
}

/** OpenAI's chat completion, whole or as one event of a stream. */
export const CHAT_ANSWER: AnswerShape = {
  keys: new KeyTable<AnswerShape>({
    id: { part: 'id' },
    model: { part: 'model' },
    service_tier: { part: 'serviceTier' },
    error: { part: 'error' },
    choices: { part: 'choices', items: CHOICE },
    usage: USAGE,
  }),
}
