import { X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { normalHost } from '../../runtime/address.ts'
import { HostnameTable } from './hostname-table.ts'

/** A certificate chain and its private key, PEM. */
export interface CertificatePair {
  readonly certificate: string
  readonly privateKey: string
}

/** What an HTTPS listener presents. */
export interface TlsBinding {
  /** The listener's hostname, `*.` wildcards included; undefined: any name, and clients that send none. */
  readonly hostname: string | undefined
  readonly certificates: readonly CertificatePair[]
}

interface Presented {
  readonly context: SecureContext
  readonly certificate: X509Certificate
}

/**
 * The certificates of one port, chosen by server name: that of the most specific listener and, where a listener has
 * several, the first that is valid for the name.
 */
export class TlsContexts {
  readonly #byHostname = new HostnameTable<readonly Presented[]>()
  /** For clients that send no name: the certificate of the listener without a hostname. */
  readonly fallback: CertificatePair | undefined

  /** @throws Error when a certificate or key cannot be read or they do not belong together */
  constructor(bindings: readonly TlsBinding[]) {
    for (const { hostname, certificates } of bindings) this.#byHostname.set(hostname, certificates.map(present))
    this.fallback = bindings.find((binding) => binding.hostname === undefined)?.certificates[0]
  }

  /** @returns undefined: no listener is there for the name, the handshake is to be refused */
  select(serverName: string): SecureContext | undefined {
    const name = normalHost(serverName)
    const presented = this.#byHostname.best(name)
    const fitting = presented?.find(({ certificate }) => certificate.checkHost(name) !== undefined)
    return (fitting ?? presented?.[0])?.context
  }
}

function present(pair: CertificatePair): Presented {
  return {
    context: createSecureContext({ cert: pair.certificate, key: pair.privateKey }),
    certificate: new X509Certificate(pair.certificate),
  }
}
