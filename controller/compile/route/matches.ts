import { checkRegex } from '../../../contract/regex.ts'
import type { RouteMatch } from '../../../contract/snapshot.ts'
import type { HttpRoute, HttpRouteMatch, ValueMatch } from '../../api/http-route.ts'
import type { Problem } from '../../api/problem.ts'
import { problemAt } from '../findings.ts'

const EVERY_PATH: RouteMatch = { path: { type: 'PathPrefix', value: '/' }, headers: [], queryParams: [] }

/**
 * The matches of a rule. One that is wrong is left out: nobody can say which requests it meant. A rule without matches
 * takes every path.
 */
export function findMatches(
  route: HttpRoute,
  matches: readonly HttpRouteMatch[],
  path: string,
): { readonly matches: readonly RouteMatch[]; readonly problems: readonly Problem[] } {
  if (matches.length === 0) return { matches: [EVERY_PATH], problems: [] }
  const good: RouteMatch[] = []
  const problems: Problem[] = []
  matches.forEach((match, index) => {
    const found = matchProblems(route, match, `${path}[${index}]`)
    if (found.length === 0) good.push(routeMatch(match))
    problems.push(...found)
  })
  return { matches: good, problems }
}

function matchProblems(route: HttpRoute, match: HttpRouteMatch, path: string): readonly Problem[] {
  const values = (list: readonly ValueMatch[] | undefined, name: string): readonly Problem[] =>
    (list ?? []).flatMap(({ type, value }, index) =>
      valueProblems(route, VALUE_TYPES, type, value, `${path}.${name}[${index}]`),
    )
  return [
    ...valueProblems(route, PATH_TYPES, match.path?.type ?? 'PathPrefix', match.path?.value ?? '/', `${path}.path`),
    ...values(match.headers, 'headers'),
    ...values(match.queryParams, 'queryParams'),
  ]
}

const PATH_TYPES: readonly string[] = ['Exact', 'PathPrefix', 'RegularExpression']
const VALUE_TYPES: readonly string[] = ['Exact', 'RegularExpression']

function valueProblems(
  route: HttpRoute,
  types: readonly string[],
  type: string | undefined,
  value: string,
  path: string,
): readonly Problem[] {
  if (type !== undefined && !types.includes(type)) {
    const advice = `types are ${types.join(', ')}`
    return [problemAt(route, `${path}.type`, 'UnsupportedValue', `unknown match type '${type}'`, { advice })]
  }
  const mistake = type === 'RegularExpression' ? checkRegex(value) : undefined
  return mistake === undefined ? [] : [problemAt(route, `${path}.value`, 'UnsupportedValue', mistake)]
}

function routeMatch({ path, method, headers, queryParams }: HttpRouteMatch): RouteMatch {
  return {
    path: { type: (path?.type ?? 'PathPrefix') as RouteMatch['path']['type'], value: path?.value ?? '/' },
    ...(method === undefined ? {} : { method }),
    headers: firstOfEach(headers ?? [], (name) => name.toLowerCase()),
    queryParams: firstOfEach(queryParams ?? [], (name) => name),
  }
}

/** Of entries with the same name only the first counts (Gateway API, HTTPHeaderMatch and HTTPQueryParamMatch). */
function firstOfEach(list: readonly ValueMatch[], identity: (name: string) => string): RouteMatch['headers'] {
  const seen = new Map<string, RouteMatch['headers'][number]>()
  for (const { type = 'Exact', name, value } of list) {
    const key = identity(name)
    if (!seen.has(key)) seen.set(key, { type: type as RouteMatch['headers'][number]['type'], name: key, value })
  }
  return [...seen.values()]
}
