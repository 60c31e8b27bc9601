import type { ToolCall } from '../exchange.ts'
import { contentText, field } from './prompt.ts'

/** One choice while its deltas come. */
interface ChoiceText {
  text: string
  readonly toolCalls: Map<number, { id: string; name: string; arguments: string }>
}

/** More than anybody asks for: choices of an answer, tool calls of a choice. */
const MAX_ITEMS = 1024

/**
 * Gathers the text and the tool calls of an answer: from one whole message per choice, or from the deltas of a stream.
 * When they grow over the limit, what came so far stays and the rest is left out.
 */
export class Completion {
  readonly #limitUnits: number
  readonly #choices = new Map<number, ChoiceText>()
  #units = 0

  /** @param limitUnits how much text is kept, in UTF-16 code units */
  constructor(limitUnits: number) {
    this.#limitUnits = limitUnits
  }

  /** @param value a parsed `chat.completion` or `chat.completion.chunk`; anything else adds nothing */
  add(value: unknown): void {
    const choices = field(value, 'choices')
    if (!Array.isArray(choices)) return
    choices.forEach((choice: unknown, place) => {
      const message = field(choice, 'delta') ?? field(choice, 'message')
      const index = field(choice, 'index')
      if (message !== undefined) this.#addMessage(typeof index === 'number' ? index : place, message)
    })
  }

  /** One text per choice, in the order of their indexes. */
  texts(): readonly string[] {
    return this.#inOrder().map((choice) => choice.text)
  }

  /** The tool calls of all choices, in order; what never said which tool it calls is none. */
  toolCalls(): readonly ToolCall[] {
    return this.#inOrder()
      .flatMap((choice) => [...choice.toolCalls.values()])
      .filter((call) => call.name !== '')
  }

  #inOrder(): ChoiceText[] {
    return [...this.#choices].sort(([a], [b]) => a - b).map(([, choice]) => choice)
  }

  #addMessage(index: number, message: unknown): void {
    let choice = this.#choices.get(index)
    if (choice === undefined) {
      if (this.#choices.size >= MAX_ITEMS) return
      choice = { text: '', toolCalls: new Map() }
      this.#choices.set(index, choice)
    }
    choice.text += this.#fitting(contentText(field(message, 'content')))
    const calls = field(message, 'tool_calls')
    if (!Array.isArray(calls)) return
    calls.forEach((call: unknown, place) => {
      this.#addToolCall(choice, place, call)
    })
  }

  /** A delta without an index is one of a whole message; its place tells calls apart. */
  #addToolCall(choice: ChoiceText, place: number, call: unknown): void {
    const index = field(call, 'index')
    const key = typeof index === 'number' ? index : place
    let known = choice.toolCalls.get(key)
    if (known === undefined) {
      if (choice.toolCalls.size >= MAX_ITEMS) return
      known = { id: '', name: '', arguments: '' }
      choice.toolCalls.set(key, known)
    }
    const made = field(call, 'function')
    known.id ||= this.#fitting(textOf(field(call, 'id')))
    known.name ||= this.#fitting(textOf(field(made, 'name')))
    known.arguments += this.#fitting(textOf(field(made, 'arguments')))
  }

  #fitting(text: string): string {
    if (this.#units + text.length > this.#limitUnits) {
      this.#units = this.#limitUnits
      return ''
    }
    this.#units += text.length
    return text
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
