import { GATEWAY_API_GROUP } from '../../../contract/names.ts'
import { didYouMean } from '../../../contract/nearest.ts'
import type { HttpRoute, ParentRef } from '../../api/http-route.ts'
import type { Problem } from '../../api/problem.ts'
import { fullName, problemAt } from '../findings.ts'
import { allowsNamespace } from '../gateway/allowed-routes.ts'
import type { GatewayFindings } from '../gateway/gateways.ts'
import type { ListenerFindings } from '../gateway/listeners.ts'
import type { Lookup } from '../lookup.ts'
import { intersection } from './hostnames.ts'

/** One listener that a route attaches to, and the hostnames that count there. */
export interface Attachment {
  readonly listener: ListenerFindings
  readonly hostnames: readonly string[]
}

/** What one parentRef leads to. */
export interface ParentFindings {
  readonly ref: ParentRef
  readonly gateway: GatewayFindings
  /** Empty when `problem` says why. */
  readonly attachments: readonly Attachment[]
  readonly problem: Problem | undefined
}

/**
 * Follows the parentRefs of a route to Gateways of ours; what leads to other controllers' parents is not our business
 * and left out. A name that nobody has gives a Problem, but no parent: there is nobody in whose name to speak.
 */
export function findParents(
  lookup: Lookup,
  gateways: ReadonlyMap<string, GatewayFindings>,
  route: HttpRoute,
): { readonly parents: readonly ParentFindings[]; readonly problems: readonly Problem[] } {
  const refs = route.spec?.parentRefs ?? []
  const parents: ParentFindings[] = []
  const problems: Problem[] = refs.length > 0 ? [] : [withoutParent(route)]
  refs.forEach((ref, index) => {
    const { group = GATEWAY_API_GROUP, kind = 'Gateway', namespace = route.metadata.namespace ?? '', name } = ref
    const path = `spec.parentRefs[${index}]`
    if (group !== GATEWAY_API_GROUP || kind !== 'Gateway') {
      problems.push(...foreignParent(route, group, kind, path))
      return
    }
    const gateway = gateways.get(`${namespace}/${name}`)
    if (gateway !== undefined) parents.push(attach(lookup, gateway, route, ref, path))
    else if (lookup.find('Gateway', namespace, name) === undefined) {
      const advice = didYouMean(name, lookup.names('Gateway', namespace)) ?? elsewhere(lookup, name)
      const message = `Gateway ${namespace}/${name} not found`
      problems.push(problemAt(route, `${path}.name`, 'NoMatchingParent', message, { advice }))
    }
  })
  return { parents, problems: [...problems, ...parents.flatMap(({ problem }) => problem ?? [])] }
}

function withoutParent(route: HttpRoute): Problem {
  const message = 'the route names no parent: nobody serves it'
  return problemAt(route, 'spec.parentRefs', 'NoEffect', message, { severity: 'warning' })
}

/** A parent that is no Gateway is nobody's mistake where a mesh has its Services; elsewhere it may be a slip. */
function foreignParent(route: HttpRoute, group: string, kind: string, path: string): readonly Problem[] {
  if (group === '' && kind === 'Service') return []
  const message = `weir serves no parents of kind '${kind}' of group '${group}'`
  const advice = didYouMean(kind, ['Gateway'])
  return [problemAt(route, `${path}.kind`, 'NoEffect', message, { severity: 'warning', advice })]
}

/** The usual slip: the Gateway is there, in another namespace. */
function elsewhere(lookup: Lookup, name: string): string | undefined {
  const other = lookup.all('Gateway').find(({ metadata }) => metadata.name === name)
  return other === undefined ? undefined : `there is ${fullName(other)}`
}

/** In Gateway API's order: which listeners are meant, which of them take the route, with which of these it shares a hostname. */
function attach(
  lookup: Lookup,
  gateway: GatewayFindings,
  route: HttpRoute,
  ref: ParentRef,
  path: string,
): ParentFindings {
  const { sectionName, port } = ref
  const namespace = route.metadata.namespace ?? ''
  const failed = (kind: Problem['kind'], field: string, message: string, advice?: string): ParentFindings => ({
    ref,
    gateway,
    attachments: [],
    problem: problemAt(route, field, kind, message, { advice }),
  })
  const meant = gateway.listeners.filter(
    ({ spec }) => (sectionName ?? spec.name) === spec.name && (port ?? spec.port) === spec.port,
  )
  const of = `of Gateway ${fullName(gateway.object)}`
  if (meant.length === 0) {
    const wanted = [
      sectionName === undefined ? '' : ` named '${sectionName}'`,
      port === undefined ? '' : ` on port ${port}`,
    ]
    const known = gateway.listeners.map(({ spec }) => spec.name)
    const advice = sectionName === undefined || known.includes(sectionName) ? undefined : didYouMean(sectionName, known)
    const field = `${path}.${sectionName === undefined ? 'port' : 'sectionName'}`
    return failed('NoMatchingParent', field, `no listener ${of} is${wanted.join('')}`, advice)
  }
  const taking = meant.filter(
    ({ spec, supportedKinds }) =>
      supportedKinds.some(({ kind }) => kind === route.kind) &&
      allowsNamespace(lookup, gateway.object, spec, namespace),
  )
  if (taking.length === 0) {
    const names = meant.map(({ spec }) => `'${spec.name}'`).join(', ')
    return failed(
      'NotAllowedByListeners',
      path,
      `listener ${names} ${of} takes no HTTPRoutes of namespace ${namespace}`,
    )
  }
  const attachments = taking.flatMap((listener) => {
    const hostnames = intersection(route.spec?.hostnames ?? [], listener.spec.hostname)
    return hostnames === undefined ? [] : { listener, hostnames }
  })
  if (attachments.length > 0) return { ref, gateway, attachments, problem: undefined }
  const known = taking.map(({ spec }) => spec.hostname ?? '').join(', ')
  return failed('NoMatchingListenerHostname', 'spec.hostnames', `none is among those of the listeners ${of}: ${known}`)
}
