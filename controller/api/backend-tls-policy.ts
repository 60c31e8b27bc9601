import type { KubeObject } from './inventory.ts'

/** What is read of a BackendTLSPolicy (gateway.networking.k8s.io/v1). All references are local to its namespace. */
export interface BackendTlsPolicySpec {
  readonly targetRefs: readonly PolicyTargetRef[]
  readonly validation: {
    readonly hostname: string
    readonly caCertificateRefs?: readonly { readonly group: string; readonly kind: string; readonly name: string }[]
    readonly wellKnownCACertificates?: string
    readonly subjectAltNames?: readonly { readonly type: string; readonly hostname?: string; readonly uri?: string }[]
  }
  readonly options?: { readonly [key: string]: string }
}

/** `sectionName`: the name of a Service's port, or of a provider in a Backend's priority groups. */
export interface PolicyTargetRef {
  readonly group: string
  readonly kind: string
  readonly name: string
  readonly sectionName?: string
}

/** A BackendTLSPolicy. */
export type BackendTlsPolicy = KubeObject<BackendTlsPolicySpec>
