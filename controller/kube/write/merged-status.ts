import { isDeepStrictEqual } from 'node:util'
import { CONTROLLER_NAME, GATEWAY_API_GROUP } from '../../../contract/names.ts'
import type { ParentRef } from '../../api/http-route.ts'
import type { Condition } from '../../api/verdict.ts'
import {
  type ConditionChange,
  conditionChanges,
  foreignConditions,
  isOutdated,
  type StoredCondition,
  saysTheSame,
  withTransitionTimes,
} from './condition-merge.ts'

/** A change of a condition, and whose it is: a listener's, a parent's; undefined: the object's own. */
export interface StatusChange extends ConditionChange {
  readonly part: string | undefined
}

/** What to write so that an object's status says what it should. */
export type StatusMerge =
  /** It does already. */
  | { readonly kind: 'same' }
  /** What is wanted was made of an older generation than the one that the status speaks of. */
  | { readonly kind: 'outdated' }
  /** `status` is to be applied: the fields that are weir's, whole. */
  | { readonly kind: 'apply'; readonly status: object; readonly changes: readonly StatusChange[] }
  /** `status` has a list that others share, with their entries; for a merge patch of the version that was read. */
  | {
      readonly kind: 'patch'
      readonly status: object
      readonly changes: readonly StatusChange[]
      /** Entries of weir's that found no room. */
      readonly leftOut: number
    }

type Status = { readonly [field: string]: unknown }

/** Lists of which each controller has its own entries, and how many Gateway API lets stand in them. */
const SHARED_LISTS = [
  { field: 'parents', refField: 'parentRef', most: 32 },
  { field: 'ancestors', refField: 'ancestorRef', most: 16 },
] as const

/**
 * Compares the status that an object should have with the one that it has. Pure.
 * @param namespace of the object: a reference without one means it
 * @param now RFC 3339, for conditions whose status changes
 */
export function mergeStatus(wanted: unknown, current: unknown, namespace: string, now: string): StatusMerge {
  const [wantedStatus, currentStatus] = [(wanted ?? {}) as Status, (current ?? {}) as Status]
  const shared = SHARED_LISTS.find(({ field }) => field in wantedStatus)
  if (shared === undefined) return mergeOwned(wantedStatus, currentStatus, now)
  return mergeShared(shared, wantedStatus, currentStatus, namespace, now)
}

/** Anything that has conditions: the status itself, a listener, an entry for a parent. */
interface Part {
  readonly conditions?: readonly Condition[]
}

interface Listener extends Part {
  readonly name: string
}

function mergeOwned(wanted: Status, current: Status, now: string): StatusMerge {
  const [wantedParts, currentParts] = [partsOf(wanted), partsOf(current)]
  const pairs = wantedParts.map(({ name, part }) => ({
    name,
    wanted: conditionsOf(part),
    current: conditionsOf(currentParts.find((one) => one.name === name)?.part),
  }))
  if (pairs.some((pair) => isOutdated(pair.wanted, pair.current))) return { kind: 'outdated' }
  const isSame =
    pairs.every((pair) => saysTheSame(pair.wanted, pair.current)) &&
    ('listeners' in wanted ? wantedParts.length === currentParts.length : true) &&
    Object.entries(wanted).every(
      ([field, value]) => field === 'conditions' || isEqualField(field, value, current[field]),
    )
  if (isSame) return { kind: 'same' }
  const timed = (part: Part, name: string | undefined): Part => ({
    ...part,
    conditions: withTransitionTimes(conditionsOf(part), pairs.find((pair) => pair.name === name)?.current ?? [], now),
  })
  return {
    kind: 'apply',
    status: {
      ...wanted,
      ...('conditions' in wanted ? timed(wanted as Part, undefined) : {}),
      ...('listeners' in wanted ? { listeners: listenersOf(wanted).map((one) => timed(one, one.name)) } : {}),
    },
    changes: pairs.flatMap((pair) =>
      conditionChanges(pair.wanted, pair.current).map((change) => ({ ...change, part: pair.name })),
    ),
  }
}

