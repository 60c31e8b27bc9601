import { CelDuration, CelFlattened, CelTimestamp, type CelValue } from '../../../contract/cel/program.ts'

/** Deeper values are written as null: a stack has an end, and no reader of attributes looks that far. */
const MAX_DEPTH = 100

/**
 * A list or map as valid JSON without white space, in the order in which it was built. Ints keep all their digits,
 * bytes are base64, timestamps and durations their text, doubles that JSON does not know (`NaN`) a string. Nothing in
 * it breaks a line, whatever reader decides what a line break is.
 *
 * @param maxLength writing stops soon after this many characters, so that a huge prompt is not written out only to be
 *   cut; what is cut is no longer JSON
 */
export function compactJson(value: CelValue, maxLength: number): string {
  const out: Output = { text: '', maxLength }
  write(out, value, 0)
  return out.text
}

interface Output {
  text: string
  readonly maxLength: number
}

function write(out: Output, value: CelValue, depth: number): void {
  if (out.text.length > out.maxLength) return
  if (typeof value === 'string') out.text += jsonString(value, out.maxLength)
  else if (typeof value === 'bigint' || typeof value === 'boolean') out.text += String(value)
  else if (typeof value === 'number') out.text += Number.isFinite(value) ? String(value) : `"${value}"`
  else if (value === null || value === undefined || depth > MAX_DEPTH) out.text += 'null'
  else if (value instanceof Uint8Array) out.text += `"${base64(value, out.maxLength)}"`
  else if (value instanceof CelTimestamp) out.text += jsonString(value.rfc3339, out.maxLength)
  else if (value instanceof CelDuration) out.text += jsonString(value.text, out.maxLength)
  else if (value instanceof CelFlattened) write(out, value.value, depth + 1)
  else if (Array.isArray(value)) writeList(out, value, depth)
  else writeMap(out, value as { readonly [key: string]: CelValue }, depth)
}

function writeList(out: Output, list: readonly CelValue[], depth: number): void {
  out.text += '['
  for (let i = 0; i < list.length && out.text.length <= out.maxLength; i++) {
    if (i > 0) out.text += ','
    write(out, list[i] as CelValue, depth + 1)
  }
  out.text += ']'
}

function writeMap(out: Output, map: { readonly [key: string]: CelValue }, depth: number): void {
  out.text += '{'
  let first = true
  for (const key of Object.keys(map)) {
    if (out.text.length > out.maxLength) break
    out.text += `${first ? '' : ','}${jsonString(key, out.maxLength)}:`
    write(out, map[key] as CelValue, depth + 1)
    first = false
  }
  out.text += '}'
}

/** What JSON.stringify leaves as it is and a terminal or a log reader may act on: controls, separators, bidi marks. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/

/** A JSON string in which everything unseen is escaped; at most about `maxLength` characters of `text` are taken. */
export function jsonString(text: string, maxLength: number): string {
  const json = JSON.stringify(text.length > maxLength ? text.slice(0, maxLength) : text)
  return PRINTABLE_ASCII.test(json) ? json : json.replace(UNSEEN, escapeUnits)
}

function escapeUnits(character: string): string {
  let escaped = ''
  for (let i = 0; i < character.length; i++) escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`
  return escaped
}

/** Standard base64 of at most as many bytes as fill `maxLength` characters. */
export function base64(bytes: Uint8Array, maxLength: number): string {
  const length = Math.min(bytes.length, Math.ceil(maxLength / 4) * 3)
  return Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('base64')
}
