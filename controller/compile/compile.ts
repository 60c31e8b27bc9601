import type { Inventory } from '../api/inventory.ts'
import type { Problem } from '../api/problem.ts'
import type { Compilation, CompileSettings, Verdict } from '../api/verdict.ts'
import { backendStatus, policyStatus } from './backend/backend-status.ts'
import { findPolicies, type PolicyFindings } from './backend/backend-tls-policies.ts'
import { type BackendFindings, backendFinder } from './backend/backends.ts'
import { fullName, refTo } from './findings.ts'
import { findClasses, unknownClass } from './gateway/gateway-classes.ts'
import { gatewayStatus, parametersStatus, UNUSED_STATUS } from './gateway/gateway-status.ts'
import { findGateway, type GatewayFindings } from './gateway/gateways.ts'
import { unsupportedParameters } from './gateway/unsupported-parameters.ts'
import { indexInventory, type Lookup } from './lookup.ts'
import { findReach } from './policy/policy-reach.ts'
import { findTrafficPolicies } from './policy/traffic-policies.ts'
import { trafficPolicyVerdict } from './policy/traffic-policy-status.ts'
import { findRoute, isAccepted, type RouteFindings, routeStatus } from './route/routes.ts'
import { snapshotOf } from './snapshots.ts'

/**
 * From everything that is there to what every Gateway's pods should run, what they need around them, and what every
 * object's status should say. Pure: the same inventory gives the same compilation, byte for byte. Mistakes of users are
 * Problems in the result; it throws only when weir has a bug.
 */
export function compile(inventory: Inventory, settings: CompileSettings): Compilation {
  const lookup = indexInventory(inventory)
  const classes = findClasses(lookup, settings)
  const ownGateways = lookup.all('Gateway').flatMap((object) => {
    const ownClass = classes.own.get(object.spec?.gatewayClassName ?? '')
    return ownClass === undefined ? [] : findGateway(lookup, object, ownClass)
  })
  const gateways = [...ownGateways].sort((a, b) => (fullName(a.object) < fullName(b.object) ? -1 : 1))
  const byName = new Map(gateways.map((gateway) => [fullName(gateway.object), gateway]))
  const policyFinder = findPolicies(lookup)
  const { policies } = policyFinder
  const finder = backendFinder(lookup, policyFinder)
  const routes = lookup.all('HTTPRoute').map((object) => findRoute(lookup, byName, finder, object))
  const backends = lookup.all('Backend').flatMap((object) => {
    const findings = finder.backend(object.metadata.namespace ?? '', object.metadata.name)
    return 'resource' in findings ? { object, findings } : []
  })
  const reach = findReach(gateways, routes)
  const traffic = findTrafficPolicies(lookup).policies.map((policy) => ({
    object: policy.object,
    found: trafficPolicyVerdict(policy, reach),
  }))
  const problems = [
    ...classes.problems,
    ...lookup
      .all('Gateway')
      .flatMap((gateway) => (byName.has(fullName(gateway)) ? [] : unknownClass(lookup, classes.own, gateway))),
    ...gateways.flatMap(gatewayProblems),
    ...routes.flatMap((route) => route.problems),
    ...backends.flatMap(({ findings }) => findings.problems),
    ...policies.flatMap((policy) => policy.problems),
    ...traffic.flatMap(({ found }) => found.problems),
  ]
  return {
    snapshots: gateways.map((gateway) => snapshotOf(gateway, routes)),
    workloads: gateways.map(({ workload }) => workload),
    verdicts: [
      ...classes.verdicts,
      ...parametersVerdicts(lookup, gateways),
      ...gateways.map((gateway) => gatewayVerdict(gateway, routes)),
      ...routes.map((route) => verdict(route.object, route.problems, routeStatus(route))),
      ...backends.map(({ object, findings }) =>
        verdict(object, findings.problems, backendStatus(findings, object.metadata.generation)),
      ),
      ...policies.map((policy) =>
        verdict(policy.object, policy.problems, policyStatus(policy, ancestorsOf(policy, gateways, routes))),
      ),
      ...traffic.map(({ object, found }) => verdict(object, found.problems, found.status)),
    ],
    problems: [...inventory.problems, ...inOrder(inventory, problems)],
  }
}

function verdict(object: Parameters<typeof refTo>[0], problems: readonly Problem[], status: unknown): Verdict {
  return { at: refTo(object), generation: object.metadata.generation, problems, status }
}

/** A telemetry Problem may belong to several Gateways; it is told once, see {@link inOrder}. */
function gatewayProblems({ problems, listeners, telemetry }: GatewayFindings): readonly Problem[] {
  return [...problems, ...listeners.flatMap((listener) => listener.problems), ...telemetry.problems]
}

function gatewayVerdict(gateway: GatewayFindings, routes: readonly RouteFindings[]): Verdict {
  const attached = new Map<string, number>()
  for (const route of routes) {
    const names = route.parents
      .filter((parent) => parent.gateway === gateway && isAccepted(route, parent))
      .flatMap(({ attachments }) => attachments.map(({ listener }) => listener.spec.name))
    // Two parentRefs may lead to one listener; the route counts once.
    for (const name of new Set(names)) attached.set(name, (attached.get(name) ?? 0) + 1)
  }
  return verdict(gateway.object, gatewayProblems(gateway), gatewayStatus(gateway, attached))
}

/** First those that Gateways of ours use, in their order; the others, so that nothing stays in their status. */
function parametersVerdicts(lookup: Lookup, gateways: readonly GatewayFindings[]): readonly Verdict[] {
  const used = new Set(gateways.flatMap(({ parameters }) => parameters))
  const all = new Set([...used, ...lookup.all('GatewayParameters')])
  return [...all].map((parameters) => {
    if (!used.has(parameters)) return verdict(parameters, [], UNUSED_STATUS)
    const telemetry = gateways.filter(({ namer }) => namer === parameters).flatMap((one) => one.telemetry.problems)
    const problems = [...unsupportedParameters(parameters), ...telemetry]
    return verdict(parameters, problems, parametersStatus(parameters, gateways))
  })
}

/** The Gateways through which a policy's targets are reached. */
function ancestorsOf(
  { targets }: PolicyFindings,
  gateways: readonly GatewayFindings[],
  routes: readonly RouteFindings[],
): readonly GatewayFindings[] {
  const isTarget = (backend: BackendFindings): boolean =>
    targets.some(
      ({ target, section }) =>
        target.kind === backend.target.kind &&
        target.namespace === backend.target.namespace &&
        target.name === backend.target.name &&
        (target.kind === 'Backend' || section === undefined || section === backend.section),
    )
  const reaching = routes.filter(({ rules }) => rules.some(({ backends }) => backends.some(isTarget)))
  return gateways.filter((gateway) =>
    reaching.some((route) => route.parents.some((parent) => parent.gateway === gateway && isAccepted(route, parent))),
  )
}

/** Each Problem once, in the order of the objects in the inventory and, of one object, as found. */
function inOrder(inventory: Inventory, problems: readonly Problem[]): readonly Problem[] {
  const nameOf = ({ apiVersion, kind, namespace, name }: Problem['at']): string =>
    `${apiVersion} ${kind} ${namespace}/${name}`
  const places = new Map(inventory.objects.map((object, index) => [nameOf(refTo(object)), index]))
  const placeOf = (problem: Problem): number => places.get(nameOf(problem.at)) ?? inventory.objects.length
  const once = new Map(problems.map((problem) => [JSON.stringify(problem), problem]))
  return [...once.values()].sort((a, b) => placeOf(a) - placeOf(b))
}
