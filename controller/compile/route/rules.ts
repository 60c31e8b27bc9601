import type { RouteResource } from '../../../contract/snapshot.ts'
import type { HttpRoute, HttpRouteRule } from '../../api/http-route.ts'
import type { Problem } from '../../api/problem.ts'
import type { BackendFinder, BackendFindings } from '../backend/backends.ts'
import { durationMs } from '../durations.ts'
import { notBuiltFields, problemAt } from '../findings.ts'
import type { Lookup } from '../lookup.ts'
import { type BackendRefFindings, findBackendRef } from './backend-refs.ts'
import { findFilters } from './filters.ts'
import { findMatches } from './matches.ts'

/** The part of a route resource that is the same on every listener. */
export type RuleBody = Pick<
  RouteResource,
  'rule' | 'ruleIndex' | 'matches' | 'filters' | 'timeouts' | 'backendRefs' | 'broken'
>

/** What compile found about one rule. */
export interface RuleFindings {
  /** Undefined when none of its matches can be used: nobody can say which requests it is for. */
  readonly body: RuleBody | undefined
  readonly backends: readonly BackendFindings[]
  readonly problems: readonly Problem[]
  /** Something in the rule itself is wrong, so that it serves nobody; where its backendRefs lead does not count. */
  readonly isUnusable: boolean
}

/** Reads one rule. A rule that is wrong stays in the table and answers 500: it never falls through to another route. */
export function findRule(
  lookup: Lookup,
  backends: BackendFinder,
  route: HttpRoute,
  rule: HttpRouteRule,
  ruleIndex: number,
): RuleFindings {
  const path = `spec.rules[${ruleIndex}]`
  const { matches, problems: wrongMatches } = findMatches(route, rule.matches ?? [], `${path}.matches`)
  const onlyPrefixes = matches.every((match) => match.path.type === 'PathPrefix')
  const { filters, problems: wrongFilters } = findFilters(route, rule.filters ?? [], `${path}.filters`, onlyPrefixes)
  const { timeouts, problems: wrongTimeouts } = findTimeouts(route, rule, `${path}.timeouts`)
  const refs = (rule.backendRefs ?? []).map((ref, index) =>
    findBackendRef(lookup, backends, route, ref, `${path}.backendRefs[${index}]`, onlyPrefixes),
  )
  const wrong = [...wrongFilters, ...wrongTimeouts]
  const isRedirect = filters.some(({ type }) => type === 'RequestRedirect')
  const idle = isRedirect || wrong.length > 0 ? undefined : withoutBackend(refs)
  const broken = wrong[0]?.message ?? idle
  const body: RuleBody = {
    ...(rule.name === undefined ? {} : { rule: rule.name }),
    ruleIndex,
    matches: [...matches],
    filters: [...filters],
    timeouts,
    backendRefs: refs.map(({ ref }) => ref),
    ...(broken === undefined ? {} : { broken: { status: 500, message: broken } }),
  }
  const advised = refs.length === 0 && idle !== undefined ? [emptyRule(route, path)] : []
  return {
    body: matches.length === 0 ? undefined : body,
    backends: refs.flatMap(({ backend }) => backend ?? []),
    problems: [
      ...wrongMatches,
      ...wrong,
      ...refs.flatMap(({ problems }) => problems),
      ...advised,
      ...notBuiltFields(route, path, rule, ['retry', 'sessionPersistence']),
    ],
    isUnusable: matches.length === 0 || wrong.length > 0,
  }
}

/** Why a rule has nobody to send a request to, when that is not any reference's fault. */
function withoutBackend(refs: readonly BackendRefFindings[]): string | undefined {
  if (refs.length === 0) return 'the rule has no backendRefs'
  return refs.every(({ ref }) => ref.weight === 0) ? 'all backendRefs of the rule have weight 0' : undefined
}

function emptyRule(route: HttpRoute, path: string): Problem {
  const message = 'the rule has neither backendRefs nor a redirect: its requests get 500'
  return problemAt(route, path, 'NoEffect', message, { severity: 'warning' })
}

function findTimeouts(
  route: HttpRoute,
  { timeouts }: HttpRouteRule,
  path: string,
): { readonly timeouts: RouteResource['timeouts']; readonly problems: readonly Problem[] } {
  const problems: Problem[] = []
  const read = (field: 'request' | 'backendRequest'): number | undefined => {
    const text = timeouts?.[field]
    const ms = text === undefined ? undefined : durationMs(text)
    if (text !== undefined && ms === undefined) {
      const advice = 'numbers with the units h, m, s and ms: 1m30s'
      problems.push(problemAt(route, `${path}.${field}`, 'UnsupportedValue', `'${text}' is not a duration`, { advice }))
    }
    return ms
  }
  const [requestMs, backendRequestMs] = [read('request'), read('backendRequest')]
  return {
    timeouts: {
      ...(requestMs === undefined ? {} : { requestMs }),
      ...(backendRequestMs === undefined ? {} : { backendRequestMs }),
    },
    problems,
  }
}
