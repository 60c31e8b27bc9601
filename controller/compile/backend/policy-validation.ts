import { didYouMean } from '../../../contract/nearest.ts'
import type { UpstreamTls } from '../../../contract/snapshot.ts'
import type { BackendTlsPolicy } from '../../api/backend-tls-policy.ts'
import type { Problem } from '../../api/problem.ts'
import { problemAt } from '../findings.ts'
import type { Lookup } from '../lookup.ts'
import { certificatesIn } from '../pem.ts'

const CA_KEY = 'ca.crt'

/** Whom a policy trusts, and what is wrong with that; without `tls` it trusts nobody. */
export interface ValidationFindings {
  readonly tls: UpstreamTls | undefined
  readonly problems: readonly Problem[]
}

/** Reads `spec.validation` of a BackendTLSPolicy. Of several CA references the good ones count. */
export function findValidation(lookup: Lookup, policy: BackendTlsPolicy): ValidationFindings {
  const validation = policy.spec?.validation
  const { caCertificateRefs = [], wellKnownCACertificates, hostname = '' } = validation ?? {}
  const names = namesOf(validation?.subjectAltNames)
  const tls = { hostname, ...(names === undefined ? {} : { subjectAltNames: names }) }
  if (wellKnownCACertificates !== undefined && wellKnownCACertificates !== '') {
    if (wellKnownCACertificates === 'System') return { tls, problems: [] }
    const path = 'spec.validation.wellKnownCACertificates'
    const message = `unknown set of certificates '${wellKnownCACertificates}'`
    return {
      tls: undefined,
      problems: [problemAt(policy, path, 'InvalidField', message, { advice: 'System is the one' })],
    }
  }
  const path = 'spec.validation.caCertificateRefs'
  const followed = caCertificateRefs.map((ref, index) => followCa(lookup, policy, ref, `${path}[${index}]`))
  const problems = followed.filter((one) => typeof one !== 'string')
  const authorities = followed.filter((one) => typeof one === 'string')
  if (authorities.length > 0) return { tls: { ...tls, ca: authorities.join('') }, problems }
  const none = problemAt(policy, path, 'PolicyNoValidCa', 'no CA certificate can be used: requests to its targets fail')
  return { tls: undefined, problems: [...problems, none] }
}

type SubjectAltNames = NonNullable<UpstreamTls['subjectAltNames']>

function namesOf(
  names: NonNullable<BackendTlsPolicy['spec']>['validation']['subjectAltNames'] = [],
): SubjectAltNames | undefined {
  if (names.length === 0) return undefined
  return names.map(({ type, hostname = '', uri = '' }) =>
    type === 'URI' ? { type, value: uri } : { type: 'Hostname', value: hostname },
  )
}

/** The PEM certificates of a CA reference, or what is wrong with it. */
function followCa(
  lookup: Lookup,
  policy: BackendTlsPolicy,
  { group, kind, name }: { readonly group: string; readonly kind: string; readonly name: string },
  path: string,
): string | Problem {
  if (group !== '' || kind !== 'ConfigMap') {
    const message = `a CA is a ConfigMap of the core group, not a '${kind}' of '${group}'`
    return problemAt(policy, `${path}.kind`, 'InvalidKind', message)
  }
  const namespace = policy.metadata.namespace ?? ''
  const bad = (message: string, advice?: string): Problem =>
    problemAt(policy, `${path}.name`, 'PolicyInvalidCaRef', `ConfigMap ${namespace}/${name} ${message}`, { advice })
  const configMap = lookup.find('ConfigMap', namespace, name)
  if (configMap === undefined) return bad('not found', didYouMean(name, lookup.names('ConfigMap', namespace)))
  const pem = configMap.data?.[CA_KEY]
  if (pem === undefined || pem === '') return bad(`has no data '${CA_KEY}'`)
  return certificatesIn(pem) ?? bad(`has no valid PEM certificate in '${CA_KEY}'`)
}
