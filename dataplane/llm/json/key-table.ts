import { BACKSLASH, stringText } from './json-bytes.ts'

/** Keys that anybody looks for are shorter than this, even with every letter escaped. */
const MAX_KEY_BYTES = 256

/** Finds what belongs to a JSON key by the bytes between its quotes, without making a string of them. */
export class KeyTable<T> {
  readonly #byText: ReadonlyMap<string, T>
  /** Keys with their values, by their length in bytes. */
  readonly #byLength: { readonly key: Buffer; readonly value: T }[][] = []

  constructor(entries: { readonly [key: string]: T }) {
    this.#byText = new Map(Object.entries(entries))
    for (const [text, value] of this.#byText) {
      const key = Buffer.from(text)
      this.#byLength[key.length] ??= []
      this.#byLength[key.length]?.push({ key, value })
    }
  }

  /** The value of the key that stands there, escaped or not; undefined when it is none of the table's. */
  find(bytes: Buffer, from: number, to: number): T | undefined {
    const candidates = this.#byLength[to - from]
    if (candidates !== undefined) {
      for (const { key, value } of candidates) if (equals(bytes, from, key)) return value
    }
    if (to - from > MAX_KEY_BYTES || !hasEscape(bytes, from, to)) return undefined
    return this.#byText.get(stringText(bytes, from, to) ?? '')
  }
}

function equals(bytes: Buffer, from: number, key: Buffer): boolean {
  for (let i = 0; i < key.length; i += 1) if (bytes[from + i] !== key[i]) return false
  return true
}

function hasEscape(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (bytes[at] === BACKSLASH) return true
  return false
}
