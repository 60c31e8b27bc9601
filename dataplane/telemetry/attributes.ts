/** How a value is written in OTLP's AnyValue. */
export type AttributeKind = 'string' | 'int' | 'double' | 'bool' | 'strings'

export type AttributeValue = string | number | bigint | boolean | readonly string[]

/**
 * The attributes of one span or log line, in the order of first writing, each key once: writing a key again replaces
 * its value and keeps its place. Ints are number (within 2^53) or bigint (within int64), doubles number.
 */
export class Attributes {
  readonly keys: string[] = []
  readonly kinds: AttributeKind[] = []
  readonly values: AttributeValue[] = []

  get size(): number {
    return this.keys.length
  }

  set(key: string, kind: AttributeKind, value: AttributeValue): void {
    const at = this.keys.indexOf(key)
    if (at < 0) {
      this.keys.push(key)
      this.kinds.push(kind)
      this.values.push(value)
    } else {
      this.kinds[at] = kind
      this.values[at] = value
    }
  }

  delete(key: string): void {
    const at = this.keys.indexOf(key)
    if (at < 0) return
    this.keys.splice(at, 1)
    this.kinds.splice(at, 1)
    this.values.splice(at, 1)
  }

  has(key: string): boolean {
    return this.keys.includes(key)
  }
}
