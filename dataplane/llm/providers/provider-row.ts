import type { ProviderName } from '../../../contract/providers.ts'
import type { AiProvider } from '../../../contract/snapshot.ts'

/** Where a provider listens. */
export interface ProviderAddress {
  readonly host: string
  readonly port: number
}

/** What weir knows of one vendor. Functions get what the user's Backend says of it. */
export interface ProviderRow {
  readonly name: ProviderName
  /** The vendor's own address; undefined when the Backend does not say enough to know it. */
  address(provider: AiProvider): ProviderAddress | undefined
  /** Path and query of its chat completions. */
  path(provider: AiProvider): string
  /** How it wants its token: `Authorization: Bearer TOKEN`, or the bare token in `api-key`. */
  readonly tokenHeader: 'authorization' | 'api-key'
  /** The model that it is asked for, whatever the client says; undefined: the client decides. */
  model(provider: AiProvider): string | undefined
  /** The model that it uses when nobody names one; then a request without a model is no mistake. */
  impliedModel?(provider: AiProvider): string | undefined
  /**
   * Streams: `usage` objects beside choices come only when the client asked for usage. Elsewhere such objects may
   * belong to what the provider always sends, and stay.
   */
  readonly usageOnlyOnRequest: boolean
}
