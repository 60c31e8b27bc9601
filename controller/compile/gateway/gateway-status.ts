import { TELEMETRY_CONDITION } from '../../../contract/names.ts'
import type { GatewayParameters } from '../../api/gateway-parameters.ts'
import type { ConditionsStatus, GatewayStatus, ListenerStatus } from '../../api/status.ts'
import type { Condition } from '../../api/verdict.ts'
import { condition, conditionFrom, messageOf, reasonOf } from '../conditions.ts'
import { fullName, refTo } from '../findings.ts'
import type { GatewayFindings } from './gateways.ts'
import type { ListenerFindings } from './listeners.ts'
import { unsupportedParameters } from './unsupported-parameters.ts'

const WAITING = { reason: 'Pending', message: 'Waiting for the data plane' }

/**
 * The status of a Gateway as far as compile knows it: what is programmed, only the data plane can say.
 * @param attached how many routes each listener took, by its name; none is 0
 */
export function gatewayStatus(findings: GatewayFindings, attached: ReadonlyMap<string, number>): GatewayStatus {
  const { generation } = findings.object.metadata
  const accepted = acceptedCondition(findings)
  return {
    conditions: [accepted, programmedCondition(findings, accepted), ...telemetryConditions(findings, findings.object)],
    listeners: findings.listeners.map((listener) =>
      listenerStatus(listener, attached.get(listener.spec.name) ?? 0, generation),
    ),
  }
}

/** Own mistakes first; then, as Gateway API has it, by how many listeners are accepted. */
function acceptedCondition({ object, listeners, problems }: GatewayFindings): Condition {
  const { generation } = object.metadata
  const own = conditionFrom('Accepted', generation, problems, { reason: 'Accepted', message: 'Gateway is accepted' })
  const refused = listeners.filter(({ accepted }) => !accepted).map(({ spec }) => spec.name)
  if (own.status === 'False' || refused.length === 0) return own
  const status = refused.length === listeners.length ? 'False' : 'True'
  return condition('Accepted', status, 'ListenersNotValid', `Listeners not accepted: ${refused.join(', ')}`, generation)
}

function programmedCondition({ object, listeners }: GatewayFindings, accepted: Condition): Condition {
  const { generation } = object.metadata
  if (accepted.status === 'False') {
    return condition('Programmed', 'False', 'Invalid', 'Gateway is not accepted', generation)
  }
  if (!listeners.some(({ resource }) => resource !== undefined)) {
    return condition('Programmed', 'False', 'Invalid', 'No listener can be served', generation)
  }
  return condition('Programmed', 'Unknown', WAITING.reason, WAITING.message, generation)
}

/** `weir.dev/Telemetry`, of a Gateway or of the parameters that name its ConfigMap. */
function telemetryConditions(
  { telemetry }: GatewayFindings,
  holder: Parameters<typeof refTo>[0],
): readonly Condition[] {
  const { verdict, problems } = telemetry
  if (verdict === undefined) return []
  const errors = problems.filter(({ severity }) => severity === 'error')
  const message = verdict.good ? 'The tracing ConfigMap is in use' : messageOf(errors, refTo(holder))
  const status = verdict.good ? 'True' : 'False'
  return [condition(TELEMETRY_CONDITION, status, verdict.reason, message, holder.metadata.generation)]
}

function listenerStatus(
  { spec, problems, supportedKinds, accepted, resource }: ListenerFindings,
  attachedRoutes: number,
  generation: number | undefined,
): ListenerStatus {
  const conflict = problems.find(
    ({ kind }) => kind === 'ListenerHostnameConflict' || kind === 'ListenerProtocolConflict',
  )
  const unserved = accepted ? 'Its references cannot be resolved' : 'Listener is not accepted'
  return {
    name: spec.name,
    supportedKinds,
    attachedRoutes,
    conditions: [
      conditionFrom('Accepted', generation, problems, { reason: 'Accepted', message: 'Listener is accepted' }),
      conflict === undefined
        ? condition('Conflicted', 'False', 'NoConflicts', 'No conflicts', generation)
        : condition('Conflicted', 'True', reasonOf(conflict), messageOf([conflict]), generation),
      conditionFrom('ResolvedRefs', generation, problems, {
        reason: 'ResolvedRefs',
        message: 'All references are resolved',
      }),
      resource === undefined
        ? condition('Programmed', 'False', 'Invalid', unserved, generation)
        : condition('Programmed', 'Unknown', WAITING.reason, WAITING.message, generation),
    ],
  }
}

/**
 * The status of GatewayParameters that Gateways of ours use. Where several take their ConfigMap from it, each in its own
 * namespace, the first whose telemetry is not good speaks for all.
 */
export function parametersStatus(
  parameters: NonNullable<GatewayFindings['namer']>,
  gateways: readonly GatewayFindings[],
): ConditionsStatus {
  const named = gateways.filter(({ namer }) => namer === parameters)
  const shown = named.find(({ telemetry }) => telemetry.verdict?.good === false) ?? named[0]
  const users = gateways.filter((one) => one.parameters.includes(parameters)).map(({ object }) => fullName(object))
  const { generation } = parameters.metadata
  return {
    conditions: [
      condition('Accepted', 'True', 'Accepted', `In use by Gateway ${users.join(', ')}`, generation),
      ...unsupportedCondition(parameters),
      ...(shown === undefined ? [] : telemetryConditions(shown, parameters)),
    ],
  }
}

/** The status of GatewayParameters that no Gateway of ours uses, or none any more: somebody else may. */
export const UNUSED_STATUS: ConditionsStatus = { conditions: [] }

/** Only while there is something to say, as Gateway API has it for `PartiallyInvalid`. */
function unsupportedCondition(parameters: GatewayParameters): readonly Condition[] {
  const found = unsupportedParameters(parameters)
  if (found.length === 0) return []
  return [condition('PartiallyInvalid', 'True', 'UnsupportedValue', messageOf(found), parameters.metadata.generation)]
}
