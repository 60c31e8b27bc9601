import type { KubeObject } from './inventory.ts'

/** What is read of a GatewayClass (gateway.networking.k8s.io/v1). */
export interface GatewayClassSpec {
  readonly controllerName: string
  readonly parametersRef?: {
    readonly group: string
    readonly kind: string
    readonly name: string
    readonly namespace?: string
  }
}

/** A GatewayClass: it has no namespace. */
export type GatewayClass = KubeObject<GatewayClassSpec>
