import { KeyTable } from './key-table.ts'

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

/** What to look for in a JSON value: in an object by key, in an array in each item. */
export interface Shape {
  readonly part?: AnswerPart
  readonly keys?: KeyTable<Shape>
  readonly items?: Shape
}

const USAGE: Shape = {
  part: 'usage',
  keys: new KeyTable<Shape>({
    prompt_tokens: { part: 'inputTokens' },
    completion_tokens: { part: 'outputTokens' },
    total_tokens: { part: 'totalTokens' },
    prompt_tokens_details: {
      keys: new KeyTable<Shape>({
        cached_tokens: { part: 'cachedInputTokens' },
        audio_tokens: { part: 'inputAudioTokens' },
      }),
    },
    completion_tokens_details: {
      keys: new KeyTable<Shape>({
        reasoning_tokens: { part: 'reasoningTokens' },
        audio_tokens: { part: 'outputAudioTokens' },
      }),
    },
  }),
}

const CHOICE: Shape = {
  part: 'choice',
  keys: new KeyTable<Shape>({ index: { part: 'choiceIndex' }, finish_reason: { part: 'finishReason' } }),
}

/** OpenAI's chat completion, whole or as one event of a stream. */
export const CHAT_ANSWER: Shape = {
  keys: new KeyTable<Shape>({
    id: { part: 'id' },
    model: { part: 'model' },
    service_tier: { part: 'serviceTier' },
    error: { part: 'error' },
    choices: { part: 'choices', items: CHOICE },
    usage: USAGE,
  }),
}
