import { fullName } from '../findings.ts'
import type { GatewayFindings } from '../gateway/gateways.ts'
import { isAccepted, type RouteFindings } from '../route/routes.ts'
import type { PolicyTarget } from './policy-targets.ts'

/** The Gateways of ours through which requests come to a target, in their order; a section has those of the whole. */
export type Reach = (target: Pick<PolicyTarget, 'kind' | 'namespace' | 'name'>) => readonly GatewayFindings[]

/** Looks at each route once, however many policies ask. */
export function findReach(gateways: readonly GatewayFindings[], routes: readonly RouteFindings[]): Reach {
  const reached = new Map<string, Set<GatewayFindings>>()
  const add = (kind: string, name: string, through: Iterable<GatewayFindings>): void => {
    const key = `${kind} ${name}`
    const known = reached.get(key) ?? new Set()
    reached.set(key, known)
    for (const gateway of through) known.add(gateway)
  }
  for (const gateway of gateways) add('Gateway', fullName(gateway.object), [gateway])
  for (const route of routes) {
    const through = route.parents.filter((parent) => isAccepted(route, parent)).map(({ gateway }) => gateway)
    add('HTTPRoute', fullName(route.object), through)
    for (const { target } of route.rules.flatMap(({ backends }) => backends)) {
      add(target.kind, `${target.namespace}/${target.name}`, through)
    }
  }
  return ({ kind, namespace, name }) => {
    const through = reached.get(`${kind} ${namespace}/${name}`)
    return through === undefined ? [] : gateways.filter((gateway) => through.has(gateway))
  }
}
