import { encodeFrame, MAX_PART_BYTES, type PushFrame, type RefusedResource } from '../../contract/frames.ts'
import type { Resource, Snapshot } from '../../contract/snapshot.ts'

/** What a pod lacks of a snapshot. */
export interface Delta {
  readonly upsert: readonly Resource[]
  /** All keys that the snapshot holds, whether or not the pod has a form of them. */
  readonly hold: readonly string[]
  readonly remove: readonly string[]
  /** Resources that are new to the pod, but have no room in a part; the pod keeps the form that it has. */
  readonly tooLarge: readonly RefusedResource[]
}

/** Room for version, nonce and the names of the fields. */
const HEAD_BYTES = 1024
/** A resource travels in one piece. */
const MAX_RESOURCE_BYTES = MAX_PART_BYTES - HEAD_BYTES

/** @param known the digests that the pod has, by key */
export function deltaOf(known: ReadonlyMap<string, string>, snapshot: Snapshot): Delta {
  const changed = snapshot.resources.filter(({ key, digest }) => known.get(key) !== digest)
  const staying = new Set([...snapshot.hold, ...snapshot.resources.map(({ key }) => key)])
  const tooLarge = changed.flatMap((resource): RefusedResource[] => {
    const bytes = jsonBytes(resource)
    if (bytes <= MAX_RESOURCE_BYTES) return []
    return [{ key: resource.key, path: '', message: `${bytes} bytes; ${MAX_RESOURCE_BYTES} can be pushed` }]
  })
  const without = new Set(tooLarge.map(({ key }) => key))
  return {
    upsert: changed.filter(({ key }) => !without.has(key)),
    hold: snapshot.hold,
    remove: [...known.keys()].filter((key) => !staying.has(key)),
    tooLarge,
  }
}

type Item =
  | { readonly list: 'upsert'; readonly value: Resource }
  | { readonly list: 'hold' | 'remove'; readonly value: string }

/** The delta as frames of at most {@link MAX_PART_BYTES}, at least one, made when they are asked for. */
export function* partsOf(delta: Delta, version: string, nonce: number): Generator<Buffer, void, undefined> {
  let part = 0
  let bytes = HEAD_BYTES
  let lists = emptyLists()
  const frame = (last: boolean): Buffer => encodeFrame({ frame: 'push', version, nonce, part, last, ...lists })
  for (const item of itemsOf(delta)) {
    const itemBytes = jsonBytes(item.value) + 1
    if (bytes + itemBytes > MAX_PART_BYTES && bytes > HEAD_BYTES) {
      yield frame(false)
      part += 1
      bytes = HEAD_BYTES
      lists = emptyLists()
    }
    bytes += itemBytes
    if (item.list === 'upsert') lists.upsert.push(item.value)
    else lists[item.list].push(item.value)
  }
  yield frame(true)
}

function emptyLists(): Pick<PushFrame, 'upsert' | 'hold' | 'remove'> {
  return { upsert: [], hold: [], remove: [] }
}

function* itemsOf({ upsert, hold, remove }: Delta): Generator<Item, void, undefined> {
  for (const value of upsert) yield { list: 'upsert', value }
  for (const value of hold) yield { list: 'hold', value }
  for (const value of remove) yield { list: 'remove', value }
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value))
}
