import { normalHost } from './address.ts'

/** One `--connect-to HOST1:PORT1:HOST2:PORT2`, as curl has it: an empty part means any (first half) or the same (second half). */
export interface ConnectTo {
  readonly fromHost: string | undefined
  readonly fromPort: number | undefined
  readonly toHost: string | undefined
  readonly toPort: number | undefined
}

const PART = /(\[[0-9a-f:.]*\]|[^:[\]]*)/i.source
const FORM = new RegExp(`^${PART}:(\\d*):${PART}:(\\d*)$`, 'i')

/** Reads one option value; IPv6 addresses stand in brackets. @returns a message instead, when it has another form */
export function parseConnectTo(text: string): ConnectTo | string {
  const found = FORM.exec(text)
  if (found === null) return `'${text}': --connect-to is written HOST1:PORT1:HOST2:PORT2; any part may be empty`
  const [, fromHost, fromPort, toHost, toPort] = found
  const ports = [portOf(fromPort), portOf(toPort)]
  if (ports.includes(null)) return `'${text}': a port is a number from 1 to 65535`
  return {
    fromHost: hostOf(fromHost),
    fromPort: ports[0] ?? undefined,
    toHost: hostOf(toHost),
    toPort: ports[1] ?? undefined,
  }
}

/** Where a connection that is meant for `host:port` really goes: by the first rule that fits, else there. */
export function connectTarget(rules: readonly ConnectTo[], host: string, port: number): { host: string; port: number } {
  const name = normalHost(host)
  for (const rule of rules) {
    if (rule.fromHost !== undefined && rule.fromHost !== name) continue
    if (rule.fromPort !== undefined && rule.fromPort !== port) continue
    return { host: rule.toHost ?? host, port: rule.toPort ?? port }
  }
  return { host, port }
}

function hostOf(part: string | undefined): string | undefined {
  return part === undefined || part === '' || part === '[]' ? undefined : normalHost(part.replace(/^\[(.*)\]$/, '$1'))
}

/** undefined: left empty; null: no port. */
function portOf(digits: string | undefined): number | undefined | null {
  if (digits === undefined || digits === '') return undefined
  const port = Number(digits)
  return port >= 1 && port <= 65535 ? port : null
}
