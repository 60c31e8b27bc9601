/**
 * A text that is looked for in one piece of bytes again and again, from rising offsets. The bytes before its next
 * occurrence are searched once, however often one asks.
 */
export class Needle {
  readonly length: number
  readonly #text: Buffer
  #bytes: Buffer | undefined
  #at = -1

  constructor(text: string) {
    this.#text = Buffer.from(text)
    this.length = this.#text.length
  }

  /** Where it first stands in `bytes` from `from` on and wholly before `to`; -1 when it does not. */
  find(bytes: Buffer, from: number, to: number): number {
    const known = this.#bytes === bytes && (this.#at < 0 || from <= this.#at)
    if (!known) {
      this.#bytes = bytes
      this.#at = bytes.indexOf(this.#text, from)
    }
    return this.#at >= 0 && this.#at + this.length <= to ? this.#at : -1
  }

  /** Lets go of the bytes. */
  forget(): void {
    this.#bytes = undefined
  }
}
