import { STATUS_CODES } from 'node:http'

/** HTTP/1.1 heads as text (RFC 9112 2.1); header bytes are latin1. */

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** What a field's value must not have (RFC 9110 5.5). */
const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/
/** A target with white space or controls in it would be read as something else by the next hop. */
const NOT_IN_TARGET = /[^\x21-\x7e\x80-\xff]/

const statusLines: string[] = []

/** `HTTP/1.1 200 OK\r\n` */
export function statusLine(status: number): string {
  statusLines[status] ??= `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`
  return statusLines[status]
}

/** @throws TypeError when the method or the target cannot be written */
export function requestLine(method: string, target: string): string {
  if (!NAME.test(method)) throw new TypeError('a method has characters that no method can have')
  if (target === '' || NOT_IN_TARGET.test(target))
    throw new TypeError('a target has characters that no target can have')
  return `${method} ${target} HTTP/1.1\r\n`
}

/** One header line. @throws TypeError when it cannot be written; the message has no part of the value */
export function headerLine(name: string, value: string): string {
  if (!NAME.test(name)) throw new TypeError('a header has a name that no header can have')
  if (NOT_IN_VALUE.test(value)) throw new TypeError(`the header ${name} has characters that no header can have`)
  return `${name}: ${value}\r\n`
}

/** The lines of all headers of a raw array. @throws TypeError as {@link headerLine} does */
export function headerLines(rawHeaders: readonly string[]): string {
  let lines = ''
  for (let i = 0; i < rawHeaders.length; i += 2)
    lines += headerLine(rawHeaders[i] as string, rawHeaders[i + 1] as string)
  return lines
}

let dateSecond = 0
let date = ''

/** The header line that tells the time to clients (RFC 9110 6.6.1). */
export function dateLine(): string {
  const second = Math.floor(Date.now() / 1000)
  if (second !== dateSecond) {
    dateSecond = second
    date = `date: ${new Date(second * 1000).toUTCString()}\r\n`
  }
  return date
}
