import type { KubeObject } from './inventory.ts'

/** What is read of GatewayParameters (gateway.kgateway.dev/v1alpha1): exactly one of the two. */
export interface GatewayParametersSpec {
  /** Handed on to controller/deploy; compile itself reads the one field named here. */
  readonly kube?: { readonly agentgateway?: { readonly customConfigMapName?: string } }
  readonly selfManaged?: object
}

/** GatewayParameters. */
export type GatewayParameters = KubeObject<GatewayParametersSpec>
