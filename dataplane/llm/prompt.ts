import type { ChatMessage } from '../exchange.ts'
import { parseJson } from './json/json-bytes.ts'
import type { Range } from './request-scan.ts'

/**
 * The messages of a request as text: content parts are joined with a space, what is no text is left out.
 * @returns undefined when `messages` is no JSON array
 */
export function promptMessages(body: Buffer, messages: Range): readonly ChatMessage[] | undefined {
  const value = parseJson(body.toString('utf8', messages.start, messages.end))
  if (!Array.isArray(value)) return undefined
  return value.flatMap((message: unknown) => {
    const role = field(message, 'role')
    return typeof role === 'string' ? [{ role, content: contentText(field(message, 'content')) }] : []
  })
}

/** The text of a message's content: a string, or the text parts of a list. Empty when there is none. */
export function contentText(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content
    .map((part: unknown) => field(part, 'text'))
    .filter((text) => typeof text === 'string')
    .join(' ')
}

/** A member of a parsed JSON object; undefined when the value is no object, or has no such member of its own. */
export function field(value: unknown, key: string): unknown {
  if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return undefined
  return (value as { readonly [key: string]: unknown })[key]
}
