import { digestOf } from '../../contract/digest.ts'
import { isMap } from './overlay.ts'

/**
 * A digest of what a live object has where the manifest says something; lists count as a whole. The server writes values
 * its own way (`1000m` becomes `1`) and fills in lists, so that this is never compared with the manifest's own values but
 * with the same digest of what the server answered when the manifest was applied: if they differ, somebody has changed
 * what weir decides.
 */
export function projectionDigest(live: object, manifest: object): string {
  return digestOf(projection(live, manifest))
}

function projection(live: unknown, manifest: unknown): unknown {
  if (!isMap(live) || !isMap(manifest)) return live ?? null
  return Object.fromEntries(Object.entries(manifest).map(([field, value]) => [field, projection(live[field], value)]))
}
