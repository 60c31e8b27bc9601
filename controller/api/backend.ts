import type { KubeObject } from './inventory.ts'

/** What is read of a Backend (gateway.kgateway.dev/v1alpha1): `type` and the block of that name. */
export interface BackendSpec {
  readonly type: string
  readonly ai?: AiBackendSpec
  readonly static?: {
    readonly hosts: readonly { readonly host: string; readonly port: number }[]
    readonly appProtocol?: string
  }
  readonly mcp?: { readonly targets: readonly { readonly name: string }[] }
  readonly health?: unknown
}

/** One provider (`llm`) or several in groups, in the order of their priority. */
export interface AiBackendSpec {
  readonly llm?: LlmProvider
  readonly priorityGroups?: readonly { readonly providers: readonly (LlmProvider & { readonly name: string })[] }[]
  readonly includeUsage?: 'Auto' | 'Never'
  readonly maxRequestBytes?: number
  readonly routes?: unknown
  readonly modelAliases?: unknown
  readonly priceCatalogs?: unknown
}

/** Exactly one vendor's block, and what may replace the vendor's own address. */
export interface LlmProvider {
  readonly openai?: VendorBlock
  readonly azureopenai?: VendorBlock & {
    readonly endpoint: string
    readonly deploymentName: string
    readonly apiVersion: string
  }
  readonly gemini?: VendorBlock
  readonly vertexai?: VendorBlock & {
    readonly projectId: string
    readonly location: string
    readonly modelPath?: string
    readonly publisher?: string
  }
  readonly anthropic?: unknown
  readonly bedrock?: unknown
  readonly host?: string
  /** 443 when `host` is given without it. */
  readonly port?: number
  readonly path?: { readonly full?: string }
  readonly authHeader?: unknown
  readonly routes?: unknown
}

/** What all vendors have. Without `model` the client's counts. */
export interface VendorBlock {
  readonly model?: string
  readonly authToken?: AuthToken
}

/** `kind` says which: Inline, SecretRef, or Passthrough for the client's own. */
export interface AuthToken {
  readonly kind: string
  readonly inline?: string
  /** In the Backend's namespace; data key `Authorization`. */
  readonly secretRef?: { readonly name: string }
}

/** A Backend. */
export type Backend = KubeObject<BackendSpec>
