import { createPrivateKey, X509Certificate } from 'node:crypto'
import { sealed } from '../../../contract/digest.ts'
import { GATEWAY_API_GROUP } from '../../../contract/names.ts'
import { didYouMean } from '../../../contract/nearest.ts'
import type { CredentialResource } from '../../../contract/snapshot.ts'
import type { Secret } from '../../api/core.ts'
import type { CertificateRef, Gateway } from '../../api/gateway.ts'
import type { Problem } from '../../api/problem.ts'
import { problemAt } from '../findings.ts'
import type { Lookup } from '../lookup.ts'
import { certificatesIn } from '../pem.ts'
import { isPermitted } from '../reference-grants.ts'

const TLS_SECRET = 'kubernetes.io/tls'

/** The certificates of an HTTPS listener: those that can be used, and what is wrong with the others. */
export function listenerCertificates(
  lookup: Lookup,
  gateway: Gateway,
  refs: readonly CertificateRef[],
  path: string,
): { readonly credentials: readonly CredentialResource[]; readonly problems: readonly Problem[] } {
  const credentials: CredentialResource[] = []
  const problems: Problem[] = []
  refs.forEach((ref, index) => {
    const found = followCertificate(lookup, gateway, ref, `${path}[${index}]`)
    if ('severity' in found) problems.push(found)
    else if (!credentials.some(({ key }) => key === found.key)) credentials.push(found)
  })
  return { credentials, problems }
}

function followCertificate(
  lookup: Lookup,
  gateway: Gateway,
  ref: CertificateRef,
  path: string,
): CredentialResource | Problem {
  const own = gateway.metadata.namespace ?? ''
  const { group = '', kind = 'Secret', namespace = own, name } = ref
  const bad = (message: string, advice?: string): Problem =>
    problemAt(gateway, path, 'ListenerInvalidCertificateRef', message, { advice })
  if (group !== '' || kind !== 'Secret')
    return bad(`a certificate is a Secret of the core group, not a '${kind}' of '${group}'`)
  const to = { group, kind, namespace, name }
  if (!isPermitted(lookup, { group: GATEWAY_API_GROUP, kind: 'Gateway', namespace: own }, to)) {
    return problemAt(
      gateway,
      path,
      'RefNotPermitted',
      `no ReferenceGrant lets this Gateway use Secret ${namespace}/${name}`,
    )
  }
  const secret = lookup.find('Secret', namespace, name)
  if (secret === undefined) {
    // Elsewhere, advice would tell names that the grant does not cover.
    const advice = namespace === own ? didYouMean(name, lookup.names('Secret', namespace)) : undefined
    return bad(`Secret ${namespace}/${name} not found`, advice)
  }
  const pair = keyPair(secret)
  if (typeof pair === 'string') return bad(`Secret ${namespace}/${name} ${pair}`)
  return sealed({ kind: 'credential', key: `credential/certificate/${namespace}/${name}`, body: pair })
}

/** The certificate and key of a Secret, or what is wrong with it, in words that hold nothing of its content. */
function keyPair(secret: Secret): Extract<CredentialResource['body'], { type: 'certificate' }> | string {
  if (secret.type !== TLS_SECRET) return `is of type '${secret.type ?? 'Opaque'}', not '${TLS_SECRET}'`
  const [certificate, privateKey] = ['tls.crt', 'tls.key'].map((key) => decoded(secret.data?.[key]))
  if (certificate === undefined) return "has no data 'tls.crt'"
  if (privateKey === undefined) return "has no data 'tls.key'"
  const chain = certificatesIn(certificate)
  if (chain === undefined) return "has no valid PEM certificate in 'tls.crt'"
  try {
    const fits = new X509Certificate(chain).checkPrivateKey(createPrivateKey(privateKey))
    if (!fits) return "has a private key in 'tls.key' that is not that of the certificate"
  } catch {
    // OpenSSL's words may quote what it read.
    return "has no valid PEM private key in 'tls.key'"
  }
  return { type: 'certificate', certificate, privateKey }
}

function decoded(base64: string | undefined): string | undefined {
  return base64 === undefined || base64 === '' ? undefined : Buffer.from(base64, 'base64').toString('utf8')
}
