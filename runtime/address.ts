/** Where a server of weir's own listens: a TCP address, a Unix socket, or nowhere. */
export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'off' }

/**
 * Reads `ip:port`, `localhost:port`, `[::1]:port`, `:port` (all interfaces), `unix:/path` or `off`.
 * @returns a message instead, when the text is none of these
 */
export function parseListenAddress(text: string): ListenAddress | string {
  if (text === 'off') return { kind: 'off' }
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length)
    return path.startsWith('/') ? { kind: 'unix', path } : `'${text}': a Unix socket is written unix:/path`
  }
  const colon = text.lastIndexOf(':')
  const port = Number(text.slice(colon + 1))
  if (colon < 0 || text.length === colon + 1 || !Number.isInteger(port) || port < 0 || port > 65535) {
    return `'${text}': an address is written host:port, unix:/path or off`
  }
  const host = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  return { kind: 'tcp', host: host === '' ? '::' : host, port }
}

/** The address as a person would write it. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** A host name as it is compared: lower case, no trailing dot (Gateway API's hostname rules). */
export function normalHost(host: string): string {
  const lower = host.toLowerCase()
  return lower.endsWith('.') ? lower.slice(0, -1) : lower
}
