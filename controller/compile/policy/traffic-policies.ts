import type { Problem } from '../../api/problem.ts'
import type { TrafficPolicy, TrafficPolicyFields } from '../../api/traffic-policy.ts'
import { byAge, fullName, problemAt } from '../findings.ts'
import type { Lookup } from '../lookup.ts'
import { fieldsOf, type PolicyStatement, statementsOf } from './policy-fields.ts'
import { followTarget, type PolicyTarget, type TargetFindings } from './policy-targets.ts'

/** What compile found about one TrafficPolicy. */
export interface TrafficPolicyFindings {
  readonly object: TrafficPolicy
  /** In the order of its targetRefs. */
  readonly targets: readonly PlacedTarget[]
}

/** One target of a policy, and what became of the policy's fields there. */
export interface PlacedTarget extends TargetFindings {
  /** Fields that older policies for the same target say too: theirs count. */
  readonly conflicts: readonly Problem[]
  /** Every field that it has is lost to them. */
  readonly isOverridden: boolean
}

/** Where a request is on its way, as far as it is known; what is left out has no policies. */
export interface TargetChain {
  readonly gateway: ObjectName
  /** Name of a listener of that Gateway. */
  readonly listener?: string
  readonly route?: ObjectName
  /** Name of a rule of that HTTPRoute; rules without a name have no policies of their own. */
  readonly rule?: string
  /** A Backend; other things that routes refer to have no policies. */
  readonly backend?: ObjectName
}

export interface ObjectName {
  readonly namespace: string
  readonly name: string
}

/** What all policies on a request's way say together. */
export interface EffectivePolicy {
  readonly fields: TrafficPolicyFields
  /** The policy (`namespace/name`) that each field comes from, by the path by which it merges. */
  readonly origins: ReadonlyMap<string, string>
}

/** All TrafficPolicies, and what they make of a request. */
export interface TrafficPolicyFinder {
  /** The oldest first. */
  readonly policies: readonly TrafficPolicyFindings[]
  /**
   * Merged field by field: the more specific place wins, in the order Gateway, listener, HTTPRoute, rule, Backend; of
   * several policies for one place the oldest, then the first by namespace and name.
   */
  policiesFor(chain: TargetChain): EffectivePolicy
}

interface Claim {
  readonly statement: PolicyStatement
  readonly policy: TrafficPolicy
}

/** What policies say at each place, by place and field. */
type Claims = Map<string, Map<string, Claim>>

/** Looks at all TrafficPolicies. */
export function findTrafficPolicies(lookup: Lookup): TrafficPolicyFinder {
  const claims: Claims = new Map()
  const policies = [...lookup.all('TrafficPolicy')].sort(byAge).map((object) => findPolicy(lookup, object, claims))
  return { policies, policiesFor: (chain) => merged(claims, chain) }
}

function findPolicy(lookup: Lookup, object: TrafficPolicy, claims: Claims): TrafficPolicyFindings {
  const statements = statementsOf(object)
  const targets = (object.spec?.targetRefs ?? []).map((ref, index): PlacedTarget => {
    const followed = followTarget(lookup, object, ref, `spec.targetRefs[${index}]`)
    if (followed.target === undefined || followed.problem !== undefined) {
      return { ...followed, conflicts: [], isOverridden: false }
    }
    const lost = claim(claims, followed.target, object, statements)
    const fields = [...lost.values()].flat()
    return {
      ...followed,
      conflicts: [...lost].map(([winner, names]) => conflict(object, followed.path, winner, names)),
      isOverridden: fields.length > 0 && fields.length === statements.length,
    }
  })
  return { object, targets }
}

/**
 * Enters what a policy says at a place where older ones have entered theirs.
 * @returns the fields that it lost, by the policy that has them
 */
function claim(
  claims: Claims,
  target: PolicyTarget,
  policy: TrafficPolicy,
  statements: readonly PolicyStatement[],
): ReadonlyMap<string, readonly string[]> {
  const place = placeOf(target)
  const held = claims.get(place) ?? new Map<string, Claim>()
  claims.set(place, held)
  const lost = new Map<string, string[]>()
  for (const statement of statements) {
    const holder = held.get(statement.field)
    if (holder === undefined) held.set(statement.field, { statement, policy })
    // The same target may stand twice in one policy: it does not lose to itself.
    else if (holder.policy !== policy) append(lost, fullName(holder.policy), statement.field)
  }
  return lost
}

function append(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}

function conflict(object: TrafficPolicy, path: string, winner: string, fields: readonly string[]): Problem {
  const message = `${winner} is older and says ${fields.join(', ')} for this target`
  return problemAt(object, path, 'PolicyConflicted', message)
}

function placeOf({ kind, namespace, name, section }: PolicyTarget): string {
  return `${kind}/${namespace}/${name}/${section ?? ''}`
}

function merged(claims: Claims, chain: TargetChain): EffectivePolicy {
  const winners = new Map<string, Claim>()
  for (const target of targetsOf(chain)) {
    for (const [field, one] of claims.get(placeOf(target)) ?? []) winners.set(field, one)
  }
  return {
    fields: fieldsOf([...winners.values()].map(({ statement }) => statement)),
    origins: new Map([...winners].map(([field, { policy }]) => [field, fullName(policy)])),
  }
}

/** The places on a request's way, the least specific first. */
function targetsOf({ gateway, listener, route, rule, backend }: TargetChain): readonly PolicyTarget[] {
  const whole = (kind: PolicyTarget['kind'], object: ObjectName | undefined): readonly PolicyTarget[] =>
    object === undefined ? [] : [{ kind, ...object, section: undefined }]
  const part = (kind: PolicyTarget['kind'], object: ObjectName | undefined, section: string | undefined) =>
    object === undefined || section === undefined ? [] : [{ kind, ...object, section }]
  return [
    ...whole('Gateway', gateway),
    ...part('Gateway', gateway, listener),
    ...whole('HTTPRoute', route),
    ...part('HTTPRoute', route, rule),
    ...whole('Backend', backend),
  ]
}
