import type { Capture, LlmFacts } from '../exchange.ts'
import { AnswerFacts } from './answer-facts.ts'
import { addAnswer, addCompletion, finishReasons } from './chat-facts.ts'
import { Completion } from './completion.ts'
import { ByteBuffer } from './json/byte-buffer.ts'
import { parseJson } from './json/json-bytes.ts'

/** How much of an answer is kept and parsed where somebody will read its messages; of a larger one they are absent. */
const MAX_CAPTURED_BYTES = 8 * 1024 * 1024

/** Reads the facts of a chat completion that is not streamed while it passes; its bytes stay as they are. */
export class ChatBody {
  readonly #facts: LlmFacts
  readonly #capture: Capture
  readonly #answer = new AnswerFacts()
  #kept: ByteBuffer | undefined

  constructor(facts: LlmFacts, capture: Capture) {
    this.#facts = facts
    this.#capture = capture
    if (capture.completion || capture.toolCalls) this.#kept = new ByteBuffer(MAX_CAPTURED_BYTES)
  }

  push(chunk: Buffer): Buffer {
    this.#answer.push(chunk)
    if (this.#kept !== undefined && !this.#kept.append(chunk)) this.#kept = undefined
    return chunk
  }

  /** The answer is whole. */
  end(): undefined {
    addAnswer(this.#facts, this.#answer)
    this.#facts.finishReasons = finishReasons(this.#answer.choices)
    if (this.#kept === undefined) return
    const completion = new Completion(MAX_CAPTURED_BYTES)
    completion.add(parseJson(this.#kept.take().toString()))
    addCompletion(this.#facts, completion, this.#capture)
  }
}
