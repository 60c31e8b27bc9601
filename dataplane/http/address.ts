import { normalHost } from '../../runtime/address.ts'

/** A host and, when it was written, a port. IPv6 addresses are without their brackets. */
export interface HostPort {
  readonly host: string
  readonly port: number | undefined
}

/** RFC 3986 3.2.2: reg-name or IPv4 address, or an IP literal in brackets; then an optional port. No user information. */
const AUTHORITY = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._~!$&'()*+,;=%-]*))(?::(\d*))?$/i

/**
 * Reads `host`, `host:port`, `[v6]` or `[v6]:port`. The host comes back in lower case and without a trailing dot, so
 * that it can be compared; an empty host is allowed, as HTTP allows an empty Host header (RFC 9112 3.2).
 * @returns undefined when the text is no authority
 */
export function parseAuthority(text: string): HostPort | undefined {
  const found = AUTHORITY.exec(text)
  if (found === null) return undefined
  const [, v6, name, digits] = found
  const host = normalHost(v6 ?? name ?? '')
  if (digits === undefined || digits === '') return { host, port: undefined }
  const port = Number(digits)
  return port > 65535 ? undefined : { host, port }
}