/** The status itself and its listeners, by name. */
function partsOf(status: Status): readonly { readonly name: string | undefined; readonly part: Part }[] {
  return [{ name: undefined, part: status as Part }, ...listenersOf(status).map((part) => ({ name: part.name, part }))]
}

function listenersOf(status: Status): readonly Listener[] {
  return (status['listeners'] ?? []) as readonly Listener[]
}

function conditionsOf(part: Part | undefined): readonly StoredCondition[] {
  return (part?.conditions ?? []) as readonly StoredCondition[]
}

/** Listeners are equal by name, whatever their order, and their conditions are compared apart. */
function isEqualField(field: string, wanted: unknown, current: unknown): boolean {
  if (field !== 'listeners') return isDeepStrictEqual(wanted, current)
  const others = (current ?? []) as readonly Listener[]
  return (wanted as readonly Listener[]).every((listener) => {
    const other = others.find(({ name }) => name === listener.name)
    return other !== undefined && isDeepStrictEqual({ ...listener, conditions: [] }, { ...other, conditions: [] })
  })
}

/** An entry of a shared list: whose it is, and about which parent or ancestor. */
interface Entry extends Part {
  readonly controllerName: string
  readonly parentRef?: ParentRef
  readonly ancestorRef?: ParentRef
}

function mergeShared(
  { field, refField, most }: (typeof SHARED_LISTS)[number],
  wanted: Status,
  current: Status,
  namespace: string,
  now: string,
): StatusMerge {
  const wantedEntries = (wanted[field] ?? []) as readonly Entry[]
  const currentEntries = (current[field] ?? []) as readonly Entry[]
  const isOwn = ({ controllerName }: Entry): boolean => controllerName === CONTROLLER_NAME
  const nameOf = (entry: Entry): string => refName(entry[refField], namespace)
  const counterpart = (entries: readonly Entry[], entry: Entry): Entry | undefined =>
    entries.find((one) => isOwn(one) && nameOf(one) === nameOf(entry))
  const pairs = wantedEntries.map((entry) => {
    const before = counterpart(currentEntries, entry)
    return { entry, before, wanted: conditionsOf(entry), current: conditionsOf(before) }
  })
  if (pairs.some((pair) => isOutdated(pair.wanted, pair.current))) return { kind: 'outdated' }
  const ownCount = currentEntries.filter(isOwn).length
  const isSame =
    ownCount === pairs.length &&
    pairs.every((pair) => pair.before !== undefined && saysTheSame(pair.wanted, pair.current))
  if (isSame) return { kind: 'same' }
  const merged = new Map(
    pairs.map((pair) => {
      const conditions = withTransitionTimes(pair.wanted, pair.current, now)
      const kept = foreignConditions(pair.wanted, pair.current)
      return [nameOf(pair.entry), { ...pair.entry, conditions: [...conditions, ...kept] }]
    }),
  )
  // Everything stays in its place: two controllers that each put their own entries last would never come to rest.
  const inPlace = currentEntries.flatMap((entry) => (isOwn(entry) ? (merged.get(nameOf(entry)) ?? []) : entry))
  const added = pairs.flatMap(({ entry, before }) => (before === undefined ? (merged.get(nameOf(entry)) ?? []) : []))
  const room = Math.max(0, most - inPlace.length)
  return {
    kind: 'patch',
    status: { [field]: [...inPlace, ...added.slice(0, room)] },
    changes: pairs.flatMap((pair) =>
      conditionChanges(pair.wanted, pair.current).map((change) => ({ ...change, part: nameOf(pair.entry) })),
    ),
    leftOut: Math.max(0, added.length - room),
  }
}

/** One text for one reference, with Gateway API's defaults in it: `Gateway ns/name`, section and port. */
function refName(ref: ParentRef | undefined, own: string): string {
  const { group = GATEWAY_API_GROUP, kind = 'Gateway', namespace = own, name = '', sectionName, port } = ref ?? {}
  const type = group === GATEWAY_API_GROUP ? kind : `${kind}.${group}`
  const section = sectionName === undefined ? '' : ` listener ${sectionName}`
  return `${type} ${namespace}/${name}${section}${port === undefined ? '' : ` port ${port}`}`
}
