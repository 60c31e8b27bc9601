import type { KubeObject } from './inventory.ts'

/** What is read of an HTTPRoute (gateway.networking.k8s.io/v1). */
export interface HttpRouteSpec {
  readonly parentRefs?: readonly ParentRef[]
  readonly hostnames?: readonly string[]
  readonly rules?: readonly HttpRouteRule[]
  readonly useDefaultGateways?: string
}

/** Defaults: the Gateway API's group, Gateway, the route's own namespace, every listener. */
export interface ParentRef {
  readonly group?: string
  readonly kind?: string
  readonly namespace?: string
  readonly name: string
  readonly sectionName?: string
  readonly port?: number
}

/** One rule: what it matches, what happens to the request, and where it goes. */
export interface HttpRouteRule {
  readonly name?: string
  readonly matches?: readonly HttpRouteMatch[]
  readonly filters?: readonly HttpRouteFilter[]
  readonly backendRefs?: readonly HttpBackendRef[]
  /** GEP-2257 durations. */
  readonly timeouts?: { readonly request?: string; readonly backendRequest?: string }
  readonly retry?: unknown
  readonly sessionPersistence?: unknown
}

/** All parts must hold. Default path: PathPrefix `/`. */
export interface HttpRouteMatch {
  readonly path?: { readonly type?: string; readonly value?: string }
  readonly method?: string
  readonly headers?: readonly ValueMatch[]
  readonly queryParams?: readonly ValueMatch[]
}

/** Default type: Exact. */
export interface ValueMatch {
  readonly type?: string
  readonly name: string
  readonly value: string
}

/** A filter of a type that weir has; of other types only the name is read. */
export interface HttpRouteFilter {
  readonly type: string
  readonly requestHeaderModifier?: HeaderModifier
  readonly responseHeaderModifier?: HeaderModifier
  readonly requestRedirect?: {
    readonly scheme?: string
    readonly hostname?: string
    readonly path?: PathModifier
    readonly port?: number
    readonly statusCode?: number
  }
  readonly urlRewrite?: { readonly hostname?: string; readonly path?: PathModifier }
}

/** Names count without case; each stands in at most one of the lists. */
export interface HeaderModifier {
  readonly set?: readonly { readonly name: string; readonly value: string }[]
  readonly add?: readonly { readonly name: string; readonly value: string }[]
  readonly remove?: readonly string[]
}

/** `type` says which of the two is meant: ReplaceFullPath or ReplacePrefixMatch. */
export interface PathModifier {
  readonly type: string
  readonly replaceFullPath?: string
  readonly replacePrefixMatch?: string
}

/** Defaults: the core group, Service, the route's own namespace, weight 1. */
export interface HttpBackendRef {
  readonly group?: string
  readonly kind?: string
  readonly namespace?: string
  readonly name: string
  readonly port?: number
  readonly weight?: number
  readonly filters?: readonly HttpRouteFilter[]
}

/** An HTTPRoute. */
export type HttpRoute = KubeObject<HttpRouteSpec>
