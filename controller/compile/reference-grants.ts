import type { Lookup } from './lookup.ts'

/** Who refers. */
export interface Referrer {
  readonly group: string
  readonly kind: string
  readonly namespace: string
}

/** What is referred to; the core group is the empty text. */
export interface Referent {
  readonly group: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

/**
 * Whether a reference may be made: within a namespace always, across namespaces when one ReferenceGrant in the
 * target's namespace has a fitting `from` and a fitting `to` (Gateway API, ReferenceGrant). It does not look at
 * whether the target exists, so that a refusal does not tell.
 */
export function isPermitted(lookup: Lookup, from: Referrer, to: Referent): boolean {
  if (from.namespace === to.namespace) return true
  return lookup
    .all('ReferenceGrant')
    .filter((grant) => grant.metadata.namespace === to.namespace)
    .some(
      ({ spec }) =>
        spec?.from.some(
          (one) => one.group === from.group && one.kind === from.kind && one.namespace === from.namespace,
        ) === true &&
        spec.to.some(
          (one) =>
            one.group === to.group &&
            one.kind === to.kind &&
            (one.name === undefined || one.name === '' || one.name === to.name),
        ),
    )
}
