import type { AiProvider } from '../../../contract/snapshot.ts'
import { azureopenai } from './azureopenai.ts'
import { gemini } from './gemini.ts'
import { openai } from './openai.ts'
import type { ProviderRow } from './provider-row.ts'
import { vertexai } from './vertexai.ts'

/** Every provider that weir has, by its name in a Backend. A new one is a file beside this one and a line here. */
export const PROVIDERS: { readonly [K in AiProvider['provider']]: ProviderRow } = {
  openai,
  gemini,
  azureopenai,
  vertexai,
}
