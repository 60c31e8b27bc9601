import type { BackendResource, Broken, RouteResource } from '../../contract/snapshot.ts'
import { GatewayError, type GatewayErrorCode } from '../fault.ts'
import {
  compileRedirect,
  compileRequestFilters,
  compileResponseFilters,
  type Redirect,
  type RequestFilter,
  type ResponseFilter,
} from './filters.ts'
import type { Handler } from './handler.ts'
import { compileMatch } from './route-match.ts'
import type { Routable } from './router.ts'

/** A backend and what serves it. */
export interface ServedBackend {
  readonly resource: BackendResource
  readonly handler: Handler
}

/** Where one request of a rule goes. */
export interface BackendChoice {
  /** Absent when the reference leads nowhere. */
  readonly backend: ServedBackend | undefined
  /** Set: the request cannot be served. */
  readonly error: GatewayError | undefined
  readonly requestFilter: RequestFilter | undefined
  readonly responseFilter: ResponseFilter | undefined
}

/** One rule made ready to run. */
export interface Rule extends Routable {
  /** Set: every request of the rule is answered with this. */
  readonly error: GatewayError | undefined
  readonly redirect: Redirect | undefined
  readonly requestFilter: RequestFilter | undefined
  readonly responseFilter: ResponseFilter | undefined
  /** 0: no limit. */
  readonly requestMs: number
  /** 0: no limit. */
  readonly attemptMs: number
  /** Chooses by weight. @param random from 0 up to, not including, 1 */
  choose(random: number): BackendChoice
}

/**
 * Makes a rule ready to run.
 * @param backendOf the backend of a key, when the plan has one
 * @throws Error when a regular expression is none
 */
export function compileRule(resource: RouteResource, backendOf: (key: string) => ServedBackend | undefined): Rule {
  const redirect = compileRedirect(resource.filters)
  return {
    resource,
    matches: resource.matches.map(compileMatch),
    error: resource.broken === undefined ? undefined : brokenError(resource.broken, 'invalid_route'),
    redirect,
    requestFilter: compileRequestFilters(resource.filters),
    responseFilter: compileResponseFilters(resource.filters),
    requestMs: resource.timeouts.requestMs ?? 0,
    attemptMs: resource.timeouts.backendRequestMs ?? 0,
    choose: compileChoice(resource, backendOf),
  }
}

function compileChoice(
  resource: RouteResource,
  backendOf: (key: string) => ServedBackend | undefined,
): (random: number) => BackendChoice {
  const choices: BackendChoice[] = []
  const bounds: number[] = []
  let total = 0
  for (const ref of resource.backendRefs) {
    if (ref.weight === 0) continue
    total += ref.weight
    bounds.push(total)
    const backend = ref.backend === undefined ? undefined : backendOf(ref.backend)
    const broken = ref.broken ?? backend?.resource.broken
    choices.push({
      backend,
      error: broken === undefined ? missing(backend) : brokenError(broken, 'invalid_backend'),
      requestFilter: compileRequestFilters(ref.filters),
      responseFilter: compileResponseFilters(ref.filters),
    })
  }
  // Without a backend, or with weights of 0 alone, the answer is a 500 (Gateway API, HTTPRouteRule.backendRefs).
  const nowhere: BackendChoice = {
    backend: undefined,
    error: new GatewayError('invalid_route', 'the route has no backend that takes traffic'),
    requestFilter: undefined,
    responseFilter: undefined,
  }
  return (random) => {
    const point = random * total
    return choices[bounds.findIndex((bound) => point < bound)] ?? nowhere
  }
}

function missing(backend: ServedBackend | undefined): GatewayError | undefined {
  return backend === undefined
    ? new GatewayError('invalid_backend', 'the backend of the route is not there')
    : undefined
}

const BROKEN_CODES: { readonly [status: number]: GatewayErrorCode } = {
  404: 'route_not_found',
  501: 'not_implemented',
  502: 'upstream_connect_failed',
  503: 'no_healthy_backend',
}

/** What compile said of a broken part; where its status is not one of the table's, the answer is a 500. */
function brokenError(broken: Broken, code: GatewayErrorCode): GatewayError {
  return new GatewayError(BROKEN_CODES[broken.status] ?? code, broken.message)
}
