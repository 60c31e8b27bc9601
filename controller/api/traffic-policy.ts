import type { KubeObject } from './inventory.ts'

/** What is read of a TrafficPolicy (gateway.kgateway.dev/v1alpha1): what it is for, and what it says. */
export interface TrafficPolicySpec extends TrafficPolicyFields {
  /** In the policy's own namespace. */
  readonly targetRefs?: readonly TrafficPolicyTargetRef[]
}

/** `sectionName`: a listener of a Gateway, or a rule of an HTTPRoute; without it all of the target is meant. */
export interface TrafficPolicyTargetRef {
  readonly group: string
  readonly kind: string
  readonly name: string
  readonly sectionName?: string
}

/** What policies can say. Durations are those of GEP-2257; what is absent is not said. */
export interface TrafficPolicyFields {
  readonly cors?: CorsFields
  readonly jwtAuthentication?: JwtFields
  readonly rbac?: { readonly action?: string; readonly policy: { readonly matchExpressions: readonly string[] } }
  readonly timeouts?: { readonly request?: string; readonly firstByte?: string; readonly idle?: string }
  readonly retry?: RetryFields
  readonly ai?: AiFields
  readonly tracing?: TracingFields
}

/** Cross-origin requests (the Fetch standard's CORS); `maxAge` in seconds. */
export interface CorsFields {
  readonly allowOrigins?: readonly string[]
  readonly allowCredentials?: boolean
  readonly allowMethods?: readonly string[]
  readonly allowHeaders?: readonly string[]
  readonly exposeHeaders?: readonly string[]
  readonly maxAge?: number
  readonly disable?: object
}

/** `mode`: Strict, Optional or Permissive. */
export interface JwtFields {
  readonly mode: string
  readonly providers: readonly JwtProvider[]
  /** Fields of the Protected Resource Metadata (RFC 9728). */
  readonly mcp?: { readonly resourceMetadata?: { readonly [field: string]: unknown } }
}

/** Whose tokens are valid, and exactly one place of the keys (RFC 7517) that sign them. */
export interface JwtProvider {
  readonly issuer: string
  readonly audiences?: readonly string[]
  readonly jwks: { readonly inline?: string; readonly remote?: RemoteJwks }
}

/** Exactly one of `url` and `backendRef`; `jwksPath` goes with the latter. */
export interface RemoteJwks {
  readonly url?: string
  readonly backendRef?: {
    readonly group?: string
    readonly kind?: string
    readonly name: string
    readonly namespace?: string
    readonly port?: number
  }
  readonly jwksPath?: string
  readonly cacheDuration?: string
}

/** `attempts` counts those after the first. */
export interface RetryFields {
  readonly attempts?: number
  readonly codes?: readonly number[]
  readonly backoff?: string
  readonly budget?: { readonly percent: number; readonly interval?: string }
}

/** What happens to the bodies of requests to LLM providers. */
export interface AiFields {
  readonly promptEnrichment?: {
    readonly prepend?: readonly { readonly role: string; readonly content: string }[]
    readonly append?: readonly { readonly role: string; readonly content: string }[]
  }
  readonly defaults?: readonly BodyField[]
  readonly overrides?: readonly BodyField[]
}

/** A field of the body's JSON; `override` is the documents' way to write an override among the defaults. */
export interface BodyField {
  readonly field: string
  readonly value: unknown
  readonly override?: boolean
}

/** The keys of config.yaml's `tracing` that make sense for some requests alone. */
export interface TracingFields {
  readonly randomSampling?: string
  readonly clientSampling?: string
  readonly filter?: string
  readonly parenting?: string
  readonly fields?: { readonly add?: { readonly [attribute: string]: string }; readonly remove?: readonly string[] }
  readonly content?: {
    readonly capture?: boolean
    readonly maxBytes?: number
    readonly form?: string
    readonly redact?: readonly string[]
    readonly headers?: { readonly allow?: readonly string[] }
  }
}

/** A TrafficPolicy. */
export type TrafficPolicy = KubeObject<TrafficPolicySpec>
