/** As much of DER (X.690) as certificates need: each function gives one value with its tag and length. */

function value(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body])
}

/** X.690 8.1.3: up to 127 in one octet, else the number of octets that follow and those. */
function lengthOf(length: number): Buffer {
  if (length < 128) return Buffer.from([length])
  const octets: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  return Buffer.from([0x80 | octets.length, ...octets])
}

export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return value(0x30, ...parts)
}

/** A set of one element, which needs no order. */
export function setOfOne(element: Uint8Array): Buffer {
  return value(0x31, element)
}

/** A number that is not negative, from its big-endian bytes. */
export function integer(bytes: Uint8Array): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0)
  const digits = start < 0 ? Buffer.from([0]) : bytes.subarray(start)
  return ((digits[0] as number) & 0x80) === 0 ? value(0x02, digits) : value(0x02, Buffer.from([0]), digits)
}

export function octetString(bytes: Uint8Array): Buffer {
  return value(0x04, bytes)
}

/** @param unused bits at the end of the last byte that do not count */
export function bitString(bytes: Uint8Array, unused = 0): Buffer {
  return value(0x03, Buffer.from([unused]), bytes)
}

export function booleanTrue(): Buffer {
  return value(0x01, Buffer.from([0xff]))
}

export function utf8String(text: string): Buffer {
  return value(0x0c, Buffer.from(text))
}

/** RFC 5280 4.1.2.5: two digits for the year until 2049, four after that; whole seconds, UTC. */
export function time(date: Date): Buffer {
  const digits = `${date.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`
  return date.getUTCFullYear() < 2050 ? value(0x17, Buffer.from(digits.slice(2))) : value(0x18, Buffer.from(digits))
}

/** An object identifier from its dotted form (X.690 8.19). */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const arc of rest) {
    const groups = [arc % 128]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift((left % 128) | 0x80)
    bytes.push(...groups)
  }
  return value(0x06, Buffer.from(bytes))
}

/** `[number] EXPLICIT`: the value inside keeps its tag. */
export function explicit(number: number, inner: Uint8Array): Buffer {
  return value(0xa0 | number, inner)
}

/** `[number] IMPLICIT` of a primitive type: the bytes alone. */
export function implicit(number: number, bytes: Uint8Array): Buffer {
  return value(0x80 | number, bytes)
}

/** DER as PEM (RFC 7468). */
export function pem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
