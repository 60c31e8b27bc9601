import { CONTROLLER_NAME } from '../../../contract/names.ts'
import type { HttpRoute } from '../../api/http-route.ts'
import type { Problem } from '../../api/problem.ts'
import type { RouteParentStatus, RouteStatus } from '../../api/status.ts'
import type { Condition } from '../../api/verdict.ts'
import type { BackendFinder } from '../backend/backends.ts'
import { affects, condition, conditionFrom, messageOf, reasonOf } from '../conditions.ts'
import { notBuilt } from '../findings.ts'
import type { GatewayFindings } from '../gateway/gateways.ts'
import type { Lookup } from '../lookup.ts'
import { findParents, type ParentFindings } from './attachment.ts'
import { findRule, type RuleFindings } from './rules.ts'

/** What compile found about one HTTPRoute. */
export interface RouteFindings {
  readonly object: HttpRoute
  readonly parents: readonly ParentFindings[]
  readonly rules: readonly RuleFindings[]
  readonly problems: readonly Problem[]
  /** No rule can serve anybody: no parent accepts the route, and its requests get 500. */
  readonly isUnusable: boolean
}

/** Looks at one HTTPRoute. */
export function findRoute(
  lookup: Lookup,
  gateways: ReadonlyMap<string, GatewayFindings>,
  backends: BackendFinder,
  object: HttpRoute,
): RouteFindings {
  const { parents, problems: wrongParents } = findParents(lookup, gateways, object)
  const rules = (object.spec?.rules ?? [{}]).map((rule, index) => findRule(lookup, backends, object, rule, index))
  const defaultGateways =
    (object.spec?.useDefaultGateways ?? 'None') === 'None' ? [] : [notBuilt(object, 'spec.useDefaultGateways')]
  return {
    object,
    parents,
    rules,
    problems: [...wrongParents, ...rules.flatMap(({ problems }) => problems), ...defaultGateways],
    isUnusable: rules.length > 0 && rules.every((rule) => rule.isUnusable),
  }
}

/** Whether a parent accepts the route, so that its listeners count it. */
export function isAccepted(route: RouteFindings, parent: ParentFindings): boolean {
  return parent.problem === undefined && !route.isUnusable
}

/** The status of an HTTPRoute: weir's parents, in the order of its parentRefs. */
export function routeStatus(route: RouteFindings): RouteStatus {
  return { parents: route.parents.map((parent) => parentStatus(route, parent)) }
}

function parentStatus(route: RouteFindings, parent: ParentFindings): RouteParentStatus {
  const { generation } = route.object.metadata
  const ruleProblems = route.rules.flatMap(({ problems }) => problems)
  const deciding = parent.problem !== undefined ? [parent.problem] : route.isUnusable ? ruleProblems : []
  return {
    parentRef: parent.ref,
    controllerName: CONTROLLER_NAME,
    conditions: [
      conditionFrom('Accepted', generation, deciding, { reason: 'Accepted', message: 'Route is accepted' }),
      conditionFrom('ResolvedRefs', generation, ruleProblems, {
        reason: 'ResolvedRefs',
        message: 'Route has valid refs',
      }),
      ...(isAccepted(route, parent) ? partiallyInvalid(ruleProblems, generation) : []),
    ],
  }
}

/** Only where some rules are wrong and others work; Gateway API fixes how the message begins. */
function partiallyInvalid(problems: readonly Problem[], generation: number | undefined): readonly Condition[] {
  const wrong = problems.filter((problem) => affects(problem, 'Accepted'))
  if (wrong.length === 0) return []
  const reason = reasonOf(wrong[0] as Problem)
  return [condition('PartiallyInvalid', 'True', reason, `Dropped Rule: ${messageOf(wrong)}`, generation)]
}
