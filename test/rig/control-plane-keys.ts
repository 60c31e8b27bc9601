import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type IssuedCertificate,
} from '../support/certificates.ts'

/** The first address of the range of Services: the API server's own Service, `kubernetes`. */
const SERVICE_ADDRESS = '10.96.0.1'

const SERVER_NAMES = [
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
  'localhost',
]

/** Keys and certificates of one control plane: who may be what, and the files that its programs read. */
export interface ControlPlaneKeys {
  /** Signs servers and clients of the cluster; a client's common name is its user, its organization its group. */
  readonly authority: CertificateAuthority
  readonly admin: IssuedCertificate
  readonly controllerManager: IssuedCertificate
  readonly scheduler: IssuedCertificate
  /** The file of a key or certificate by its name, `apiserver.crt`. */
  file(name: KeyFile): string
}

export type KeyFile =
  | `${'ca' | 'apiserver' | 'kubelet-client' | 'front-proxy-ca' | 'front-proxy'}.crt`
  | `${'ca' | 'apiserver' | 'kubelet-client' | 'front-proxy' | 'service-accounts'}.key`
  | 'service-accounts.pub'

/** Makes all keys anew, in the folder, for an API server at the address. */
export function makeControlPlaneKeys(folder: string, address: string): ControlPlaneKeys {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const authority = createCertificateAuthority('rig CA')
  const frontProxy = createCertificateAuthority('rig front proxy CA')
  const file = (name: KeyFile): string => join(folder, name)
  const write = (name: KeyFile, text: string): void => writeFileSync(file(name), text, { mode: 0o600 })
  const writePair = (name: 'apiserver' | 'kubelet-client' | 'front-proxy', issued: IssuedCertificate): void => {
    write(`${name}.crt`, issued.certificate)
    write(`${name}.key`, issued.privateKey)
  }
  write('ca.crt', authority.certificate)
  write('ca.key', authority.privateKey)
  write('front-proxy-ca.crt', frontProxy.certificate)
  writePair('front-proxy', frontProxy.issueClient('front-proxy-client'))
  writePair('apiserver', authority.issue([...SERVER_NAMES, '127.0.0.1', SERVICE_ADDRESS, address]))
  writePair('kubelet-client', authority.issueClient('kube-apiserver-kubelet-client', 'system:masters'))
  const serviceAccounts = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  write('service-accounts.key', serviceAccounts.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string)
  write('service-accounts.pub', serviceAccounts.publicKey.export({ type: 'spki', format: 'pem' }) as string)
  return {
    authority,
    admin: authority.issueClient('admin', 'system:masters'),
    controllerManager: authority.issueClient('system:kube-controller-manager'),
    scheduler: authority.issueClient('system:kube-scheduler'),
    file,
  }
}
