import type { KubeObject } from '../api/inventory.ts'
import type { ObjectRef, Problem, ProblemKind } from '../api/problem.ts'

/** An object's own name for itself. */
export function refTo(object: KubeObject): ObjectRef {
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    namespace: object.metadata.namespace ?? '',
    name: object.metadata.name,
  }
}

/** `namespace/name`, as snapshots and messages name things. */
export function fullName(object: KubeObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`
}

interface Details {
  readonly severity?: Problem['severity']
  readonly advice?: string | undefined
}

/** A Problem of one field of an object; an error unless `details` say otherwise. */
export function problemAt(
  object: KubeObject,
  path: string,
  kind: ProblemKind,
  message: string,
  { severity = 'error', advice }: Details = {},
): Problem {
  return { kind, severity, at: refTo(object), path, message, ...(advice === undefined ? {} : { advice }) }
}

/** The warning for a field whose part of weir is not there yet. */
export function notBuilt(object: KubeObject, path: string, what = 'not built yet: no effect'): Problem {
  return problemAt(object, path, 'NotBuilt', what, { severity: 'warning' })
}

/** One NotBuilt warning for each of the named fields that is given. */
export function notBuiltFields(object: KubeObject, path: string, holder: object, names: readonly string[]): Problem[] {
  return names
    .filter((name) => (holder as { readonly [name: string]: unknown })[name] !== undefined)
    .map((name) => notBuilt(object, `${path}.${name}`))
}

/** Older first; of the same second, by namespace and name: the order in which Gateway API settles conflicts. */
export function byAge(a: KubeObject, b: KubeObject): number {
  const [older, younger] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp]
  if (older !== younger) return older < younger ? -1 : 1
  const [one, other] = [fullName(a), fullName(b)]
  return one < other ? -1 : one > other ? 1 : 0
}
