import type { ProviderAddress, ProviderRow } from './provider-row.ts'

/** Azure OpenAI. The deployment in the path decides the model, so the body need not name one. */
export const azureopenai: ProviderRow = {
  name: 'azure',
  address: (provider) => (provider.endpoint === undefined ? undefined : addressOf(provider.endpoint)),
  path: ({ deploymentName = '', apiVersion = '' }) =>
    `/openai/deployments/${encodeURIComponent(deploymentName)}/chat/completions?api-version=${encodeURIComponent(apiVersion)}`,
  tokenHeader: 'api-key',
  model: (provider) => provider.model,
  impliedModel: (provider) => provider.deploymentName,
  usageOnlyOnRequest: false,
}

/** An endpoint is written `NAME.openai.azure.com`, with or without a scheme, a port and a trailing slash. */
function addressOf(endpoint: string): ProviderAddress | undefined {
  const url = URL.parse(endpoint.includes('://') ? endpoint : `https://${endpoint}`)
  if (url === null || url.hostname === '') return undefined
  const port = url.port === '' ? (url.protocol === 'http:' ? 80 : 443) : Number(url.port)
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port }
}
