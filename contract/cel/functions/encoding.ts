import { createHash } from 'node:crypto'
import { INVALID_ARGUMENT, TYPE_ERROR } from '../fault.ts'
import { chargeReading, chargeText } from '../meter.ts'
import type { CelFunction, Overload } from './table.ts'

type TextOrBytes = string | Uint8Array

function bytesOf(value: TextOrBytes): Buffer {
  chargeReading(value.length)
  return typeof value === 'string'
    ? Buffer.from(value, 'utf8')
    : Buffer.from(value.buffer, value.byteOffset, value.length)
}

function base64Encode(value: TextOrBytes): string {
  chargeText(Math.ceil((value.length * 4) / 3))
  return bytesOf(value).toString('base64')
}

/** @throws CelFault when the text is no base64 (RFC 4648 section 4); padding may be left out */
function base64Decode(value: TextOrBytes): Uint8Array {
  chargeReading(value.length)
  const text = typeof value === 'string' ? value : bytesOf(value).toString('latin1')
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.replace(/=+$/, '').length % 4 === 1) throw INVALID_ARGUMENT
  return Buffer.from(text, 'base64')
}

/** RFC 3986 section 2.1, everything but the unreserved characters. */
function percentEncode(text: string): string {
  chargeText(text.length * 3)
  return encodeURIComponent(wellFormed(text)).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function percentDecode(text: string): string {
  chargeReading(text.length)
  try {
    return decodeURIComponent(text)
  } catch (error) {
    if (error instanceof URIError) throw INVALID_ARGUMENT
    throw error
  }
}

function wellFormed(text: string): string {
  if (!text.isWellFormed()) throw INVALID_ARGUMENT
  return text
}

/** application/x-www-form-urlencoded as the URL standard defines it; a key that comes again makes a list. */
export function formDecode(text: string): Map<string, string | string[]> {
  chargeReading(text.length)
  const fields = new Map<string, string | string[]>()
  for (const [key, value] of new URLSearchParams(text)) {
    const known = fields.get(key)
    if (known === undefined) fields.set(key, value)
    else if (typeof known === 'string') fields.set(key, [known, value])
    else known.push(value)
  }
  return fields
}

function formEncode(map: object): string {
  const entries = map instanceof Map ? [...map] : Object.entries(map)
  const fields = new URLSearchParams()
  for (const [key, value] of entries.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))) {
    for (const element of Array.isArray(value) ? value : [value]) {
      const text = scalarText(element)
      if (text !== undefined) fields.append(String(key), text)
    }
  }
  const text = fields.toString()
  chargeText(text.length)
  return text
}

function scalarText(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined
  if (typeof value === 'string') return value
  if (typeof value === 'object') throw TYPE_ERROR
  return String(value)
}

/** A function on text or bytes. */
function onTextOrBytes(returns: string, run: (value: TextOrBytes) => unknown): Overload[] {
  return [
    { parameters: ['string'], returns, run },
    { parameters: ['bytes'], returns, run },
  ]
}

function asMethod(overloads: readonly Overload[]): Overload[] {
  return overloads.map(({ parameters, ...rest }) => ({ ...rest, receiver: parameters[0] as string, parameters: [] }))
}

function hash(algorithm: string): Overload[] {
  return onTextOrBytes('string', (value) => createHash(algorithm).update(bytesOf(value)).digest('hex'))
}

const encode = onTextOrBytes('string', base64Encode)
const decode = onTextOrBytes('bytes', base64Decode)

/** Base64, percent-encoding, forms and digests. */
export const ENCODING_FUNCTIONS: readonly CelFunction[] = [
  {
    name: 'base64.encode',
    overloads: encode,
    doc: 'standard base64 of a text (as UTF-8) or of bytes',
    example: ['base64.encode("hello")', '"aGVsbG8="'],
  },
  {
    name: 'base64.decode',
    overloads: decode,
    doc: 'the bytes of standard base64, with or without padding',
    example: ['string(base64.decode("aGVsbG8"))', '"hello"'],
  },
  {
    name: 'base64Encode',
    overloads: [...encode, ...asMethod(encode)],
    doc: 'older spelling of `base64.encode`, as a function or a method',
    example: ['"hello".base64_encode()', '"aGVsbG8="'],
  },
  {
    name: 'base64Decode',
    overloads: [...decode, ...asMethod(decode)],
    doc: 'older spelling of `base64.decode`, as a function or a method',
    example: ['string("aGVsbG8=".base64_decode())', '"hello"'],
  },
  {
    name: 'url.encode',
    overloads: [{ parameters: ['string'], returns: 'string', run: percentEncode }],
    doc: 'percent-encoding of all but letters, digits and `-._~`',
    example: ['url.encode("a b/c")', '"a%20b%2Fc"'],
  },
  {
    name: 'url.decode',
    overloads: [{ parameters: ['string'], returns: 'string', run: percentDecode }],
    doc: 'percent-encoding undone; `+` stays; an error when the bytes are no UTF-8',
    example: ['url.decode("a%20b+c")', '"a b+c"'],
  },
  {
    name: 'form.encode',
    overloads: [{ parameters: ['map'], returns: 'string', run: formEncode }],
    doc: 'a URL-encoded form, keys sorted, nulls left out, lists as repeated keys',
    example: ['form.encode({"scope": "openid profile", "a": 1})', '"a=1&scope=openid+profile"'],
  },
  {
    name: 'form.decode',
    overloads: [{ parameters: ['string'], returns: 'map<string, dyn>', run: formDecode }],
    doc: 'the fields of a URL-encoded form; a list where a key comes again',
    example: ['form.decode("a=1&b=x+y&a=2")', '{"a":["1","2"],"b":"x y"}'],
  },
  {
    name: 'sha1.encode',
    overloads: hash('sha1'),
    doc: 'SHA-1 of a text or of bytes, lower-case hex',
    example: ['sha1.encode("hello")', '"aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"'],
  },
  {
    name: 'sha256.encode',
    overloads: hash('sha256'),
    doc: 'SHA-256, lower-case hex',
    example: ['sha256.encode("hello")', '"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"'],
  },
  {
    name: 'md5.encode',
    overloads: hash('md5'),
    doc: 'MD5, lower-case hex',
    example: ['md5.encode("hello")', '"5d41402abc4b2a76b9719d911017c592"'],
  },
]
