import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** IP addresses as an API server takes them (Kubernetes 1.36): stricter than most programs that read them. */

/**
 * Whether a text is an IP address: no leading zeros, no zone, and no IPv4 address in IPv6 form, because programs
 * disagree about what these mean.
 */
export function isAddress(text: string, family: 'IPv4' | 'IPv6'): boolean {
  if (family === 'IPv4') return isIPv4(text)
  return isIPv6(text) && !text.includes('%') && !MAPPED.check(text, 'ipv6')
}

const MAPPED = new BlockList()
MAPPED.addSubnet('::ffff:0:0', 96, 'ipv6')

/** Whether an IPv6 address is written in the one form of RFC 5952. */
export function isCanonical(address: string): boolean {
  return new URL(`http://[${address}]`).hostname === `[${address}]`
}

/** Whether an address can be a pod's: not unspecified, loopback or link-local. */
export function isReachable(address: string, family: 'IPv4' | 'IPv6'): boolean {
  return !SPECIAL.check(address, family === 'IPv4' ? 'ipv4' : 'ipv6')
}

const SPECIAL = new BlockList()
SPECIAL.addAddress('0.0.0.0', 'ipv4')
SPECIAL.addSubnet('127.0.0.0', 8, 'ipv4')
SPECIAL.addSubnet('169.254.0.0', 16, 'ipv4')
SPECIAL.addSubnet('224.0.0.0', 24, 'ipv4')
SPECIAL.addAddress('::', 'ipv6')
SPECIAL.addAddress('::1', 'ipv6')
SPECIAL.addSubnet('fe80::', 10, 'ipv6')
// Link-local multicast, whatever its flags (RFC 4291, 2.7).
for (const flags of '0123456789abcdef') SPECIAL.addSubnet(`ff${flags}2::`, 16, 'ipv6')
