import type { ListenerResource, RouteResource } from '../../contract/snapshot.ts'
import { HostnameTable } from './hostname-table.ts'
import { type CompiledMatch, comparePrecedence, matchesBeyondPath, type RoutingRequest } from './route-match.ts'

/** What a router needs to know of a rule; the rest of it is its owner's. */
export interface Routable {
  readonly resource: RouteResource
  /** One for each of `resource.matches`, in that order. */
  readonly matches: readonly CompiledMatch[]
}

export interface Matched<T> {
  readonly rule: T
  /** The prefix that the path begins with, without a trailing slash; undefined when another kind of match took it. */
  readonly prefix: string | undefined
}

/** The rules of one listener. */
export interface ListenerRoutes<T> {
  readonly listener: ListenerResource
  /**
   * The rule that a request belongs to: of all that match, the one with the most specific hostname; then by
   * {@link comparePrecedence}; then the oldest route, the first by namespace and name, the first rule, the first match.
   * @param host lower case, without port
   */
  match(host: string, request: RoutingRequest): Matched<T> | undefined
}

/** The routing tables of one snapshot: which listener a request belongs to, and which rule. */
export class Router<T> {
  readonly #ports: ReadonlyMap<string, HostnameTable<ListenerRoutes<T>>>

  constructor(ports: ReadonlyMap<string, HostnameTable<ListenerRoutes<T>>>) {
    this.#ports = ports
  }

  /**
   * The listener that a request belongs to: the most specific one for its host, and no other (listener isolation). Over
   * TLS it must also be the one that the server name chose in the handshake.
   * @param serverName SNI, lower case; undefined: the client sent none
   * @returns `misdirected`: another listener's host on this connection, 421; undefined: no listener, 404
   */
  listener(
    port: number,
    encrypted: boolean,
    serverName: string | undefined,
    host: string,
  ): ListenerRoutes<T> | 'misdirected' | undefined {
    const table = this.#ports.get(portKey(port, encrypted))
    const found = table?.best(host)
    if (table === undefined || found === undefined || !encrypted) return found
    return table.best(serverName ?? '') === found ? found : 'misdirected'
  }
}

/** Builds the tables. A rule whose listener is not there takes no traffic. */
export function buildRouter<T extends Routable>(
  listeners: readonly ListenerResource[],
  rules: readonly T[],
): Router<T> {
  const tables = new Map<string, ListenerTable<T>>()
  const ports = new Map<string, HostnameTable<ListenerRoutes<T>>>()
  for (const listener of listeners) {
    const table = new ListenerTable<T>(listener)
    const key = portKey(listener.port, listener.protocol === 'HTTPS')
    const port = ports.get(key) ?? new HostnameTable<ListenerRoutes<T>>()
    port.set(listener.hostname, table)
    ports.set(key, port)
    tables.set(listener.key, table)
  }
  for (const rule of [...rules].sort(compareAge)) tables.get(rule.resource.listener)?.add(rule)
  for (const table of tables.values()) table.finish()
  return new Router(ports)
}

function portKey(port: number, encrypted: boolean): string {
  return encrypted ? `${port} tls` : `${port}`
}

/** The older first, then by namespace, name and place in the route. */
function compareAge(a: Routable, b: Routable): number {
  const [x, y] = [a.resource, b.resource]
  return (
    Date.parse(x.creationTimestamp) - Date.parse(y.creationTimestamp) ||
    compareText(`${x.namespace}/${x.name}`, `${y.namespace}/${y.name}`) ||
    x.ruleIndex - y.ruleIndex
  )
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

class ListenerTable<T extends Routable> implements ListenerRoutes<T> {
  readonly listener: ListenerResource
  readonly #byHostname = new HostnameTable<PathTable<T>>()

  constructor(listener: ListenerResource) {
    this.listener = listener
  }

  /** Rules are added in the order of {@link compareAge}. */
  add(rule: T): void {
    const { hostnames } = rule.resource
    for (const hostname of hostnames.length === 0 ? [undefined] : new Set(hostnames)) {
      let table = this.#byHostname.get(hostname)
      if (table === undefined) {
        table = new PathTable()
        this.#byHostname.set(hostname, table)
      }
      for (const match of rule.matches) table.add({ match, rule })
    }
  }

  finish(): void {
    for (const table of this.#byHostname.values()) table.finish()
  }

  match(host: string, request: RoutingRequest): Matched<T> | undefined {
    return this.#byHostname.find(host, (table) => table.match(request))
  }
}

interface Entry<T> {
  readonly match: CompiledMatch
  readonly rule: T
}

/** The matches of one hostname, by path. */
class PathTable<T> {
  readonly #exact = new Map<string, Entry<T>[]>()
  readonly #regexes: Entry<T>[] = []
  readonly #prefixes = new Map<string, Entry<T>[]>()
  /** The lengths of all prefixes, the longest first: few, whatever path a client sends. */
  #lengths: number[] = []

  add(entry: Entry<T>): void {
    const { pathType, path } = entry.match
    if (pathType === 'RegularExpression') this.#regexes.push(entry)
    else addTo(pathType === 'Exact' ? this.#exact : this.#prefixes, path, entry)
  }

  /** Sorting is stable, so that what was added first stays first among equals. */
  finish(): void {
    for (const entries of [...this.#exact.values(), this.#regexes, ...this.#prefixes.values()]) {
      entries.sort((a, b) => comparePrecedence(a.match, b.match))
    }
    this.#lengths = [...new Set([...this.#prefixes.keys()].map((prefix) => prefix.length))].sort((a, b) => b - a)
  }

  match(request: RoutingRequest): Matched<T> | undefined {
    const { path } = request
    const exact = firstThatFits(this.#exact.get(path), request)
    if (exact !== undefined) return { rule: exact.rule, prefix: undefined }
    for (const entry of this.#regexes) {
      if (entry.match.regex?.matches(path) && matchesBeyondPath(entry.match, request)) {
        return { rule: entry.rule, prefix: undefined }
      }
    }
    if (path[0] !== '/') return undefined
    for (const length of this.#lengths) {
      // A prefix ends where a segment of the path does.
      if (length > path.length || (length < path.length && path[length] !== '/')) continue
      const prefix = path.slice(0, length)
      const found = firstThatFits(this.#prefixes.get(prefix), request)
      if (found !== undefined) return { rule: found.rule, prefix }
    }
    return undefined
  }
}

function addTo<T>(map: Map<string, Entry<T>[]>, path: string, entry: Entry<T>): void {
  const entries = map.get(path)
  if (entries === undefined) map.set(path, [entry])
  else entries.push(entry)
}

function firstThatFits<T>(entries: readonly Entry<T>[] | undefined, request: RoutingRequest): Entry<T> | undefined {
  return entries?.find((entry) => matchesBeyondPath(entry.match, request))
}
