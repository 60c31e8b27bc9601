import type { KubeObject } from './inventory.ts'

/** What is read of a ReferenceGrant (gateway.networking.k8s.io): the core group is the empty text. */
export interface ReferenceGrantSpec {
  readonly from: readonly { readonly group: string; readonly kind: string; readonly namespace: string }[]
  readonly to: readonly { readonly group: string; readonly kind: string; readonly name?: string }[]
}

/** A ReferenceGrant; it stands in the namespace of what may be referred to. */
export type ReferenceGrant = KubeObject<ReferenceGrantSpec>
