import type { FieldPath } from '../field-path.ts'
import { type Rule, rule, type Schema } from '../schema.ts'
import { isAddress, isCanonical, isReachable } from './ip-address.ts'
import { anything, label, labels, subdomain } from './names.ts'
import { transport } from './service.ts'

/** EndpointSlice (discovery.k8s.io/v1). Of the fields that weir never reads, only the types are checked. */

interface SliceShape {
  readonly addressType: AddressType
  readonly endpoints?: readonly { readonly addresses: readonly string[] }[]
}

type AddressType = 'IPv4' | 'IPv6' | 'FQDN'

/** A rule about each address of slices of one type; the first address that breaks it is named. */
function addressRule(type: AddressType, message: string, fits: (address: string) => boolean): Rule {
  const misfit = ({ addressType, endpoints = [] }: SliceShape): FieldPath | undefined => {
    if (addressType !== type) return undefined
    for (const [index, { addresses }] of endpoints.entries()) {
      const at = addresses.findIndex((address) => !fits(address))
      if (at >= 0) return ['endpoints', index, 'addresses', at]
    }
    return undefined
  }
  return rule<SliceShape>(message, (slice) => misfit(slice) === undefined, {
    fieldPath: (slice) => misfit(slice) ?? [],
  })
}

const NOT_REACHABLE = 'must not be an unspecified, loopback or link-local address'

const NAME = new RegExp(`${subdomain.pattern}`)

/** A DNS name of two parts or more, each a label of at most 63 characters; it may end with a dot. */
function isFullName(text: string): boolean {
  const name = text.endsWith('.') ? text.slice(0, -1) : text
  const parts = name.split('.')
  return name.length <= 253 && parts.length > 1 && NAME.test(name) && parts.every((part) => part.length <= 63)
}

const addressRules: readonly Rule[] = [
  addressRule('IPv4', 'must be an IPv4 address, without leading zeros', (address) => isAddress(address, 'IPv4')),
  addressRule('IPv4', NOT_REACHABLE, (address) => !isAddress(address, 'IPv4') || isReachable(address, 'IPv4')),
  addressRule('IPv6', 'must be an IPv6 address, without a zone', (address) => isAddress(address, 'IPv6')),
  addressRule(
    'IPv6',
    'must be in the short form of RFC 5952',
    (address) => !isAddress(address, 'IPv6') || isCanonical(address),
  ),
  addressRule('IPv6', NOT_REACHABLE, (address) => !isAddress(address, 'IPv6') || isReachable(address, 'IPv6')),
  addressRule('FQDN', 'must be a lower-case DNS name of at least two parts', isFullName),
]

const endpoint: Schema = {
  type: 'object',
  required: ['addresses'],
  properties: {
    addresses: { type: 'array', minItems: 1, maxItems: 100, items: { type: 'string' } },
    conditions: {
      type: 'object',
      properties: { ready: { type: 'boolean' }, serving: { type: 'boolean' }, terminating: { type: 'boolean' } },
    },
    hostname: { type: 'string' },
    nodeName: { type: 'string' },
    zone: { type: 'string' },
    targetRef: anything,
    hints: anything,
    deprecatedTopology: labels,
  },
}

const slicePort: Schema = {
  type: 'object',
  nullMeans: {},
  properties: {
    name: { ...label, minLength: 0, pattern: `^$|${label.pattern}`, default: '' },
    protocol: transport,
    // Any int32: an API server asks no more of it. What is no port number, compile takes for no port.
    port: { type: 'integer', minimum: -(2 ** 31), maximum: 2 ** 31 - 1 },
    appProtocol: { type: 'string' },
  },
}

export const endpointSlice: Schema = {
  required: ['addressType'],
  properties: {
    addressType: { type: 'string', enum: ['IPv4', 'IPv6', 'FQDN'] },
    endpoints: { type: 'array', maxItems: 1000, items: endpoint },
    ports: { type: 'array', maxItems: 20_000, listType: 'map', listMapKeys: ['name'], items: slicePort },
  },
  rules: addressRules,
}
