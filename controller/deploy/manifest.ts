import type { Texts } from '../api/gateway-parameters.ts'

/** An object as weir sends it to be applied: what weir decides of it, and nothing else. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly labels: Texts
    readonly annotations?: Texts
    readonly ownerReferences?: readonly OwnerReference[]
  }
  readonly spec?: unknown
  readonly data?: Texts
  readonly automountServiceAccountToken?: boolean
}

/** meta/v1 OwnerReference. */
export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
}

/** An object as the API server has it. */
export interface LiveObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid?: string
    readonly labels?: Texts
    readonly ownerReferences?: readonly OwnerReference[]
    /** Who set which fields; `fieldsV1` is a tree of `f:NAME`. */
    readonly managedFields?: readonly ManagedFields[]
  }
  readonly spec?: unknown
  readonly status?: unknown
}

/** meta/v1 ManagedFieldsEntry. */
export interface ManagedFields {
  readonly manager?: string
  readonly operation?: string
  readonly fieldsV1?: unknown
}

/** A kind that weir makes; all of them have a namespace. */
export interface MadeKind {
  readonly apiVersion: string
  readonly kind: string
  readonly plural: string
}

/** Every kind that a gateway may have, in the order in which they are applied: what a pod needs comes before it. */
export const MADE_KINDS: readonly MadeKind[] = [
  { apiVersion: 'v1', kind: 'ServiceAccount', plural: 'serviceaccounts' },
  { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps' },
  { apiVersion: 'v1', kind: 'Service', plural: 'services' },
  { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments' },
  { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', plural: 'horizontalpodautoscalers' },
  { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', plural: 'poddisruptionbudgets' },
]
