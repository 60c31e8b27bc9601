import type { Capture, LlmFacts } from '../exchange.ts'
import { headerValue, withoutHeaders } from '../http/headers.ts'
import type { Tap } from '../http/relay.ts'
import { ChatBody } from './chat-body.ts'
import { DecodedCopy, type UnreadReason } from './decoded-copy.ts'
import { ErrorBody } from './error-body.ts'
import { ChatStream, type UsageRemoval } from './stream/chat-stream.ts'

/** What one attempt's answer is read with. */
export interface ChatTapOptions {
  readonly facts: LlmFacts
  readonly capture: Capture
  /** The name of the provider, for messages. */
  readonly provider: string
  /** Another provider is left: answers that say this one cannot serve now are not for the client. */
  readonly mayDiscard: boolean
  /** Set when the gateway asked for usage in the client's place. */
  readonly removal: UsageRemoval | undefined
  /** The answer will pass: no other attempt will be made. */
  readonly onPass: () => void
  readonly onUnread: (reason: UnreadReason) => void
  /** Keeps the exchange open for facts that come later; see `Call.holdRecord`. */
  readonly holdRecord: () => () => void
}

/** What reads an answer while it passes; `push` and `end` return what the client gets. */
interface AnswerReader {
  push(chunk: Buffer): Buffer | undefined
  end(): Buffer | undefined
  /** For a reader that has its own end when the answer breaks off. */
  close?(): void
}

/** The provider cannot serve now, or not at all: another one may. */
const DISCARDED = new Set([429, 500, 502, 503, 504])
const BODY_HEADERS = new Set(['content-type', 'content-encoding', 'content-length'])

/** Looks at the answer of one attempt: chooses by its head how it is read. */
export class ChatTap implements Tap {
  changesBody = false
  readonly #options: ChatTapOptions
  #reader: AnswerReader | undefined

  constructor(options: ChatTapOptions) {
    this.#options = options
  }

  onHead(status: number, rawHeaders: readonly string[]): 'pass' | 'discard' | readonly string[] {
    const { facts, capture, provider, mayDiscard, removal, onPass } = this.#options
    if (mayDiscard && DISCARDED.has(status)) return 'discard'
    onPass()
    const type = headerValue(rawHeaders, 'content-type')
    const encoding = headerValue(rawHeaders, 'content-encoding') ?? 'identity'
    const encoded = encoding.trim().toLowerCase() !== 'identity'
    if (status >= 400 && !isJson(type)) {
      this.#reader = new ErrorBody(status, provider, type, !encoded)
      this.changesBody = true
      return [...withoutHeaders(rawHeaders, BODY_HEADERS), 'content-type', 'application/json']
    }
    // The marks of an injected option cannot be taken out of bytes that are encoded.
    const removed = encoded ? undefined : removal
    const isStream = type?.toLowerCase().startsWith('text/event-stream') === true
    this.changesBody = isStream && removed !== undefined
    const reader = isStream ? new ChatStream(facts, capture, removed) : new ChatBody(facts, capture)
    this.#reader = encoded ? this.#decoded(encoding, reader) : reader
    return 'pass'
  }

  onData(chunk: Uint8Array): Uint8Array | undefined {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    return this.#reader?.push(bytes)
  }

  onEnd(): Uint8Array | undefined {
    const reader = this.#reader
    this.#reader = undefined
    return reader?.end()
  }

  /** The exchange is over: what was read of an answer that broke off is all that there is. */
  close(): void {
    const reader = this.#reader
    this.#reader = undefined
    if (reader?.close === undefined) reader?.end()
    else reader.close()
  }

  #decoded(encoding: string, reader: ChatStream | ChatBody): AnswerReader {
    const { onUnread, holdRecord } = this.#options
    return new DecodedCopy(encoding, reader, onUnread, holdRecord())
  }
}

function isJson(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/([a-z0-9.-]+\+)?json\b/i.test(contentType.trim())
}
