import { CONTROLLER_NAME } from '../../../contract/names.ts'
import type { ParentRef } from '../../api/http-route.ts'
import type { Problem } from '../../api/problem.ts'
import type { PolicyStatus } from '../../api/status.ts'
import type { Condition } from '../../api/verdict.ts'
import { ancestorRef } from '../backend/backend-tls-policies.ts'
import { condition, conditionFrom, messageOf, reasonOf } from '../conditions.ts'
import { fullName } from '../findings.ts'
import type { GatewayFindings } from '../gateway/gateways.ts'
import { unsupportedFields } from './policy-fields.ts'
import type { Reach } from './policy-reach.ts'
import type { PlacedTarget, TrafficPolicyFindings } from './traffic-policies.ts'

/** What is said of a TrafficPolicy. */
export interface TrafficPolicyVerdict {
  readonly problems: readonly Problem[]
  readonly status: PolicyStatus
}

/**
 * Says of a policy, for each Gateway of ours through which one of its targets is reached, whether it counts there, and
 * of each target that is not there that it is missing: in an entry in the name of that target, for no Gateway can be
 * told. A policy that is for nothing but what other controllers serve, or nobody, is none of weir's business: nothing is
 * said of it.
 */
export function trafficPolicyVerdict({ object, targets }: TrafficPolicyFindings, reach: Reach): TrafficPolicyVerdict {
  // Whose a target is that nobody has, or that is of an unknown kind, nobody can say: weir speaks of it, too.
  const ours = targets.filter(({ target }) => target === undefined || reach(target).length > 0)
  if (ours.length === 0 && targets.length > 0) return { problems: [], status: { ancestors: [] } }
  const { generation, namespace } = object.metadata
  const unsupported = unsupportedFields(object)
  const entry = (ref: ParentRef, conditions: readonly Condition[]): PolicyStatus['ancestors'][number] => ({
    ancestorRef: ref,
    controllerName: CONTROLLER_NAME,
    conditions: [...conditions, ...notSupported(unsupported, generation)],
  })
  const missing = ours.flatMap(({ ref, problem }) =>
    problem === undefined ? [] : [entry(asWritten(ref, namespace), missingTarget(problem, generation))],
  )
  const reached = byGateway(ours, reach).map(([{ object: gateway }, placed]) =>
    entry(ancestorRef(gateway.metadata.namespace ?? '', gateway.metadata.name), attached(placed, generation)),
  )
  return {
    problems: [
      ...ours.flatMap(({ problem, conflicts }) => [...(problem ? [problem] : []), ...conflicts]),
      ...unsupported,
    ],
    status: { ancestors: [...missing, ...reached].slice(0, MOST_ANCESTORS) },
  }
}

/** Gateway API's limit for a policy's ancestors. */
const MOST_ANCESTORS = 16

/** A target that is not there, by the name that the policy has for it. */
function asWritten({ group, kind, name, sectionName }: PlacedTarget['ref'], namespace: string | undefined): ParentRef {
  return {
    group,
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    ...(sectionName === undefined ? {} : { sectionName }),
  }
}

/** The targets that are there, by the Gateways through which they are reached, in the order of these' names. */
function byGateway(
  targets: readonly PlacedTarget[],
  reach: Reach,
): readonly (readonly [GatewayFindings, readonly PlacedTarget[]])[] {
  const placed = new Map<GatewayFindings, PlacedTarget[]>()
  for (const one of targets) {
    if (one.target === undefined || one.problem !== undefined) continue
    for (const gateway of reach(one.target)) placed.set(gateway, [...(placed.get(gateway) ?? []), one])
  }
  return [...placed].sort(([a], [b]) => (fullName(a.object) < fullName(b.object) ? -1 : 1))
}

/** Accepted, Attached and, where fields are lost to older policies, Conflicted. */
function attached(targets: readonly PlacedTarget[], generation: number | undefined): readonly Condition[] {
  const conflicts = targets.flatMap((target) => target.conflicts)
  const isOverridden = targets.every((target) => target.isOverridden)
  const good = { reason: 'Accepted', message: 'Policy is accepted' }
  const accepted = conditionFrom('Accepted', generation, isOverridden ? conflicts : [], good)
  if (conflicts.length === 0) {
    return [accepted, condition('Attached', 'True', 'Attached', 'Policy is attached', generation)]
  }
  const message = messageOf(conflicts)
  return [
    accepted,
    isOverridden
      ? condition('Attached', 'False', 'Overridden', message, generation)
      : condition('Attached', 'True', 'Merged', message, generation),
    condition('Conflicted', 'True', 'Conflicted', message, generation),
  ]
}

function missingTarget(problem: Problem, generation: number | undefined): readonly Condition[] {
  return (['Accepted', 'Attached'] as const).map((type) =>
    condition(type, 'False', reasonOf(problem), messageOf([problem]), generation),
  )
}

function notSupported(problems: readonly Problem[], generation: number | undefined): readonly Condition[] {
  if (problems.length === 0) return []
  return [condition('NotSupported', 'True', 'NotSupported', messageOf(problems), generation)]
}
