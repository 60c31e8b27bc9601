import type { Attributes } from '../attributes.ts'
import { jsonString } from '../view/compact-json.ts'

/** What lines of both forms say of themselves. */
const LEVEL = 'info'
const SCOPE = 'request'

/**
 * The documented text form: time, level and scope with tabs between them, then `key=value` pairs with spaces.
 *
 * Built-in values are bare, but for `error`, which is quoted; strings of configured fields are quoted; numbers and
 * booleans are bare. Quoted means a JSON string in which everything unseen is escaped, too. A built-in value that could
 * be taken for something else (it holds a quote, white space, a control or another unseen character) is quoted although
 * the documents show it bare, and so is such a key: nothing a client sends can start a pair or a line of its own.
 *
 * @param builtins how many of the attributes, from the first, are built-ins
 */
export function textLine(epochMs: number, attributes: Attributes, builtins: number): string {
  const { keys, kinds, values } = attributes
  let line = `${timeText(epochMs)}\t${LEVEL}\t${SCOPE}`
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string
    const value = values[i]
    line += keyText(key)
    if (kinds[i] !== 'string') line += numberText(value)
    else if (i < builtins && key !== 'error' && isPlain(value as string)) line += value
    else line += quoted(value as string)
  }
  return `${line}\n`
}

/** The JSON form: one object a line, `level`, `time` and `scope`, then the keys of the text form, dots and all. */
export function jsonLine(epochMs: number, attributes: Attributes): string {
  const { keys, kinds, values } = attributes
  let line = `{"level":"${LEVEL}","time":"${timeText(epochMs)}","scope":"${SCOPE}"`
  for (let i = 0; i < keys.length; i++) {
    const value = values[i]
    line += `,${quoted(keys[i] as string)}:`
    if (kinds[i] === 'string') line += quoted(value as string)
    else line += typeof value === 'number' && !Number.isFinite(value) ? `"${value}"` : numberText(value)
  }
  return `${line}}\n`
}

/** Printable ASCII without space and quotes: nearly every value. */
const PLAIN_ASCII = /^[\x21\x23-\x7e]*$/
/** The same beyond ASCII: letters, marks, signs, but no separators and nothing unseen or unassigned. */
const PLAIN = /^[^\s"\p{C}\p{Z}]*$/u

/** Key texts that were made before: keys are few, and come again with every line. Some may come from clients. */
const MAX_KEY_TEXTS = 1000
const keyTexts = new Map<string, string>()

/** ` key=`, the key quoted where it could be taken for something else. */
function keyText(key: string): string {
  const known = keyTexts.get(key)
  if (known !== undefined) return known
  const text = ` ${isPlain(key) && !key.includes('=') ? key : quoted(key)}=`
  if (keyTexts.size < MAX_KEY_TEXTS) keyTexts.set(key, text)
  return text
}

function isPlain(text: string): boolean {
  return PLAIN_ASCII.test(text) || PLAIN.test(text)
}

function quoted(text: string): string {
  return jsonString(text, Number.POSITIVE_INFINITY)
}

function numberText(value: unknown): string {
  return typeof value === 'number' ? decimalText(value) : String(value)
}

/** A number without an exponent: `0.0000001`, not `1e-7`. */
export function decimalText(value: number): string {
  const text = String(value)
  const found = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text)
  if (found === null) return text
  const [, sign, first, fraction = '', exponentText] = found
  const exponent = Number(exponentText)
  const digits = `${first}${fraction}`
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  return `${sign}${digits.padEnd(exponent + 1, '0')}`
}

let second = Number.NaN
let secondText = ''

/** RFC 3339 in UTC with microseconds: `2025-09-24T18:13:01.821700Z`. */
export function timeText(epochMs: number): string {
  const micros = Math.floor(epochMs * 1000)
  const wholeSecond = Math.floor(micros / 1_000_000)
  if (wholeSecond !== second) {
    second = wholeSecond
    secondText = new Date(wholeSecond * 1000).toISOString().slice(0, 19)
  }
  return `${secondText}.${String(micros - wholeSecond * 1_000_000).padStart(6, '0')}Z`
}
