import { compileRegex, type Regex } from '../../contract/regex.ts'
import type { RouteMatch } from '../../contract/snapshot.ts'
import { joinedHeader } from './headers.ts'

/** What of a request routing looks at. */
export interface RoutingRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** Without the question mark; empty when there is none. */
  readonly query: string
  readonly rawHeaders: readonly string[]
}

interface ValueTest {
  /** Headers: lower case. */
  readonly name: string
  readonly exact: string | undefined
  readonly regex: Regex | undefined
}

/** One match of a rule, ready to be run. */
export interface CompiledMatch {
  readonly pathType: 'Exact' | 'PathPrefix' | 'RegularExpression'
  /** The path; of a prefix without the trailing slash that Gateway API ignores (so that `/` is empty). */
  readonly path: string
  readonly regex: Regex | undefined
  readonly method: string | undefined
  readonly headers: readonly ValueTest[]
  readonly queryParams: readonly ValueTest[]
}

/** @throws Error when a regular expression is none */
export function compileMatch(match: RouteMatch): CompiledMatch {
  const { type, value } = match.path
  return {
    pathType: type,
    path: type === 'PathPrefix' ? value.replace(/\/$/, '') : value,
    regex: type === 'RegularExpression' ? compileRegex(value) : undefined,
    method: match.method,
    headers: compileTests(match.headers, (name) => name.toLowerCase()),
    queryParams: compileTests(match.queryParams, (name) => name),
  }
}

/** Of a name that is given twice only the first entry counts (Gateway API, HTTPHeaderMatch.name). */
function compileTests(tests: RouteMatch['headers'], normal: (name: string) => string): ValueTest[] {
  const compiled = new Map<string, ValueTest>()
  for (const { type, name, value } of tests) {
    const key = normal(name)
    if (compiled.has(key)) continue
    const regex = type === 'RegularExpression' ? compileRegex(value) : undefined
    compiled.set(key, { name: key, exact: regex === undefined ? value : undefined, regex })
  }
  return [...compiled.values()]
}

/** Whether method, headers and query parameters fit; the path is the tables' business. */
export function matchesBeyondPath(match: CompiledMatch, request: RoutingRequest): boolean {
  if (match.method !== undefined && match.method !== request.method) return false
  for (const test of match.headers) {
    const value = joinedHeader(request.rawHeaders, test.name)
    if (value === undefined || !passes(test, value)) return false
  }
  if (match.queryParams.length === 0) return true
  // Of a parameter that is repeated the first value counts.
  const parameters = new URLSearchParams(request.query)
  for (const test of match.queryParams) {
    const value = parameters.get(test.name)
    if (value === null || !passes(test, value)) return false
  }
  return true
}

function passes(test: ValueTest, value: string): boolean {
  return test.regex === undefined ? value === test.exact : test.regex.matches(value)
}

const PATH_RANK = { Exact: 0, RegularExpression: 1, PathPrefix: 2 } as const

/**
 * The order in which matches are tried (Gateway API, HTTPRouteMatch): exact path, regular expression, prefix; of two
 * of a kind the longer; then a method, more headers, more query parameters. 0: route age, name and order decide.
 */
export function comparePrecedence(a: CompiledMatch, b: CompiledMatch): number {
  return (
    PATH_RANK[a.pathType] - PATH_RANK[b.pathType] ||
    b.path.length - a.path.length ||
    Number(b.method !== undefined) - Number(a.method !== undefined) ||
    b.headers.length - a.headers.length ||
    b.queryParams.length - a.queryParams.length
  )
}
