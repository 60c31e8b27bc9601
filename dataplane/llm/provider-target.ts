import type { AiProvider, CredentialResource, UpstreamTls } from '../../contract/snapshot.ts'
import { GatewayError } from '../fault.ts'
import type { ProviderRow } from './providers/provider-row.ts'
import { PROVIDERS } from './providers/provider-table.ts'

/** RFC 9110 5.5, without leading and trailing space, and without what is not ASCII. */
const HEADER_VALUE = /^[\x21-\x7e]+(?:[ \t]+[\x21-\x7e]+)*$/

/** Looks a credential up by its key in the snapshot. */
export type Credentials = (key: string) => CredentialResource['body'] | undefined

/** Where and how to speak to one provider of a Backend; made once per snapshot. */
export interface ProviderTarget {
  readonly provider: AiProvider
  readonly row: ProviderRow
  readonly host: string
  readonly port: number
  /** Undefined: plaintext. */
  readonly tls: UpstreamTls | undefined
  /** Path and query. */
  readonly path: string
  /** The `Host` header: the port is left out where it is the scheme's own. */
  readonly authority: string
  /** Replaces the client's model. */
  readonly model: string | undefined
}

/**
 * Where a provider is: its own address and path, each overridden by what the Backend says. Spoken to over TLS when the
 * Backend says so or the port is 443.
 * @returns a GatewayError when it cannot be used: its resource is broken, or says too little
 */
export function providerTarget(provider: AiProvider): ProviderTarget | GatewayError {
  if (provider.broken !== undefined) return new GatewayError('invalid_backend', provider.broken.message)
  const row = PROVIDERS[provider.provider]
  const own = row.address(provider)
  const host = provider.host ?? own?.host
  if (host === undefined || host === '') {
    return new GatewayError('invalid_backend', `provider '${provider.name}' names no valid endpoint`)
  }
  const port = provider.port ?? (provider.host === undefined ? own?.port : undefined) ?? 443
  const tls = provider.tls ?? (port === 443 ? { hostname: host } : undefined)
  const name = host.includes(':') ? `[${host}]` : host
  return {
    provider,
    row,
    host,
    port,
    tls,
    path: provider.path ?? row.path(provider),
    authority: port === (tls === undefined ? 80 : 443) ? name : `${name}:${port}`,
    model: row.model(provider) || undefined,
  }
}

/**
 * The headers by which this provider knows who asks, names and values in turn; none when the client's own pass.
 * @returns a GatewayError when the Backend names a credential that is not there
 */
export function authHeaders(target: ProviderTarget, credentials: Credentials): readonly string[] | GatewayError {
  const { auth, name } = target.provider
  if (auth === undefined || auth.kind === 'passthrough') return []
  const credential = credentials(auth.credential)
  if (credential?.type !== 'token' || credential.token === '') {
    return new GatewayError('credential_missing', `the credential of provider '${name}' is missing`)
  }
  // A line break in a token would otherwise surface as a failure of whatever sends it.
  if (!HEADER_VALUE.test(credential.token)) {
    return new GatewayError('credential_missing', `the credential of provider '${name}' cannot stand in a header`)
  }
  return target.row.tokenHeader === 'api-key'
    ? ['api-key', credential.token]
    : ['authorization', `Bearer ${credential.token}`]
}
