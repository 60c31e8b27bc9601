import type { Problem } from './problem.ts'

/** An object as an API server returns it: defaults filled in, schema checked. */
export interface KubeObject<Spec = unknown> {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
  readonly spec?: Spec
  readonly data?: { readonly [key: string]: string }
  readonly type?: string
  readonly endpoints?: unknown
  readonly ports?: unknown
  readonly addressType?: string
  readonly status?: unknown
}

export interface ObjectMeta {
  readonly name: string
  readonly namespace?: string
  readonly generation?: number
  /** RFC 3339. */
  readonly creationTimestamp: string
  readonly labels?: { readonly [key: string]: string }
  readonly annotations?: { readonly [key: string]: string }
  readonly uid?: string
  readonly resourceVersion?: string
}

/**
 * Everything read, as plain frozen data: the only input of compile. `problems` are what reading itself found (from
 * files: syntax, schema, unknown fields); the objects they name are left out or stand without the wrong part, as said
 * by each problem.
 */
export interface Inventory {
  readonly objects: readonly KubeObject[]
  readonly problems: readonly Problem[]
}
