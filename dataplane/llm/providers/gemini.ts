import type { ProviderRow } from './provider-row.ts'

/** Google's Gemini API, by its OpenAI-compatible endpoint. With usage asked for, every event of a stream carries it. */
export const gemini: ProviderRow = {
  name: 'gemini',
  address: () => ({ host: 'generativelanguage.googleapis.com', port: 443 }),
  path: () => '/v1beta/openai/chat/completions',
  tokenHeader: 'authorization',
  model: (provider) => provider.model,
  usageOnlyOnRequest: true,
}
