import { isIPv4, isIPv6 } from 'node:net'
import { INVALID_ARGUMENT } from '../fault.ts'
import type { Printable } from '../value.ts'
import type { CelFunction, Overload } from './table.ts'

/** An IP address, as Kubernetes' CEL library has it: no zones, no IPv4 inside IPv6. */
export class IpAddress implements Printable {
  readonly family: 4 | 6
  readonly bits: bigint

  constructor(family: 4 | 6, bits: bigint) {
    this.family = family
    this.bits = bits
  }

  /** Width of the address in bits. */
  get width(): number {
    return this.family === 4 ? 32 : 128
  }

  toCelText(): string {
    return this.family === 4 ? textOf4(this.bits) : textOf6(this.bits)
  }

  /** Whether the first so many bits are those of the other address. */
  sharesPrefix(other: IpAddress, length: number): boolean {
    const rest = BigInt(this.width - length)
    return this.family === other.family && this.bits >> rest === other.bits >> rest
  }
}

/** A range of addresses: a prefix and its length. */
export class CidrRange implements Printable {
  readonly address: IpAddress
  readonly prefixLength: number

  constructor(address: IpAddress, prefixLength: number) {
    this.address = address
    this.prefixLength = prefixLength
  }

  toCelText(): string {
    return `${this.address.toCelText()}/${this.prefixLength}`
  }
}

function parseIp(text: string): IpAddress | undefined {
  if (isIPv4(text)) return new IpAddress(4, bitsOf(text.split('.').map(Number), 8n))
  if (!isIPv6(text) || text.includes('.') || text.includes('%')) return undefined
  const [head = '', tail] = text.split('::')
  const before = groupsOf(head)
  const after = tail === undefined ? [] : groupsOf(tail)
  const between = new Array<number>(8 - before.length - after.length).fill(0)
  return new IpAddress(6, bitsOf([...before, ...between, ...after], 16n))
}

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
}

function bitsOf(parts: readonly number[], width: bigint): bigint {
  return parts.reduce((bits, part) => (bits << width) | BigInt(part), 0n)
}

function textOf4(bits: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join('.')
}

