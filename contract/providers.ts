/**
 * What telemetry calls the vendors of AI backends: weir's short name (`llm.provider`, the name of the documented
 * access log) and the well-known value of `gen_ai.provider.name` (GenAI semantic conventions 1.41).
 */
export const PROVIDER_NAMES = {
  openai: 'openai',
  gemini: 'gcp.gemini',
  azure: 'azure.ai.openai',
  vertex: 'gcp.vertex_ai',
} as const

/** A short name that weir itself gives. */
export type ProviderName = keyof typeof PROVIDER_NAMES
