import type { ProviderRow } from './provider-row.ts'

/** OpenAI, and by an address of its own every server that speaks OpenAI's chat completions. */
export const openai: ProviderRow = {
  name: 'openai',
  address: () => ({ host: 'api.openai.com', port: 443 }),
  path: () => '/v1/chat/completions',
  tokenHeader: 'authorization',
  model: (provider) => provider.model,
  usageOnlyOnRequest: false,
}
