import type { ObjectRef } from '../api/problem.ts'
import type { Manifest } from './manifest.ts'

/** An object as weir applied it last, and what of it the server had then. */
export interface AppliedObject {
  readonly manifest: Manifest
  /** See projectionDigest. */
  readonly projection: string
}

/** Names an object among all that weir applies. */
export function objectKey({ kind, namespace, name }: Pick<ObjectRef, 'kind' | 'namespace' | 'name'>): string {
  return `${kind} ${namespace}/${name}`
}
