import type { RouteFilter } from '../../../contract/snapshot.ts'
import type { HeaderModifier, HttpRoute, HttpRouteFilter, PathModifier } from '../../api/http-route.ts'
import type { Problem } from '../../api/problem.ts'
import { problemAt } from '../findings.ts'

type SnapshotPath = NonNullable<Extract<RouteFilter, { type: 'URLRewrite' }>['path']>

/**
 * The filters of a rule or of a backendRef. A filter is never skipped: what a Problem here belongs to must not be
 * served without it.
 * @param onlyPrefixes whether all matches of the rule are path prefixes, without which there is no prefix to replace
 */
export function findFilters(
  route: HttpRoute,
  filters: readonly HttpRouteFilter[],
  path: string,
  onlyPrefixes: boolean,
): { readonly filters: readonly RouteFilter[]; readonly problems: readonly Problem[] } {
  const good: RouteFilter[] = []
  const problems: Problem[] = []
  filters.forEach((filter, index) => {
    const found = findFilter(route, filter, `${path}[${index}]`, onlyPrefixes)
    if ('severity' in found) problems.push(found)
    else good.push(found)
  })
  const types = good.map(({ type }) => type)
  if (types.includes('RequestRedirect') && types.includes('URLRewrite')) {
    const message = 'a request cannot be redirected and rewritten by the same rule'
    problems.push(problemAt(route, path, 'IncompatibleFilters', message))
  }
  return { filters: good, problems }
}

/** Filters of Gateway API that weir does not have yet. */
const LATER_FILTERS: readonly string[] = ['RequestMirror', 'CORS', 'ExternalAuth']

function findFilter(
  route: HttpRoute,
  filter: HttpRouteFilter,
  path: string,
  onlyPrefixes: boolean,
): RouteFilter | Problem {
  const { type, requestRedirect, urlRewrite } = filter
  const modifier = requestRedirect?.path ?? urlRewrite?.path
  if (modifier?.type === 'ReplacePrefixMatch' && !onlyPrefixes) {
    const message = 'ReplacePrefixMatch needs matches of type PathPrefix only'
    return problemAt(route, path, 'IncompatibleFilters', message)
  }
  switch (type) {
    case 'RequestHeaderModifier':
      return { type, ...headerModifier(filter.requestHeaderModifier) }
    case 'ResponseHeaderModifier':
      return { type, ...headerModifier(filter.responseHeaderModifier) }
    case 'RequestRedirect':
      return redirect(filter)
    case 'URLRewrite':
      return {
        type,
        ...(urlRewrite?.hostname === undefined ? {} : { hostname: urlRewrite.hostname }),
        ...pathPart(urlRewrite?.path),
      }
    default: {
      const what = LATER_FILTERS.includes(type) ? 'built yet' : 'supported'
      const advice = 'a filter is never skipped: these requests get 500'
      return problemAt(route, `${path}.type`, 'UnsupportedValue', `filter ${type} is not ${what}`, { advice })
    }
  }
}

function headerModifier({ set = [], add = [], remove = [] }: HeaderModifier = {}): {
  set: { name: string; value: string }[]
  add: { name: string; value: string }[]
  remove: string[]
} {
  return { set: set.map(header), add: add.map(header), remove: [...remove] }
}

function header({ name, value }: { readonly name: string; readonly value: string }): { name: string; value: string } {
  return { name, value }
}

function redirect({ requestRedirect = {} }: HttpRouteFilter): RouteFilter {
  const { scheme, hostname, path, port, statusCode = 302 } = requestRedirect
  return {
    type: 'RequestRedirect',
    ...(scheme === undefined ? {} : { scheme: scheme as 'http' | 'https' }),
    ...(hostname === undefined ? {} : { hostname }),
    ...pathPart(path),
    ...(port === undefined ? {} : { port }),
    statusCode,
  }
}

function pathPart(modifier: PathModifier | undefined): { path?: SnapshotPath } {
  if (modifier === undefined) return {}
  return modifier.type === 'ReplaceFullPath'
    ? { path: { type: 'ReplaceFullPath', replaceFullPath: modifier.replaceFullPath ?? '/' } }
    : { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: modifier.replacePrefixMatch ?? '/' } }
}
