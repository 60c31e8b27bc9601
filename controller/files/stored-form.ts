import type { KubeObject } from '../api/inventory.ts'

export interface Stored {
  /** The version that objects of this kind are given out as. */
  readonly apiVersion: string
  /** Empty for kinds that have none. */
  readonly namespace: string
  readonly createdMs: number
}

interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly labels?: { readonly [key: string]: string }
    readonly annotations?: { readonly [key: string]: string }
  }
  readonly data?: { readonly [key: string]: string }
  readonly stringData?: { readonly [key: string]: string }
  readonly status?: unknown
}

/** A checked manifest as an API server would give it back, frozen: `stringData` merged into `data`, no status. */
export function storedForm(checked: unknown, { apiVersion, namespace, createdMs }: Stored): KubeObject {
  const { apiVersion: _written, kind, metadata, stringData, status: _status, ...rest } = checked as Manifest
  const labels =
    kind === 'Namespace' ? { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name } : metadata.labels
  const data = stringData === undefined ? rest.data : { ...rest.data, ...encoded(stringData) }
  return deepFreeze({
    apiVersion,
    kind,
    metadata: {
      name: metadata.name,
      ...(namespace === '' ? {} : { namespace }),
      generation: 1,
      creationTimestamp: `${new Date(createdMs).toISOString().slice(0, 19)}Z`,
      ...(labels === undefined ? {} : { labels }),
      ...(metadata.annotations === undefined ? {} : { annotations: metadata.annotations }),
    },
    ...rest,
    ...(data === undefined ? {} : { data }),
  })
}

function encoded(texts: { readonly [key: string]: string }): { [key: string]: string } {
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]))
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const child of Object.values(value)) deepFreeze(child)
  return Object.freeze(value)
}
