import type { AiProvider } from '../../../contract/snapshot.ts'
import type { ProviderRow } from './provider-row.ts'

const DEFAULT_PUBLISHER = 'google'

/** Google Cloud's Vertex AI, by its OpenAI-compatible endpoint. The token is a Google access token. */
export const vertexai: ProviderRow = {
  name: 'vertex',
  address: (provider) => {
    if (provider.location === undefined) return undefined
    const prefix = provider.location === 'global' ? '' : `${provider.location}-`
    return { host: `${prefix}aiplatform.googleapis.com`, port: 443 }
  },
  path: ({ projectId = '', location = '' }) =>
    `/v1beta1/projects/${encodeURIComponent(projectId)}/locations/${encodeURIComponent(location)}/endpoints/openapi/chat/completions`,
  tokenHeader: 'authorization',
  model: (provider) => publishedModel(provider),
  usageOnlyOnRequest: true,
}

/** This endpoint takes models as `publisher/model` only. */
function publishedModel({ model, publisher = DEFAULT_PUBLISHER }: AiProvider): string | undefined {
  if (model === undefined || model.includes('/')) return model
  return `${publisher.toLowerCase()}/${model}`
}
