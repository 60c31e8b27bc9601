import { validateHeaderName, validateHeaderValue } from 'node:http'
import type { RouteFilter } from '../../contract/snapshot.ts'
import { withoutHeaders } from './headers.ts'
import type { RequestHead } from './transport.ts'

/** Changes a head; `prefix` is the path prefix that routed the request, where one did. */
export type RequestFilter = (head: RequestHead, prefix: string | undefined) => RequestHead

export type ResponseFilter = (rawHeaders: readonly string[]) => readonly string[]

/** The request as a redirect sees it. */
export interface RedirectedRequest {
  readonly head: RequestHead
  readonly scheme: 'http' | 'https'
  /** Host without port and brackets; empty when the client sent none. */
  readonly host: string
  /** The listener's port in the manifest. */
  readonly listenerPort: number
  readonly prefix: string | undefined
}

export interface Redirect {
  readonly statusCode: number
  location(request: RedirectedRequest): string
}

type HeaderModifier = Extract<RouteFilter, { type: 'RequestHeaderModifier' | 'ResponseHeaderModifier' }>
type PathModifier = NonNullable<Extract<RouteFilter, { type: 'URLRewrite' }>['path']>

/** Framing and connection are ours alone, and Host changes by URLRewrite alone: a modifier that names these does nothing to them. */
const UNTOUCHABLE = new Set([
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * All request filters of a list as one, in their order; undefined when there are none.
 * @throws Error when a header that a filter sets cannot be one
 */
export function compileRequestFilters(filters: readonly RouteFilter[]): RequestFilter | undefined {
  const steps: RequestFilter[] = []
  for (const filter of filters) {
    if (filter.type === 'RequestHeaderModifier') {
      const modify = compileHeaderModifier(filter)
      steps.push((head) => ({ ...head, rawHeaders: modify(head.rawHeaders) }))
    } else if (filter.type === 'URLRewrite') {
      const { hostname, path } = filter
      if (path !== undefined) steps.push((head, prefix) => ({ ...head, target: modifyPath(head.target, path, prefix) }))
      if (hostname !== undefined) {
        steps.push((head) => ({ ...head, rawHeaders: ['host', hostname, ...withoutHeaders(head.rawHeaders, HOST)] }))
      }
    }
  }
  if (steps.length <= 1) return steps[0]
  return (head, prefix) => steps.reduce((current, step) => step(current, prefix), head)
}

const HOST = new Set(['host'])

/** All response filters of a list as one, in their order; undefined when there are none. */
export function compileResponseFilters(filters: readonly RouteFilter[]): ResponseFilter | undefined {
  const steps = filters.filter((filter) => filter.type === 'ResponseHeaderModifier').map(compileHeaderModifier)
  if (steps.length <= 1) return steps[0]
  return (rawHeaders) => steps.reduce((current, step) => step(current), rawHeaders)
}

/** The redirect of a rule, if it has one. */
export function compileRedirect(filters: readonly RouteFilter[]): Redirect | undefined {
  for (const filter of filters) {
    if (filter.type !== 'RequestRedirect') continue
    return {
      statusCode: filter.statusCode,
      location: (request) => {
        const { head, prefix } = request
        const target = filter.path === undefined ? head.target : modifyPath(head.target, filter.path, prefix)
        const scheme = filter.scheme ?? request.scheme
        const host = filter.hostname ?? request.host
        if (host === '') return target
        // The port of the filter; else that of the scheme it names; else the listener's (Gateway API, RequestRedirect).
        const port = filter.port ?? (filter.scheme === undefined ? request.listenerPort : WELL_KNOWN[scheme])
        const authority = host.includes(':') ? `[${host}]` : host
        return `${scheme}://${authority}${port === WELL_KNOWN[scheme] ? '' : `:${port}`}${target}`
      },
    }
  }
  return undefined
}

const WELL_KNOWN = { http: 80, https: 443 } as const

/**
 * Removes, replaces and adds, by names without case; `add` makes a further header of the same name.
 * @throws Error when a name or value cannot stand in a header
 */
function compileHeaderModifier(filter: HeaderModifier): ResponseFilter {
  for (const { name, value } of [...filter.set, ...filter.add]) {
    validateHeaderName(name)
    validateHeaderValue(name, value)
  }
  const touchable = (name: string) => !UNTOUCHABLE.has(name.toLowerCase())
  const set = filter.set.filter(({ name }) => touchable(name))
  const add = filter.add.filter(({ name }) => touchable(name))
  const gone = new Set(
    [...filter.remove, ...set.map(({ name }) => name)].filter(touchable).map((name) => name.toLowerCase()),
  )
  const appended = [...set, ...add].flatMap(({ name, value }) => [name, value])
  return (rawHeaders) => [...withoutHeaders(rawHeaders, gone), ...appended]
}

/** A target with another path and its own query (Gateway API, HTTPPathModifier). */
function modifyPath(target: string, modifier: PathModifier, prefix: string | undefined): string {
  const mark = target.indexOf('?')
  const path = mark < 0 ? target : target.slice(0, mark)
  const query = mark < 0 ? '' : target.slice(mark)
  if (modifier.type === 'ReplaceFullPath') return rooted(encodedPath(modifier.replaceFullPath)) + query
  // Only a prefix match can be swapped; the API refuses this modifier beside other matches.
  if (prefix === undefined) return target
  const rest = path.slice(prefix.length)
  const replacement = encodedPath(modifier.replacePrefixMatch).replace(/\/$/, '')
  return rooted(replacement + rest) + query
}

function rooted(path: string): string {
  return path.startsWith('/') ? path : `/${path}`
}

/** A path as users write it in YAML, with what cannot stand in a request line or header percent-encoded as UTF-8. */
function encodedPath(path: string): string {
  return path.replace(/[^\x21-\x7e]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}