/** RFC 5952: the longest run of zero groups, of two at least and the first of equals, is left out. */
function textOf6(bits: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) => ((bits >> BigInt(112 - 16 * index)) & 0xffffn).toString(16))
  let start = 0
  let length = 0
  for (let from = 0; from < 8; from++) {
    let to = from
    while (groups[to] === '0') to++
    if (to - from > length) [start, length] = [from, to - from]
  }
  if (length < 2) return groups.join(':')
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`
}

function ip(text: string): IpAddress {
  const address = parseIp(text)
  if (address === undefined) throw INVALID_ARGUMENT
  return address
}

function parseCidr(text: string): CidrRange | undefined {
  const match = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text)
  const address = match === null ? undefined : parseIp(match[1] as string)
  const length = Number(match?.[2])
  return address === undefined || length > address.width ? undefined : new CidrRange(address, length)
}

function cidr(text: string): CidrRange {
  const range = parseCidr(text)
  if (range === undefined) throw INVALID_ARGUMENT
  return range
}

function masked(range: CidrRange): CidrRange {
  const { address, prefixLength } = range
  const rest = BigInt(address.width - prefixLength)
  return new CidrRange(new IpAddress(address.family, (address.bits >> rest) << rest), prefixLength)
}

function containsIp(range: CidrRange, address: IpAddress | string): boolean {
  const wanted = typeof address === 'string' ? ip(address) : address
  return range.address.sharesPrefix(wanted, range.prefixLength)
}

function containsCidr(range: CidrRange, other: CidrRange | string): boolean {
  const inner = typeof other === 'string' ? cidr(other) : other
  return inner.prefixLength >= range.prefixLength && range.address.sharesPrefix(inner.address, range.prefixLength)
}

/** Whether an address lies in the range for its family. */
function liesIn(range4: string, range6: string): (address: IpAddress) => boolean {
  const [four, six] = [cidr(range4), cidr(range6)]
  return (address) => containsIp(address.family === 4 ? four : six, address)
}

const isUnspecified = liesIn('0.0.0.0/32', '::/128')
const isLoopback = liesIn('127.0.0.0/8', '::1/128')
const isMulticast = liesIn('224.0.0.0/4', 'ff00::/8')
const isLinkLocalMulticast = liesIn('224.0.0.0/24', 'ff02::/16')
const isLinkLocalUnicast = liesIn('169.254.0.0/16', 'fe80::/10')

/** As Go's net package has it: private addresses are global unicast, too. */
function isGlobalUnicast(address: IpAddress): boolean {
  const broadcast = address.family === 4 && address.bits === 0xffffffffn
  const special = [isUnspecified, isLoopback, isMulticast, isLinkLocalUnicast].some((test) => test(address))
  return !broadcast && !special
}

/** Names of the two types in expressions. */
export const IP_TYPE = 'net.IP'
export const CIDR_TYPE = 'net.CIDR'

function onIp(returns: string, run: (address: IpAddress) => unknown): Overload[] {
  return [{ receiver: IP_TYPE, parameters: [], returns, run }]
}

function onRange(
  parameters: readonly string[],
  returns: string,
  run: (range: CidrRange, other: never) => unknown,
): Overload {
  return { receiver: CIDR_TYPE, parameters, returns, run }
}

const yes = 'true'

/** The IP and CIDR libraries of Kubernetes' CEL. */
export const NETWORK_FUNCTIONS: readonly CelFunction[] = [
  {
    name: 'isIP',
    overloads: [{ parameters: ['string'], returns: 'bool', run: (text: string) => parseIp(text) !== undefined }],
    doc: 'whether the text is an IP address',
    example: ['isIP("10.0.0.1")', yes],
  },
  {
    name: 'ip',
    overloads: [{ parameters: ['string'], returns: IP_TYPE, run: ip }, onRange([], IP_TYPE, (range) => range.address)],
    doc: 'an IP address from a text, or the address of a range',
    example: ['ip("2001:db8:0::68")', '"2001:db8::68"'],
  },
  {
    name: 'family',
    overloads: onIp('int', (address) => BigInt(address.family)),
    doc: '4 or 6',
    example: ['ip("::1").family()', '6'],
  },
  {
    name: 'isUnspecified',
    overloads: onIp('bool', isUnspecified),
    doc: 'whether it is `0.0.0.0` or `::`',
    example: ['ip("0.0.0.0").isUnspecified()', yes],
  },
  {
    name: 'isLoopback',
    overloads: onIp('bool', isLoopback),
    doc: 'whether it is of `127.0.0.0/8`, or `::1`',
    example: ['ip("127.0.0.1").isLoopback()', yes],
  },
  {
    name: 'isLinkLocalMulticast',
    overloads: onIp('bool', isLinkLocalMulticast),
    doc: 'whether it is of `224.0.0.0/24` or `ff02::/16`',
    example: ['ip("224.0.0.1").isLinkLocalMulticast()', yes],
  },
  {
    name: 'isLinkLocalUnicast',
    overloads: onIp('bool', isLinkLocalUnicast),
    doc: 'whether it is of `169.254.0.0/16` or `fe80::/10`',
    example: ['ip("169.254.169.254").isLinkLocalUnicast()', yes],
  },
  {
    name: 'isGlobalUnicast',
    overloads: onIp('bool', isGlobalUnicast),
    doc: 'whether it is none of these, nor multicast nor broadcast; private addresses are',
    example: ['ip("192.168.0.1").isGlobalUnicast()', yes],
  },
  {
    name: 'isCIDR',
    overloads: [{ parameters: ['string'], returns: 'bool', run: (text: string) => parseCidr(text) !== undefined }],
    doc: 'whether the text is an address and a prefix length',
    example: ['isCIDR("10.0.0.0/33")', 'false'],
  },
  {
    name: 'cidr',
    overloads: [{ parameters: ['string'], returns: CIDR_TYPE, run: cidr }],
    doc: 'a range of addresses from a text',
    example: ['cidr("10.0.0.0/8")', '"10.0.0.0/8"'],
  },
  {
    name: 'containsIP',
    overloads: [onRange([IP_TYPE], 'bool', containsIp), onRange(['string'], 'bool', containsIp)],
    doc: 'whether the range holds the address',
    example: ['cidr("10.0.0.0/8").containsIP("10.1.2.3")', yes],
  },
  {
    name: 'containsCIDR',
    overloads: [onRange([CIDR_TYPE], 'bool', containsCidr), onRange(['string'], 'bool', containsCidr)],
    doc: 'whether the range holds all of the other one',
    example: ['cidr("10.0.0.0/8").containsCIDR(cidr("10.1.0.0/16"))', yes],
  },
  {
    name: 'masked',
    overloads: [onRange([], CIDR_TYPE, masked)],
    doc: 'the range with the bits after its prefix set to zero',
    example: ['cidr("10.1.2.3/8").masked()', '"10.0.0.0/8"'],
  },
  {
    name: 'prefixLength',
    overloads: [onRange([], 'int', (range) => BigInt(range.prefixLength))],
    doc: 'how many bits the prefix has',
    example: ['cidr("::1/128").prefixLength()', '128'],
  },
]
