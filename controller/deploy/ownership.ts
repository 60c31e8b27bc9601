import type { Workload } from '../api/verdict.ts'
import type { LiveObject } from './manifest.ts'
import { objectLabels } from './object-names.ts'

/**
 * Whose an object is: this Gateway's; left over from a former Gateway of the name, which the cluster is about to remove;
 * or somebody else's, which weir never touches.
 */
export type Ownership = 'own' | 'leftOver' | 'foreign'

/** An owner reference is what counts: labels may be anybody's. */
export function ownershipOf({ metadata }: LiveObject, { gateway, uid }: Workload): Ownership {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true)
  if (owner?.kind !== gateway.kind || owner.name !== gateway.name || groupOf(owner) !== groupOf(gateway)) {
    return 'foreign'
  }
  if (owner.uid === uid) return 'own'
  const isLabelled = Object.entries(objectLabels(gateway.name)).every(
    ([key, value]) => metadata.labels?.[key] === value,
  )
  return isLabelled ? 'leftOver' : 'foreign'
}

function groupOf({ apiVersion }: { readonly apiVersion: string }): string | undefined {
  return apiVersion.split('/')[0]
}
