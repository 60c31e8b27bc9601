import { TELEMETRY_CONDITION } from '../../contract/names.ts'
import type { ConditionsStatus, GatewayStatus, ListenerStatus, RouteParentStatus, RouteStatus } from '../api/status.ts'
import type { Compilation, Condition, GatewayAck, GatewayState, StatusPatch, Verdict } from '../api/verdict.ts'
import { affects, condition, conditionFrom, messageOf } from './conditions.ts'
import { type Refusal, refusalsOf } from './refusals.ts'

/** What the data plane of one Gateway made of its snapshot. */
interface Outcome {
  /** A pod that is Ready has taken up this version, or an earlier one of the Gateway as it is written now. */
  readonly runs: boolean
  readonly refusals: readonly Refusal[]
  readonly state: GatewayState | undefined
}

/**
 * The status of every object, in the order of the verdicts. Without acks, what is programmed is Unknown; an ack of the
 * snapshot's own version makes it True, but for what the data plane refused.
 * @param states in a cluster, one for each Gateway: without any pod that is Ready nothing is programmed, and what has
 *   been programmed stays so while a newer version is on its way
 */
export function status(
  compilation: Compilation,
  acks: readonly GatewayAck[] = [],
  states: readonly GatewayState[] = [],
): readonly StatusPatch[] {
  const ackOf = new Map(acks.map((ack) => [ack.gateway, ack]))
  const stateOf = new Map(states.map((state) => [state.gateway, state]))
  const outcomes = new Map(
    compilation.snapshots.map((snapshot): [string, Outcome] => {
      const ack = ackOf.get(snapshot.gateway)
      const state = stateOf.get(snapshot.gateway)
      const isNewest = ack?.version === snapshot.version
      const runs = state === undefined ? isNewest : state.ready && (isNewest || state.programmed)
      return [snapshot.gateway, { runs, refusals: refusalsOf(snapshot, ack), state }]
    }),
  )
  return compilation.verdicts.map((verdict) => ({ at: verdict.at, status: statusOf(verdict, outcomes) }))
}

function statusOf(verdict: Verdict, outcomes: ReadonlyMap<string, Outcome>): unknown {
  const { kind, namespace, name } = verdict.at
  switch (kind) {
    case 'Gateway': {
      const outcome = outcomes.get(`${namespace}/${name}`)
      const own = verdict.status as GatewayStatus
      const shown = outcome?.runs === true ? programmed(own, outcome.refusals) : own
      return outcome?.state === undefined ? shown : deployed(shown, outcome.state, verdict.generation)
    }
    case 'HTTPRoute': {
      const { parents } = verdict.status as RouteStatus
      return { parents: parents.map((parent) => withFallBack(verdict, parent, outcomes)) }
    }
    case 'Backend':
      return withRefused(verdict, [...outcomes.values()])
    default:
      return verdict.status
  }
}

/** What the cluster made of it. */
function deployed(own: GatewayStatus, state: GatewayState, generation: number | undefined): GatewayStatus {
  const { addresses, problems } = state
  const blocked = problems.some((problem) => affects(problem, 'Programmed'))
  const conditions = own.conditions.map((one) =>
    blocked && one.type === 'Programmed' ? conditionFrom('Programmed', generation, problems, one) : one,
  )
  return { addresses, conditions, listeners: own.listeners }
}

/** Programmed follows what runs; a condition that is False already has a reason of its own. */
function programmed({ conditions, listeners }: GatewayStatus, refusals: readonly Refusal[]): GatewayStatus {
  const done = listeners.map((listener) => programmedListener(listener, refusals))
  const anyServed = done.some((listener) =>
    listener.conditions.some(({ type, status }) => type === 'Programmed' && status === 'True'),
  )
  const telemetry = refusals.filter(({ resource }) => resource.kind === 'telemetry')
  return {
    conditions: [
      ...conditions
        .filter(({ type }) => type !== TELEMETRY_CONDITION || telemetry.length === 0)
        .map((one) =>
          one.type === 'Programmed' && one.status === 'Unknown'
            ? anyServed
              ? { ...one, status: 'True' as const, reason: 'Programmed', message: 'Gateway is programmed' }
              : {
                  ...one,
                  status: 'False' as const,
                  reason: 'Invalid',
                  message: 'The data plane refused every listener',
                }
            : one,
        ),
      ...refusedTelemetry(telemetry, conditions[0]?.observedGeneration),
    ],
    listeners: done,
  }
}

function programmedListener(listener: ListenerStatus, refusals: readonly Refusal[]): ListenerStatus {
  const refused = refusals.find(({ resource }) => resource.kind === 'listener' && resource.name === listener.name)
  const conditions = listener.conditions.map((one): Condition => {
    if (one.type !== 'Programmed' || one.status !== 'Unknown') return one
    return refused === undefined
      ? { ...one, status: 'True', reason: 'Programmed', message: 'Listener is programmed' }
      : { ...one, status: 'False', reason: 'Invalid', message: refused.problem.message }
  })
  return { ...listener, conditions }
}

function refusedTelemetry(refusals: readonly Refusal[], generation: number | undefined): readonly Condition[] {
  if (refusals.length === 0) return []
  const message = messageOf(refusals.map(({ problem }) => problem))
  return [condition(TELEMETRY_CONDITION, 'False', 'Invalid', message, generation)]
}

/** Rules that a data plane refused keep their last good form there; Gateway API fixes how the message begins. */
function withFallBack(
  { at, generation }: Verdict,
  parent: RouteParentStatus,
  outcomes: ReadonlyMap<string, Outcome>,
): RouteParentStatus {
  const { namespace = at.namespace, name } = parent.parentRef
  const refused = (outcomes.get(`${namespace}/${name}`)?.refusals ?? []).filter(
    ({ resource }) => resource.kind === 'route' && resource.namespace === at.namespace && resource.name === at.name,
  )
  if (refused.length === 0) return parent
  const text = `Fall Back: ${messageOf(refused.map(({ problem }) => problem))}`
  const before = parent.conditions.find(({ type }) => type === 'PartiallyInvalid')
  const message = before === undefined ? text : `${before.message}; ${text}`
  const partial = condition('PartiallyInvalid', 'True', before?.reason ?? 'UnsupportedValue', message, generation)
  return { ...parent, conditions: [...parent.conditions.filter((one) => one !== before), partial] }
}

function withRefused({ at, generation, status: own }: Verdict, outcomes: readonly Outcome[]): ConditionsStatus {
  const { conditions } = own as ConditionsStatus
  const refused = outcomes
    .flatMap(({ refusals }) => refusals)
    .filter(
      ({ problem }) =>
        problem.at.kind === 'Backend' && problem.at.namespace === at.namespace && problem.at.name === at.name,
    )
    .map(({ problem }) => problem)
  const accepted = conditions.find(({ type }) => type === 'Accepted')
  if (refused.length === 0 || accepted === undefined || accepted.status === 'False') return { conditions }
  const replaced = conditionFrom('Accepted', generation, refused, accepted)
  return { conditions: conditions.map((one) => (one === accepted ? replaced : one)) }
}
