import type { KubeObject } from './inventory.ts'

/** What is read of a Gateway (gateway.networking.k8s.io/v1). */
export interface GatewaySpec {
  readonly gatewayClassName: string
  readonly listeners: readonly GatewayListener[]
  readonly addresses?: readonly { readonly type?: string; readonly value?: string }[]
  readonly infrastructure?: {
    readonly labels?: { readonly [key: string]: string }
    readonly annotations?: { readonly [key: string]: string }
    readonly parametersRef?: { readonly group: string; readonly kind: string; readonly name: string }
  }
  readonly allowedListeners?: { readonly namespaces?: { readonly from?: string } }
  readonly tls?: { readonly frontend?: unknown; readonly backend?: unknown }
  readonly defaultScope?: string
}

/** One listener. Default mode of `tls`: Terminate; of namespaces: Same; no kinds: all of the protocol. */
export interface GatewayListener {
  readonly name: string
  readonly hostname?: string
  readonly port: number
  readonly protocol: string
  readonly tls?: {
    readonly mode?: string
    readonly certificateRefs?: readonly CertificateRef[]
    readonly options?: { readonly [key: string]: string }
  }
  readonly allowedRoutes?: {
    readonly namespaces?: { readonly from?: string; readonly selector?: LabelSelector }
    readonly kinds?: readonly { readonly group?: string; readonly kind: string }[]
  }
}

/** Defaults: the core group, Secret, the Gateway's own namespace. */
export interface CertificateRef {
  readonly group?: string
  readonly kind?: string
  readonly name: string
  readonly namespace?: string
}

/** meta/v1 LabelSelector: all of its parts must hold; an empty one selects everything. */
export interface LabelSelector {
  readonly matchLabels?: { readonly [key: string]: string }
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: string
    readonly values?: readonly string[]
  }[]
}

/** A Gateway. */
export type Gateway = KubeObject<GatewaySpec>
