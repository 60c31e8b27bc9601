import type { KubeObject } from './inventory.ts'

/** `data` holds base64. */
export type Secret = KubeObject<never>

/** `data` holds texts. */
export type ConfigMap = KubeObject<never>

/** Only its labels are read. */
export type Namespace = KubeObject<unknown>

/** What is read of a Service. In files `clusterIP` may be absent; `None` means headless. */
export interface ServiceSpec {
  readonly type?: string
  readonly clusterIP?: string
  readonly externalName?: string
  readonly ipFamilies?: readonly string[]
  readonly ports?: readonly ServicePort[]
}

/** One port of a Service; the name may be absent where it is the only one. */
export interface ServicePort {
  readonly name?: string
  readonly port: number
  readonly appProtocol?: string
}

/** A Service (v1). */
export type Service = KubeObject<ServiceSpec>

/** discovery.k8s.io/v1; its fields stand beside metadata, not in a spec. */
export interface EndpointSlice extends KubeObject<never> {
  readonly addressType?: string
  readonly endpoints?: readonly SliceEndpoint[] | null
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[] | null
}

/** One pod, or whatever answers at these addresses. */
export interface SliceEndpoint {
  readonly addresses: readonly string[]
  /** `ready` absent means ready. */
  readonly conditions?: { readonly ready?: boolean; readonly terminating?: boolean }
}
