import { sealed } from '../../../contract/digest.ts'
import { SECRET_TOKEN_KEY } from '../../../contract/names.ts'
import { didYouMean } from '../../../contract/nearest.ts'
import type { AiProvider, CredentialResource } from '../../../contract/snapshot.ts'
import type { AuthToken, Backend } from '../../api/backend.ts'
import type { Problem } from '../../api/problem.ts'
import { fullName, problemAt } from '../findings.ts'
import type { Lookup } from '../lookup.ts'

/** How a provider is told who asks. Where the token is missing, `auth` names a credential that nobody has. */
export interface AuthFindings {
  readonly auth: AiProvider['auth']
  readonly credential: CredentialResource | undefined
  readonly problems: readonly Problem[]
}

/**
 * Reads a provider's `authToken`. No Problem holds anything of a token.
 * @param provider the provider's name, which tells inline tokens of one Backend apart
 */
export function findAuth(
  lookup: Lookup,
  backend: Backend,
  token: AuthToken | undefined,
  path: string,
  provider: string,
): AuthFindings {
  if (token === undefined) return { auth: undefined, credential: undefined, problems: [] }
  switch (token.kind) {
    case 'Passthrough':
      return { auth: { kind: 'passthrough' }, credential: undefined, problems: [] }
    case 'Inline': {
      const key = `credential/inline/${fullName(backend)}/${provider}`
      return withToken(backend, key, token.inline ?? '', `${path}.inline`, 'the token')
    }
    case 'SecretRef':
      return fromSecret(lookup, backend, token.secretRef?.name ?? '', `${path}.secretRef.name`)
    default: {
      const advice = 'kinds are Inline, SecretRef and Passthrough'
      const problem = problemAt(backend, `${path}.kind`, 'UnsupportedValue', `unknown kind '${token.kind}'`, { advice })
      const key = `credential/unknown/${fullName(backend)}/${provider}`
      return { auth: { kind: 'credential', credential: key }, credential: undefined, problems: [problem] }
    }
  }
}

/** How many of a Secret's keys a Problem names. */
const MOST_KEYS = 5

function fromSecret(lookup: Lookup, backend: Backend, name: string, path: string): AuthFindings {
  const namespace = backend.metadata.namespace ?? ''
  const key = `credential/token/${namespace}/${name}`
  const without = (problem: Problem): AuthFindings => ({
    auth: { kind: 'credential', credential: key },
    credential: undefined,
    problems: [problem],
  })
  const secret = lookup.find('Secret', namespace, name)
  if (secret === undefined) {
    const advice = didYouMean(name, lookup.names('Secret', namespace))
    return without(problemAt(backend, path, 'SecretNotFound', `Secret ${namespace}/${name} not found`, { advice }))
  }
  const encoded = secret.data?.[SECRET_TOKEN_KEY]
  if (encoded === undefined) {
    const keys = Object.keys(secret.data ?? {}).slice(0, MOST_KEYS)
    const advice = keys.length === 0 ? undefined : `names count letter by letter; it has ${keys.join(', ')}`
    const message = `Secret ${namespace}/${name} has no data '${SECRET_TOKEN_KEY}'`
    return without(problemAt(backend, path, 'SecretInvalid', message, { advice }))
  }
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  return withToken(backend, key, text, path, `data '${SECRET_TOKEN_KEY}' of Secret ${namespace}/${name}`)
}

function withToken(backend: Backend, key: string, text: string, path: string, what: string): AuthFindings {
  const token = bareToken(text)
  const mistake =
    token === '' ? 'is empty' : isHeaderText(token) ? undefined : 'has characters that no HTTP header may have'
  return {
    auth: { kind: 'credential', credential: key },
    credential: mistake === undefined ? sealed({ kind: 'credential', key, body: { type: 'token', token } }) : undefined,
    problems: mistake === undefined ? [] : [problemAt(backend, path, 'SecretInvalid', `${what} ${mistake}`)],
  }
}

/** The token alone: without the space around it, and without a leading `Bearer`, however that is spelt. */
function bareToken(text: string): string {
  return text
    .trim()
    .replace(/^bearer(\s+|$)/i, '')
    .trim()
}

/** Printable ASCII and spaces: RFC 9110, field-value, without the bytes above ASCII that it only tolerates. */
function isHeaderText(text: string): boolean {
  return /^[\x20-\x7e]+$/.test(text)
}
