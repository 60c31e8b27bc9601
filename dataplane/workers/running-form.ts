import { versionOf } from '../../contract/digest.ts'
import type { RefusedResource } from '../../contract/frames.ts'
import type { Resource, Snapshot } from '../../contract/snapshot.ts'

/**
 * What runs once a snapshot was taken up: each resource in the snapshot's form, or in the last good one where that was
 * refused or is held. A worker that starts gets this first, so that it has the last good forms which the others have.
 *
 * A listener that was refused could not listen; it stays, to be tried again.
 */
export function runningForm(
  snapshot: Snapshot,
  refused: readonly RefusedResource[],
  before: Snapshot | undefined,
): Snapshot {
  const lastGood = new Map(before?.resources.map((resource) => [resource.key, resource]))
  const refusedKeys = new Set(refused.map(({ key }) => key))
  const runs = snapshot.resources.flatMap((resource): Resource[] => {
    if (!refusedKeys.has(resource.key) || resource.kind === 'listener') return [resource]
    const good = lastGood.get(resource.key)
    return good === undefined || good.digest === resource.digest ? [] : [good]
  })
  const given = new Set(runs.map(({ key }) => key))
  const held = snapshot.hold.flatMap((key) => (given.has(key) ? [] : (lastGood.get(key) ?? [])))
  const resources = [...runs, ...held]
  return { gateway: snapshot.gateway, version: versionOf(resources, []), resources, hold: [] }
}
