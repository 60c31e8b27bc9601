import { LIMITS } from './limits.ts'

/** Keys that JavaScript reads in a meaning of its own: an object that owns one is kept as a Map instead. */
const TREACHEROUS = ['__proto__', 'constructor', 'prototype']

/**
 * Makes data that somebody else wrote (parsed JSON: null, booleans, numbers, strings, lists, objects) safe to evaluate.
 * Objects that own a key such as `constructor` become Maps; all else is returned as it is, without a copy.
 * @returns undefined when the data is nested deeper than 64 levels
 */
export function celData(value: unknown): unknown {
  return safe(value, 0)
}

/** A safe form of the value; undefined when it is nested too deep. */
function safe(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth === LIMITS.jsonDepth) return undefined
  return Array.isArray(value) ? safeList(value, depth + 1) : safeObject(value as Record<string, unknown>, depth + 1)
}

function safeList(list: readonly unknown[], depth: number): readonly unknown[] | undefined {
  let copy: unknown[] | undefined
  for (let index = 0; index < list.length; index++) {
    const element = safe(list[index], depth)
    if (element === undefined && list[index] !== undefined) return undefined
    if (element !== list[index]) {
      copy ??= list.slice()
      copy[index] = element
    }
  }
  return copy ?? list
}

function safeObject(object: Record<string, unknown>, depth: number): unknown {
  if (TREACHEROUS.some((key) => Object.hasOwn(object, key))) return safeMap(object, depth)
  let copy: Record<string, unknown> | undefined
  for (const key of Object.keys(object)) {
    const element = safe(object[key], depth)
    if (element === undefined && object[key] !== undefined) return undefined
    if (element !== object[key]) {
      copy ??= Object.assign(Object.create(null) as Record<string, unknown>, object)
      copy[key] = element
    }
  }
  return copy ?? object
}

function safeMap(object: Record<string, unknown>, depth: number): Map<string, unknown> | undefined {
  const map = new Map<string, unknown>()
  for (const [key, value] of Object.entries(object)) {
    const element = safe(value, depth)
    if (element === undefined && value !== undefined) return undefined
    map.set(key, element)
  }
  return map
}

/**
 * The value of `request.headers` and its like: a map from lower-case names to a string, or to a list of strings where a
 * header came more than once. Names are found whatever their case. Nothing is built before it is read.
 * @param rawHeaders names and values in turn, as received
 */
export function celHeaders(rawHeaders: readonly string[]): ReadonlyMap<string, unknown> {
  return new HeaderMap(rawHeaders)
}

/** A Map that is filled when somebody asks for more than one header. */
class HeaderMap extends Map<string, unknown> {
  readonly #raw: readonly string[]
  #filled: Map<string, unknown> | undefined

  constructor(raw: readonly string[]) {
    super()
    this.#raw = raw
  }

  override get(name: unknown): unknown {
    if (typeof name !== 'string') return undefined
    const wanted = name.toLowerCase()
    return this.#filled === undefined ? findHeader(this.#raw, wanted) : this.#filled.get(wanted)
  }

  override has(name: unknown): boolean {
    return this.get(name) !== undefined
  }

  override get size(): number {
    return this.#all().size
  }

  override keys(): MapIterator<string> {
    return this.#all().keys()
  }

  override values(): MapIterator<unknown> {
    return this.#all().values()
  }

  override entries(): MapIterator<[string, unknown]> {
    return this.#all().entries()
  }

  override [Symbol.iterator](): MapIterator<[string, unknown]> {
    return this.#all().entries()
  }

  override forEach(each: (value: unknown, name: string, map: Map<string, unknown>) => void): void {
    this.#all().forEach(each)
  }

  #all(): Map<string, unknown> {
    if (this.#filled !== undefined) return this.#filled
    const filled = new Map<string, unknown>()
    const raw = this.#raw
    for (let index = 0; index + 1 < raw.length; index += 2) {
      const name = (raw[index] as string).toLowerCase()
      filled.set(name, withValue(filled.get(name) as HeaderValue | undefined, raw[index + 1] as string))
    }
    this.#filled = filled
    return filled
  }
}

// The library tells a map by its constructor, and to it this is nothing but a map.
Object.defineProperty(HeaderMap.prototype, 'constructor', { value: Map })

type HeaderValue = string | string[]

function withValue(known: HeaderValue | undefined, value: string): HeaderValue {
  if (known === undefined) return value
  if (typeof known === 'string') return [known, value]
  known.push(value)
  return known
}

function findHeader(raw: readonly string[], wanted: string): HeaderValue | undefined {
  let found: HeaderValue | undefined
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] as string
    if (name.length === wanted.length && name.toLowerCase() === wanted)
      found = withValue(found, raw[index + 1] as string)
  }
  return found
}
