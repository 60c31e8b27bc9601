import { TELEMETRY_CONDITION } from '../../../contract/names.ts'
import type { Condition } from '../../api/verdict.ts'

/** A condition as it stands in a status. RFC 3339, whole seconds. */
export interface StoredCondition extends Condition {
  readonly lastTransitionTime: string
}

/** One condition that says something else than before, or something for the first time. */
export interface ConditionChange {
  readonly before: Condition | undefined
  readonly after: Condition
}

/**
 * The types that weir writes, now or in an earlier version: one of them that is not wanted is weir's to take away.
 * Every other type is somebody else's and stays.
 */
const OWN_TYPES: readonly string[] = [
  'Accepted',
  'Attached',
  'Conflicted',
  'NotSupported',
  'PartiallyInvalid',
  'Programmed',
  'ResolvedRefs',
  TELEMETRY_CONDITION,
]

/** Whether weir writes conditions of this type, so that a stale one is weir's to remove. */
export function isOwnType(type: string): boolean {
  return OWN_TYPES.includes(type) || type.startsWith('weir.dev/')
}

/**
 * The wanted conditions with their transition times: a condition whose status is what it was keeps the time since when
 * it has been so (meta/v1 Condition).
 */
export function withTransitionTimes(
  wanted: readonly Condition[],
  current: readonly StoredCondition[],
  now: string,
): readonly StoredCondition[] {
  return wanted.map((condition) => {
    const before = current.find(({ type }) => type === condition.type)
    const lastTransitionTime = before?.status === condition.status ? before.lastTransitionTime : now
    return { ...condition, lastTransitionTime }
  })
}

/** Conditions of others, as they are. */
export function foreignConditions(
  wanted: readonly Condition[],
  current: readonly StoredCondition[],
): readonly StoredCondition[] {
  return current.filter(({ type }) => !isOwnType(type) && !wanted.some((one) => one.type === type))
}

/** Whether the current conditions say all that is wanted, and nothing of weir's that is not; times do not count. */
export function saysTheSame(wanted: readonly Condition[], current: readonly StoredCondition[]): boolean {
  return (
    wanted.every((condition) => {
      const before = current.find(({ type }) => type === condition.type)
      return before !== undefined && equals(before, condition)
    }) && current.every(({ type }) => !isOwnType(type) || wanted.some((one) => one.type === type))
  )
}

function equals(a: Condition, b: Condition): boolean {
  return (
    a.status === b.status &&
    a.reason === b.reason &&
    a.message === b.message &&
    a.observedGeneration === b.observedGeneration
  )
}

/** The wanted conditions that are not what they were in status or reason. */
export function conditionChanges(
  wanted: readonly Condition[],
  current: readonly Condition[],
): readonly ConditionChange[] {
  return wanted.flatMap((after) => {
    const before = current.find(({ type }) => type === after.type)
    return before?.status === after.status && before.reason === after.reason ? [] : { before, after }
  })
}

/** Whether the current conditions speak of a newer generation than the wanted ones: those were made of an old object. */
export function isOutdated(wanted: readonly Condition[], current: readonly Condition[]): boolean {
  return wanted.some(({ type, observedGeneration = 0 }) => {
    const before = current.find((condition) => condition.type === type)
    return (before?.observedGeneration ?? 0) > observedGeneration
  })
}
