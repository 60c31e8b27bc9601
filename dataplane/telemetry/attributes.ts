/** How a value is written in OTLP's AnyValue. */
export type AttributeKind = 'string' | 'int' | 'double' | 'bool' | 'strings'

export type AttributeValue = string | number | bigint | boolean | readonly string[]

/** From this many keys on, a key is found by a map: short lists are searched faster than a map is filled. */
const INDEXED_FROM = 64

/**
 * The attributes of one span or log line, in the order of first writing, each key once: writing a key again replaces
 * its value and keeps its place. Ints are number (within 2^53) or bigint (within int64), doubles number.
 */
export class Attributes {
  readonly keys: string[] = []
  readonly kinds: AttributeKind[] = []
  readonly values: AttributeValue[] = []
  /** How many attributes were not taken in because of the limit (OTLP's dropped_attributes_count). */
  dropped = 0
  readonly #limit: number
  #index: Map<string, number> | undefined

  /** @param limit how many keys are taken in at most; more are only counted */
  constructor(limit = Number.POSITIVE_INFINITY) {
    this.#limit = limit
  }

  get size(): number {
    return this.keys.length
  }

  /** Whether a new key would be dropped. */
  get full(): boolean {
    return this.keys.length >= this.#limit
  }

  set(key: string, kind: AttributeKind, value: AttributeValue): void {
    const at = this.#find(key)
    if (at >= 0) {
      this.kinds[at] = kind
      this.values[at] = value
    } else if (this.full) {
      this.dropped += 1
    } else {
      this.#index?.set(key, this.keys.length)
      this.keys.push(key)
      this.kinds.push(kind)
      this.values.push(value)
    }
  }

  delete(key: string): void {
    const at = this.#find(key)
    if (at < 0) return
    this.keys.splice(at, 1)
    this.kinds.splice(at, 1)
    this.values.splice(at, 1)
    this.#index = undefined
  }

  has(key: string): boolean {
    return this.#find(key) >= 0
  }

  #find(key: string): number {
    if (this.keys.length < INDEXED_FROM) return this.keys.indexOf(key)
    this.#index ??= new Map(this.keys.map((name, at) => [name, at]))
    return this.#index.get(key) ?? -1
  }
}
