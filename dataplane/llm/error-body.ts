import { ByteBuffer } from './json/byte-buffer.ts'
import { parseJson } from './json/json-bytes.ts'
import { openAiError } from './openai-errors.ts'

/** How much of an error that may be JSON after all is held back. */
const MAX_HELD_BYTES = 64 * 1024
/** How much of an error in plain text the client gets to read. */
const MAX_MESSAGE_UNITS = 1024

/**
 * Stands in for the body of an error that does not say it is JSON, as proxies and CDNs in front of a provider send
 * them: what is a JSON object after all passes as it came, anything else becomes an OpenAI error object.
 */
export class ErrorBody {
  readonly #status: number
  readonly #provider: string
  readonly #isPlainText: boolean
  #held: ByteBuffer | undefined

  /**
   * @param contentType the answer's; of plain text the client gets the text, of anything else the status alone
   * @param isReadable whether the bytes are what the content type says; false for encoded ones
   */
  constructor(status: number, provider: string, contentType: string | undefined, isReadable: boolean) {
    this.#status = status
    this.#provider = provider
    this.#isPlainText = contentType === undefined || contentType.toLowerCase().startsWith('text/plain')
    if (isReadable) this.#held = new ByteBuffer(MAX_HELD_BYTES)
  }

  push(chunk: Buffer): undefined {
    if (this.#held !== undefined && !this.#held.append(chunk)) this.#held = undefined
  }

  end(): Buffer {
    const held = this.#held?.take()
    const text = held?.toString() ?? ''
    const value = parseJson(text)
    if (held !== undefined && value !== null && typeof value === 'object') return held
    const said = this.#isPlainText ? text.trim().slice(0, MAX_MESSAGE_UNITS) : ''
    const message = `${this.#provider} answered ${this.#status}${said === '' ? ' without saying why' : `: ${said}`}`
    return Buffer.from(openAiError(this.#status, message, 'upstream_error'))
  }
}
