import { createHash } from 'node:crypto'
import type { Resource } from './snapshot.ts'

/** JSON with object keys sorted, so that equal values have equal texts; array order counts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : inner,
  )
}

/** A short, stable name for a value: 128 bits of SHA-256 over its canonical JSON, as hex. */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, 32)
}

type WithoutDigest<R> = R extends Resource ? Omit<R, 'digest'> : never

/** The resource with its digest filled in. */
export function sealed<R extends WithoutDigest<Resource>>(resource: R): R & { digest: string } {
  return { ...resource, digest: digestOf(resource) }
}

/** The version of a snapshot: the digest of its resources' keys and digests, and of its holds. */
export function versionOf(resources: readonly Resource[], hold: readonly string[]): string {
  return digestOf([resources.map((r) => `${r.key} ${r.digest}`).sort(), [...hold].sort()])
}
