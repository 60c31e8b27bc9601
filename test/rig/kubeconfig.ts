import { writeFileSync } from 'node:fs'

/** How a client shows who it is. */
export type Identity = { readonly certificate: string; readonly privateKey: string } | { readonly token: string }

export interface ClusterAddress {
  readonly url: string
  /** PEM. */
  readonly authority: string
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** Writes a kubeconfig that stands alone (no paths in it), readable by its owner only; JSON is YAML. @returns the file */
export function writeKubeconfig(file: string, { url, authority }: ClusterAddress, identity: Identity): string {
  const user =
    'token' in identity
      ? { token: identity.token }
      : {
          'client-certificate-data': base64(identity.certificate),
          'client-key-data': base64(identity.privateKey),
        }
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'rig', cluster: { server: url, 'certificate-authority-data': base64(authority) } }],
    users: [{ name: 'user', user }],
    contexts: [{ name: 'rig', context: { cluster: 'rig', user: 'user' } }],
    'current-context': 'rig',
  }
  writeFileSync(file, JSON.stringify(config, null, 2), { mode: 0o600 })
  return file
}
