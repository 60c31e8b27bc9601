import type { LiveObject, MadeKind } from './manifest.ts'

/** An object by its name. */
export interface NamedObject extends MadeKind {
  readonly namespace: string
  readonly name: string
}

/**
 * The API server, as far as deploying needs it. A call rejects with a KubeError when the server cannot be reached or
 * refuses.
 */
export interface WorkloadClient {
  /** Objects of a kind in a namespace; of a kind that the server does not have there are none. */
  list(kind: MadeKind, namespace: string, labelSelector: string): Promise<readonly LiveObject[]>
  /** Undefined when there is none. */
  get(object: NamedObject): Promise<LiveObject | undefined>
  /** Server-side apply by force; resolves with the object as the server has it then. */
  apply(object: NamedObject, body: object, fieldManager: string): Promise<LiveObject>
  /** Deletes this very object, in the background. One that is gone, or another of the name, is no error. */
  delete(object: NamedObject, uid: string): Promise<void>
}
