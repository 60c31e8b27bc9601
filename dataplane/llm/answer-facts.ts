import type { AnswerPart, UsagePart } from './answer-shape.ts'
import { CHAT_ANSWER } from './answer-shape.ts'
import { stringText } from './json/json-bytes.ts'
import { JsonScanner, type PartSink } from './json/json-scanner.ts'

/** What `usage` says; absent where it says nothing, or no count. */
export type Usage = { [K in UsagePart]?: number }

export interface Choice {
  /** Its own `index`, else its place. */
  index: number
  finishReason: string | undefined
}

/** More choices than anybody asks for; of what comes after, nothing is kept. */
const MAX_CHOICES = 1024
const DIGIT_ZERO = 0x30
/** What a value that begins with it is: null. */
const LETTER_N = 0x6e

/**
 * The facts of one chat completion, or of one event of a stream, read as its bytes come. A key that is there twice
 * counts as JSON.parse has it: the last one. An empty id or model (some send one before they know) counts as none.
 */
export class AnswerFacts implements PartSink<AnswerPart> {
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

  onScalar(part: AnswerPart, bytes: Buffer, from: number, to: number, isString: boolean): void {
    switch (part) {
      case 'id':
      case 'model':
      case 'serviceTier':
        this[part] = textOf(bytes, from, to, isString)
        return
      case 'error':
        this.hasError = isString || bytes[from] !== LETTER_N
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
        if (this.#choice !== undefined) this.#choice.finishReason = textOf(bytes, from, to, isString)
        return
      case 'choiceIndex':
        if (this.#choice !== undefined) this.#choice.index = countOf(bytes, from, to, isString) ?? this.#choice.index
        return
      default:
        this.#setCount(part, countOf(bytes, from, to, isString))
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

function textOf(bytes: Buffer, from: number, to: number, isString: boolean): string | undefined {
  return isString && to > from ? stringText(bytes, from, to) : undefined
}

/** A count is an integer that is not negative. */
function countOf(bytes: Buffer, from: number, to: number, isString: boolean): number | undefined {
  if (isString) return undefined
  let count = 0
  for (let at = from; at < to; at += 1) {
    const digit = (bytes[at] as number) - DIGIT_ZERO
    if (digit < 0 || digit > 9) return countFrom(bytes.toString('latin1', from, to))
    count = count * 10 + digit
  }
  return Number.isSafeInteger(count) ? count : undefined
}

/** The rare spellings of an integer: `1e3`, `12.0`. */
function countFrom(text: string): number | undefined {
  const count = /^\d/.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(count) ? count : undefined
}
