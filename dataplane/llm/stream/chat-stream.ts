import { nowMs } from '../../../runtime/clock.ts'
import type { Capture, LlmFacts } from '../../exchange.ts'
import { AnswerFacts, type Choice } from '../answer-facts.ts'
import { addAnswer, addCompletion, finishReasons } from '../chat-facts.ts'
import { Completion } from '../completion.ts'
import { COLON, OPEN_BRACE, parseJson, QUOTE, skipSpace } from '../json/json-bytes.ts'
import { KeyTable } from '../json/key-table.ts'
import { MemberReader } from '../json/member-reader.ts'
import type { Range } from '../request-scan.ts'
import { ByteRuns } from './byte-runs.ts'
import { type EventData, eventData } from './event-data.ts'
import { type EventSink, EventSplitter } from './event-splitter.ts'
import { Needle } from './needle.ts'

/** An event that is larger passes without being looked into. */
const MAX_EVENT_BYTES = 1024 * 1024
/** How much text is kept of an answer where somebody will read it. */
const MAX_CAPTURED_UNITS = 8 * 1024 * 1024
/** More choices than anybody asks for. */
const MAX_CHOICES = 1024
const USAGE_KEY = new KeyTable({ usage: true })
/** What a value that begins with it is: null. */
const LETTER_N = 0x6e

/** What is to be taken out of a stream because the gateway, not the client, asked for usage. */
export interface UsageRemoval {
  /** Also `usage` objects beside choices: this provider sends none unless asked. */
  readonly besideChoices: boolean
}

/**
 * A streamed chat completion on its way to the client: facts are read out of its events, and what an injected
 * `include_usage` added is taken out. Without a removal every chunk passes at once as it came; with one, the bytes of
 * an event pass as soon as the event is complete. Only events that can hold a fact are looked into.
 */
export class ChatStream implements EventSink {
  readonly #facts: LlmFacts
  readonly #capture: Capture
  readonly #removal: UsageRemoval | undefined
  readonly #splitter = new EventSplitter(MAX_EVENT_BYTES, this)
  readonly #answer = new AnswerFacts()
  readonly #choices = new Map<number, Choice>()
  readonly #completion: Completion | undefined
  readonly #usageKey = new Needle('"usage"')
  readonly #finishKey = new Needle('"finish_reason"')
  readonly #passed = new ByteRuns()
  #dropped = false

  constructor(facts: LlmFacts, capture: Capture, removal: UsageRemoval | undefined) {
    this.#facts = facts
    this.#capture = capture
    this.#removal = removal
    if (capture.completion || capture.toolCalls) this.#completion = new Completion(MAX_CAPTURED_UNITS)
  }

  /** @returns what the client gets now; undefined: nothing yet */
  push(chunk: Buffer): Buffer | undefined {
    this.#splitter.push(chunk)
    this.#usageKey.forget()
    this.#finishKey.forget()
    return this.#removal === undefined ? chunk : this.#passed.take()
  }

