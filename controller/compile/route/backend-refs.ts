import { GATEWAY_API_GROUP, WEIR_GROUP } from '../../../contract/names.ts'
import { didYouMean } from '../../../contract/nearest.ts'
import type { BackendRef } from '../../../contract/snapshot.ts'
import type { HttpBackendRef, HttpRoute } from '../../api/http-route.ts'
import type { Problem } from '../../api/problem.ts'
import type { BackendFinder, BackendFindings } from '../backend/backends.ts'
import { problemAt } from '../findings.ts'
import type { Lookup } from '../lookup.ts'
import { isPermitted } from '../reference-grants.ts'
import { findFilters } from './filters.ts'

/** One backendRef as the snapshot has it, with the backend that it leads to. */
export interface BackendRefFindings {
  readonly ref: BackendRef
  readonly backend: BackendFindings | undefined
  readonly problems: readonly Problem[]
}

/** Follows a backendRef. One that leads nowhere keeps its weight and answers 500 for its share of requests. */
export function findBackendRef(
  lookup: Lookup,
  backends: BackendFinder,
  route: HttpRoute,
  ref: HttpBackendRef,
  path: string,
  onlyPrefixes: boolean,
): BackendRefFindings {
  const { filters, problems: wrongFilters } = findFilters(route, ref.filters ?? [], `${path}.filters`, onlyPrefixes)
  const followed = followBackend(lookup, backends, route, ref, path)
  const lost = 'severity' in followed ? [followed] : []
  const problems = [...lost, ...wrongFilters]
  const weight = ref.weight ?? 1
  if ('severity' in followed || problems.length > 0) {
    const message = problems[0]?.message ?? ''
    return { ref: { weight, broken: { status: 500, message }, filters: [] }, backend: undefined, problems }
  }
  return { ref: { weight, backend: followed.resource.key, filters: [...filters] }, backend: followed, problems }
}

/** Kind first, then permission, then existence: a refusal must not tell what there is elsewhere. */
function followBackend(
  lookup: Lookup,
  backends: BackendFinder,
  route: HttpRoute,
  ref: HttpBackendRef,
  path: string,
): BackendFindings | Problem {
  const own = route.metadata.namespace ?? ''
  const { group = '', kind = 'Service', namespace = own, name, port } = ref
  const isService = group === '' && kind === 'Service'
  if (!isService && !(group === WEIR_GROUP && kind === 'Backend')) {
    const meant = group === WEIR_GROUP ? ['Backend'] : group === '' ? ['Service'] : []
    const advice = didYouMean(kind, meant) ?? `known are Service of the core group and Backend of ${WEIR_GROUP}`
    return problemAt(route, `${path}.kind`, 'InvalidKind', `unknown kind '${kind}' of group '${group}'`, { advice })
  }
  const to = { group, kind, namespace, name }
  if (!isPermitted(lookup, { group: GATEWAY_API_GROUP, kind: 'HTTPRoute', namespace: own }, to)) {
    const message = `no ReferenceGrant lets HTTPRoutes of ${own} use ${kind} ${namespace}/${name}`
    return problemAt(route, path, 'RefNotPermitted', message)
  }
  const found = isService ? backends.service(namespace, name, port) : backends.backend(namespace, name)
  if ('resource' in found) return found
  // Elsewhere, advice would tell names that the grant does not cover.
  const advice =
    found.field === 'name' && namespace === own
      ? didYouMean(name, lookup.names(isService ? 'Service' : 'Backend', own))
      : undefined
  return problemAt(route, `${path}.${found.field}`, found.kind, found.message, { advice })
}
