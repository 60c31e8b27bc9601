import type { AiProvider, CredentialResource } from '../../../contract/snapshot.ts'
import type { Backend, LlmProvider, VendorBlock } from '../../api/backend.ts'
import type { Problem } from '../../api/problem.ts'
import { notBuiltFields, problemAt } from '../findings.ts'
import type { Lookup } from '../lookup.ts'
import type { TlsVerdict } from './backend-tls-policies.ts'
import { findAuth } from './provider-auth.ts'

/** What compile found about one provider of an AI Backend; without `provider` it is one that weir does not have. */
export interface ProviderFindings {
  readonly provider: AiProvider | undefined
  readonly credential: CredentialResource | undefined
  readonly problems: readonly Problem[]
}

/** The OpenAI-compatible vendors, each with what only it says. */
const VENDORS: { readonly [V in AiProvider['provider']]: (block: LlmProvider) => Partial<AiProvider> } = {
  openai: () => ({}),
  gemini: () => ({}),
  azureopenai: ({ azureopenai }) => ({
    endpoint: azureopenai?.endpoint,
    deploymentName: azureopenai?.deploymentName,
    apiVersion: azureopenai?.apiVersion,
  }),
  vertexai: ({ vertexai }) => ({
    projectId: vertexai?.projectId,
    location: vertexai?.location,
    ...(vertexai?.modelPath === undefined ? {} : { modelPath: vertexai.modelPath }),
    ...(vertexai?.publisher === undefined ? {} : { publisher: vertexai.publisher }),
  }),
}

const LATER_VENDORS = ['anthropic', 'bedrock'] as const

/** The port of an overridden host that names none, and the one that means TLS. */
const TLS_PORT = 443

/**
 * Reads one provider block.
 * @param path of the block in the Backend
 * @param tls what BackendTLSPolicies say of it
 */
export function findProvider(
  lookup: Lookup,
  backend: Backend,
  block: LlmProvider,
  path: string,
  name: string,
  tls: TlsVerdict,
): ProviderFindings {
  const vendor = (Object.keys(VENDORS) as AiProvider['provider'][]).find((one) => block[one] !== undefined)
  if (vendor === undefined)
    return { provider: undefined, credential: undefined, problems: [unknownVendor(backend, block, path)] }
  const own = block[vendor] as VendorBlock
  const { auth, credential, problems } = findAuth(lookup, backend, own.authToken, `${path}.${vendor}.authToken`, name)
  const provider: AiProvider = {
    name,
    provider: vendor,
    ...(own.model === undefined ? {} : { model: own.model }),
    ...(auth === undefined ? {} : { auth }),
    ...addressOf(block, tls),
    ...VENDORS[vendor](block),
  }
  return { provider, credential, problems: [...problems, ...unusedParts(backend, block, path)] }
}

function unknownVendor(backend: Backend, block: LlmProvider, path: string): Problem {
  const known = `known are ${Object.keys(VENDORS).join(', ')}`
  const later = LATER_VENDORS.find((vendor) => block[vendor] !== undefined)
  return later === undefined
    ? problemAt(backend, path, 'UnsupportedValue', 'names no provider', { advice: known })
    : problemAt(backend, `${path}.${later}`, 'NotBuilt', `provider ${later} is not built yet`, { advice: known })
}

/** Where a provider is reached when not at its vendor's address, and how. */
function addressOf({ host, port, path }: LlmProvider, verdict: TlsVerdict): Partial<AiProvider> {
  const actualPort = host === undefined ? port : (port ?? TLS_PORT)
  const ownTls = host !== undefined && actualPort === TLS_PORT ? { tls: { hostname: host } } : {}
  return {
    ...(host === undefined ? {} : { host }),
    ...(actualPort === undefined ? {} : { port: actualPort }),
    ...(path?.full === undefined ? {} : { path: path.full }),
    ...(verdict === undefined ? ownTls : verdict),
  }
}

function unusedParts(backend: Backend, block: LlmProvider, path: string): readonly Problem[] {
  const header =
    block.authHeader === undefined
      ? []
      : [
          problemAt(
            backend,
            `${path}.authHeader`,
            'NoEffect',
            'not supported: the token is sent as the provider wants it',
            {
              severity: 'warning',
            },
          ),
        ]
  return [...header, ...notBuiltFields(backend, path, block, ['routes'])]
}
