import { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator'
import { BUDGET_EXCEEDED, TYPE_ERROR } from './fault.ts'
import { LIMITS } from './limits.ts'
import { charge } from './meter.ts'
import { CelDuration, CelFlattened, CelTimestamp, type CelValue } from './program.ts'
import { durationText, timestampText } from './time.ts'

/** A value with a text of its own that JSON and results show: an IP address, a range of them. */
export interface Printable {
  toCelText(): string
}

function isPrintable(value: object): value is Printable {
  return 'toCelText' in value && typeof value.toCelText === 'function'
}

/**
 * A value of the library as the rest of weir sees it. Lists and maps that hold nothing of the library are returned as
 * they are, others as copies, maps as objects without a prototype and with their keys as text.
 * @throws CelFault when it holds something that is no CEL value, or is too large or nested too deep
 */
export function toCelValue(value: unknown): CelValue {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'bigint':
      return value
    case 'object':
      return value === null ? null : (plain(value, 0) as CelValue)
    default:
      throw TYPE_ERROR
  }
}

function plain(value: unknown, depth: number): unknown {
  if (typeof value !== 'object') {
    if (value === undefined || typeof value === 'function' || typeof value === 'symbol') throw TYPE_ERROR
    return value
  }
  if (value === null) return null
  if (depth > LIMITS.jsonDepth) throw BUDGET_EXCEEDED
  if (Array.isArray(value)) return plainList(value, depth + 1)
  switch (value.constructor) {
    case Object:
    case undefined:
      return plainObject(value as Record<string, unknown>, depth + 1)
    case Map:
      return plainMap(value as Map<unknown, unknown>, depth + 1)
    default:
      return plainScalar(value, depth)
  }
}

function plainScalar(value: object, depth: number): unknown {
  if (value instanceof Uint8Array || value instanceof CelTimestamp || value instanceof CelDuration) return value
  if (value instanceof UnsignedInt) return value.valueOf()
  if (value instanceof Duration) return new CelDuration(durationText(value))
  if (value instanceof Date) return new CelTimestamp(timestampText(value))
  if (value instanceof CelFlattened) {
    return new CelFlattened(plain(value.value, depth) as CelFlattened['value'], value.recursive)
  }
  if (isPrintable(value)) return value.toCelText()
  return typeName(value) ?? fail()
}

/** The name of a type, which is a value in CEL: `type(1)`. The library does not export its class. */
function typeName(value: object): string | undefined {
  const tag = (value as { readonly [Symbol.toStringTag]?: unknown })[Symbol.toStringTag]
  return typeof tag === 'string' ? /^Type<(.*)>$/.exec(tag)?.[1] : undefined
}

function fail(): never {
  throw TYPE_ERROR
}

function plainList(list: readonly unknown[], depth: number): readonly unknown[] {
  charge(list.length >> 3)
  let copy: unknown[] | undefined
  for (let index = 0; index < list.length; index++) {
    const element = plain(list[index], depth)
    if (element !== list[index] && !Number.isNaN(element)) {
      copy ??= list.slice()
      copy[index] = element
    }
  }
  return copy ?? list
}

function plainObject(object: Record<string, unknown>, depth: number): object {
  let copy: Record<string, unknown> | undefined
  for (const key of Object.keys(object)) {
    const before = object[key]
    // A key whose value is undefined is absent to CEL.
    const after = before === undefined ? undefined : plain(before, depth)
    if (after === before && after !== undefined) continue
    copy ??= Object.assign(Object.create(null) as Record<string, unknown>, object)
    if (after === undefined) delete copy[key]
    else copy[key] = after
  }
  return copy ?? object
}

function plainMap(map: ReadonlyMap<unknown, unknown>, depth: number): object {
  charge(map.size >> 3)
  const object = Object.create(null) as Record<string, unknown>
  for (const [key, value] of map) if (value !== undefined) object[String(key)] = plain(value, depth)
  return object
}

/**
 * Compact JSON of a value: bytes as base64, timestamps as RFC 3339, durations as seconds, what JSON has no number for as
 * null, keys in the order of the map.
 * @throws CelFault as {@link toCelValue}
 */
export function jsonText(value: unknown): string {
  const writer = new JsonWriter()
  writer.write(value, 0)
  return writer.text()
}

class JsonWriter {
  readonly #pieces: string[] = []
  #length = 0

  text(): string {
    return this.#pieces.join('')
  }

  #push(piece: string): void {
    this.#length += piece.length
    if (this.#length > LIMITS.textLength) throw BUDGET_EXCEEDED
    this.#pieces.push(piece)
  }

  write(value: unknown, depth: number): void {
    charge(1)
    if (typeof value === 'bigint') this.#push(value.toString())
    else if (typeof value !== 'object' || value === null) this.#push(scalarJson(value))
    else if (depth > LIMITS.jsonDepth) throw BUDGET_EXCEEDED
    else if (Array.isArray(value)) this.#list(value, depth + 1)
    else if (value.constructor === Map) this.#map((value as Map<unknown, unknown>).entries(), depth + 1)
    else if (value.constructor === Object || value.constructor === undefined) {
      this.#map(Object.entries(value), depth + 1)
    } else this.#scalarObject(plainScalar(value, depth), depth)
  }

  #scalarObject(value: unknown, depth: number): void {
    if (value instanceof CelTimestamp) this.#push(JSON.stringify(value.rfc3339))
    else if (value instanceof CelDuration) this.#push(JSON.stringify(value.text))
    else if (value instanceof CelFlattened) this.write(value.value, depth)
    else if (value instanceof Uint8Array) this.#push(JSON.stringify(Buffer.from(value).toString('base64')))
    else this.write(value, depth)
  }

  #list(list: readonly unknown[], depth: number): void {
    this.#push('[')
    for (let index = 0; index < list.length; index++) {
      if (index > 0) this.#push(',')
      this.write(list[index], depth)
    }
    this.#push(']')
  }

  #map(entries: Iterable<readonly [unknown, unknown]>, depth: number): void {
    let before = '{'
    for (const [key, value] of entries) {
      if (value === undefined) continue
      this.#push(`${before}${JSON.stringify(String(key))}:`)
      before = ','
      this.write(value, depth)
    }
    this.#push(before === '{' ? '{}' : '}')
  }
}

function scalarJson(value: unknown): string {
  const text = JSON.stringify(value)
  if (text === undefined) throw TYPE_ERROR
  return text
}
