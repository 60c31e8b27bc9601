import type { AnswerPart, UsagePart } from './answer-shape.ts'
import { CHAT_ANSWER } from './answer-shape.ts'
import { JsonScanner, type PartSink } from './json-scanner.ts'

/** What `usage` says; absent where it says nothing, or no count. */
export type Usage = { [K in UsagePart]?: number }

export interface Choice {
  /** Its own `index`, else its place. */
  index: number
  finishReason: string | undefined
}

/** More choices than anybody asks for; of what comes after, nothing is kept. */
const MAX_CHOICES = 1024

/**
 * The facts of one chat completion, or of one event of a stream, read as its bytes come. A key that is there twice
 * counts as JSON.parse has it: the last one. An empty id or model (some send one before they know) counts as none.
 */
export class AnswerFacts implements PartSink {
  id: string | undefined
  model: string | undefined
  serviceTier: string | undefined
  /** Undefined when there is no `usage`, or null. */
  usage: Usage | undefined
  choices: Choice[] = []
  hasError = false
  /** The one being read; undefined beyond the limit. */
  #choice: Choice | undefined
  readonly #scanner = new JsonScanner(CHAT_ANSWER, this)

  /** Reads on, from bytes cut anywhere. */
  push(bytes: Buffer, from?: number, to?: number): void {
    this.#scanner.push(bytes, from, to)
  }

  /** Forgets all of it, for the next event. */
  reset(): void {
    this.id = undefined
    this.model = undefined
    this.serviceTier = undefined
    this.usage = undefined
    this.choices = []
    this.hasError = false
    this.#scanner.reset()
  }

  onOpen(part: AnswerPart): void {
    if (part === 'usage') this.usage = {}
    else if (part === 'choices') this.choices = []
    else if (part === 'error') this.hasError = true
    else if (part === 'choice') this.#beginChoice()
  }

  onScalar(part: AnswerPart, text: string, isString: boolean): void {
    const string = isString && text !== '' ? text : undefined
    switch (part) {
      case 'id':
      case 'model':
      case 'serviceTier':
        this[part] = string
        return
      case 'error':
        this.hasError = text !== 'null'
        return
      case 'usage':
        this.usage = undefined
        return
      case 'choices':
        this.choices = []
        return
      case 'choice':
        return
      case 'finishReason':
        if (this.#choice !== undefined) this.#choice.finishReason = string
        return
      case 'choiceIndex':
        if (this.#choice !== undefined) this.#choice.index = countOf(text, isString) ?? this.#choice.index
        return
      default:
        this.#setCount(part, countOf(text, isString))
    }
  }

  #beginChoice(): void {
    const full = this.choices.length >= MAX_CHOICES
    this.#choice = full ? undefined : { index: this.choices.length, finishReason: undefined }
    if (this.#choice !== undefined) this.choices.push(this.#choice)
  }

  #setCount(part: UsagePart, count: number | undefined): void {
    if (this.usage === undefined) return
    if (count === undefined) delete this.usage[part]
    else this.usage[part] = count
  }
}

/** A count is an integer that is not negative. */
function countOf(text: string, isString: boolean): number | undefined {
  if (isString || !/^\d/.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}
