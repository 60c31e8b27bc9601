import { CONTROLLER_NAME } from '../../../contract/names.ts'
import type { ConditionsStatus, PolicyStatus } from '../../api/status.ts'
import type { Condition } from '../../api/verdict.ts'
import { affects, condition, conditionFrom, messageOf } from '../conditions.ts'
import type { GatewayFindings } from '../gateway/gateways.ts'
import { ancestorRef, type PolicyFindings } from './backend-tls-policies.ts'
import type { BackendFindings } from './backends.ts'

/** The status of a Backend. One that serves in part, because some of its providers are wrong, is accepted. */
export function backendStatus(
  { resource, problems }: BackendFindings,
  generation: number | undefined,
): ConditionsStatus {
  const wrong = problems.filter((problem) => affects(problem, 'Accepted'))
  const isPartial = wrong.length > 0 && resource.broken === undefined
  return {
    conditions: [
      isPartial
        ? condition('Accepted', 'True', 'PartiallyValid', messageOf(wrong), generation)
        : conditionFrom('Accepted', generation, problems, { reason: 'Accepted', message: 'Backend is accepted' }),
      conditionFrom('ResolvedRefs', generation, problems, {
        reason: 'ResolvedRefs',
        message: 'All references are resolved',
      }),
    ],
  }
}

/**
 * The status of a BackendTLSPolicy: the same for each Gateway through which one of its targets is reached. A policy that
 * lost some of its targets to older ones is accepted for the others; so is one with at least one good CA.
 */
export function policyStatus(policy: PolicyFindings, ancestors: readonly GatewayFindings[]): PolicyStatus {
  const { generation } = policy.object.metadata
  const deciding = policy.rules
    ? policy.problems.filter(({ kind }) => !TARGET_PROBLEMS.includes(kind))
    : policy.problems
  const conditions: readonly Condition[] = [
    conditionFrom('Accepted', generation, deciding, { reason: 'Accepted', message: 'Policy is accepted' }),
    conditionFrom('ResolvedRefs', generation, policy.problems, {
      reason: 'ResolvedRefs',
      message: 'All references are resolved',
    }),
  ]
  return {
    ancestors: ancestors.slice(0, MOST_ANCESTORS).map(({ object }) => ({
      ancestorRef: ancestorRef(object.metadata.namespace ?? '', object.metadata.name),
      controllerName: CONTROLLER_NAME,
      conditions,
    })),
  }
}

const TARGET_PROBLEMS: readonly string[] = ['PolicyConflicted', 'PolicyTargetNotFound']

/** Gateway API's limit for a policy's ancestors. */
const MOST_ANCESTORS = 16