  /** The stream is over. @returns what is left for the client */
  end(): Buffer | undefined {
    this.#splitter.end()
    this.#facts.finishReasons = finishReasons([...this.#choices.values()])
    if (this.#completion !== undefined) addCompletion(this.#facts, this.#completion, this.#capture)
    return this.#passed.take()
  }

  onEvent(bytes: Buffer, from: number, to: number, lines: readonly number[]): void {
    const removed = this.#look(bytes, from, to, lines)
    this.#dropped = removed === 'event'
    if (removed === undefined) this.#pass(bytes, from, to)
    else if (removed !== 'event') {
      this.#pass(bytes, from, removed.start)
      this.#pass(bytes, removed.end, to)
    }
  }

  onEventTail(bytes: Buffer, from: number, to: number): void {
    if (!this.#dropped) this.#pass(bytes, from, to)
  }

  onTooLarge(bytes: Buffer, from: number, to: number): void {
    this.#dropped = false
    this.#pass(bytes, from, to)
  }

  #pass(bytes: Buffer, from: number, to: number): void {
    if (this.#removal !== undefined) this.#passed.add(bytes, from, to)
  }

  /** Takes the facts out of an event. @returns what of it must not pass: all, or a part of the event's bytes */
  #look(bytes: Buffer, from: number, to: number, lines: readonly number[]): 'event' | Range | undefined {
    // Keys and values may stand in lines of their own: then only their joined data tells.
    const unclear = lines.length > 2
    const usageAt = this.#usageKey.find(bytes, from, to)
    const hasUsage = usageAt >= 0 && valueByte(bytes, usageAt + this.#usageKey.length, to) === OPEN_BRACE
    const first = this.#facts.firstTokenMs === undefined
    const reads = unclear || hasUsage || first || this.#hasFinishReason(bytes, from, to)
    const removes = this.#removal !== undefined && usageAt >= 0
    if (!reads && !removes && this.#completion === undefined) return undefined
    const data = eventData(bytes, from, lines)
    if (data === undefined) return undefined
    if (reads) this.#read(data)
    this.#completion?.add(parseJson(data.bytes.toString('utf8', data.start, data.end)))
    if (!removes) return undefined
    if (reads && this.#isUsageAlone()) return 'event'
    return usageMember(data, this.#removal?.besideChoices === true)
  }

  #read(data: EventData): void {
    const answer = this.#answer
    answer.reset()
    answer.push(data.bytes, data.start, data.end)
    addAnswer(this.#facts, answer)
    if (answer.choices.length > 0) this.#facts.firstTokenMs ??= nowMs()
    for (const choice of answer.choices) {
      if (choice.finishReason !== undefined && this.#choices.size < MAX_CHOICES) this.#choices.set(choice.index, choice)
    }
  }

  /** The event that was read last says nothing but how many tokens were used: OpenAI's last one. */
  #isUsageAlone(): boolean {
    return this.#answer.usage !== undefined && this.#answer.choices.length === 0 && !this.#answer.hasError
  }

  /** Whether some `finish_reason` is a string; most events have null. */
  #hasFinishReason(bytes: Buffer, from: number, to: number): boolean {
    let at = this.#finishKey.find(bytes, from, to)
    while (at >= 0) {
      const after = at + this.#finishKey.length
      if (valueByte(bytes, after, to) === QUOTE) return true
      at = this.#finishKey.find(bytes, after, to)
    }
    return false
  }
}

/** The first byte of the value of a key that ends at `keyEnd`; undefined when no colon follows. */
function valueByte(bytes: Buffer, keyEnd: number, to: number): number | undefined {
  const colon = skipSpace(bytes, keyEnd, to)
  return bytes[colon] === COLON ? bytes[skipSpace(bytes, colon + 1, to)] : undefined
}

/**
 * Where the outermost object's `usage` stands in the event, with the comma and the space that belong to it: what is
 * left is what the provider would have sent without it, whatever the order of the keys and the spacing.
 * @param objects whether an object is looked for as well; null always is
 * @returns undefined when it is not there, and when the data is no JSON object
 */
function usageMember(data: EventData, objects: boolean): Range | undefined {
  const reader = new MemberReader(data.bytes, data.start, data.end)
  let previousEnd = -1
  let found: Range | undefined
  while (reader.next()) {
    const { keyStart, valueStart, valueEnd } = reader
    // Without a member before it, what goes reaches to the member behind it.
    if (found !== undefined && previousEnd < 0) {
      found = { start: found.start, end: keyStart }
      previousEnd = valueEnd
    } else if (found === undefined && reader.lookUp(USAGE_KEY) === true) {
      const first = data.bytes[valueStart]
      if (first !== LETTER_N && !(objects && first === OPEN_BRACE)) return undefined
      found = { start: previousEnd < 0 ? keyStart : previousEnd, end: valueEnd }
    } else previousEnd = valueEnd
  }
  if (found === undefined || reader.end < 0) return undefined
  return { start: data.place(found.start), end: data.place(found.end) }
}
