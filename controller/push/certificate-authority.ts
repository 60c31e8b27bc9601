import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, X509Certificate } from 'node:crypto'
import { certify } from './x509.ts'

/** Both as PEM. */
export interface KeyPair {
  readonly certificate: string
  readonly privateKey: string
}

/** All that the push server's TLS needs; the lead of the replicas keeps it in a Secret. */
export interface Certificates {
  /** Oldest first: one, or two while one takes over from the other. */
  readonly authorities: readonly KeyPair[]
  readonly server: KeyPair
}

export interface RenewalOptions {
  /** DNS names by which pods call the controller. */
  readonly names: readonly string[]
  readonly now: Date
  /** For serial numbers; keys come from Node's own generator. */
  readonly random?: (bytes: number) => Uint8Array
}

export interface Renewal {
  readonly certificates: Certificates
  /** Why they differ from what was stored, for the log; nothing when they are as they were. */
  readonly changes: readonly string[]
  /** When to ask again: the next thing is due then. */
  readonly renewAt: Date
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const AUTHORITY_MS = 3 * 365 * DAY_MS
/** So long before an authority's end its successor is made, and trusted. */
const SUCCESSION_MS = 90 * DAY_MS
/** So long a new authority is trusted before it signs: all pods have it then. */
const SETTLING_MS = DAY_MS
const SERVER_MS = 90 * DAY_MS
const SERVER_RENEWAL_MS = 30 * DAY_MS
/** Clocks differ. */
const BACKDATE_MS = HOUR_MS

/**
 * Brings the controller's certificates up to date: makes what is missing, broken, for other names or near its end. A
 * successor of an authority is trusted for a day before it signs, and the old one stays until it ends, so that a pod
 * that has only one of them can connect at any time.
 * @param stored what was kept; undefined at the very first, or when it is lost
 */
export function renewCertificates(stored: Certificates | undefined, options: RenewalOptions): Renewal {
  const changes: string[] = []
  const { now, names } = options
  const readable = (stored?.authorities ?? []).flatMap((pair) => readPair(pair) ?? [])
  const kept = readable.filter(({ certificate }) => certificate.ca && certificate.validToDate > now)
  if (kept.length < (stored?.authorities.length ?? 0)) changes.push('an authority that ended or is broken was left out')
  const authorities = [...kept].sort(
    (a, b) => a.certificate.validFromDate.getTime() - b.certificate.validFromDate.getTime(),
  )
  const newest = authorities.at(-1)
  if (newest === undefined || leftMs(newest, now) <= SUCCESSION_MS) {
    authorities.push(newAuthority(options))
    changes.push(newest === undefined ? 'a new authority' : 'a successor of the authority')
  }
  const signer = signerOf(authorities, now)
  const before = stored === undefined ? undefined : readPair(stored.server)
  const fault = before === undefined ? 'there was none that is good' : serverFault(before, signer, names, now)
  const server = before === undefined || fault !== undefined ? newServer(signer, options) : before
  if (fault !== undefined) changes.push(`a new server certificate: ${fault}`)
  const certificates = { authorities: authorities.map(({ pair }) => pair), server: server.pair }
  return { certificates, changes, renewAt: nextDue(authorities, signer, server) }
}

/** The authorities' certificates one after the other: what pods are to trust. */
export function trustBundle({ authorities }: Certificates): string {
  return authorities.map(({ certificate }) => certificate).join('')
}

interface ReadPair {
  readonly pair: KeyPair
  readonly certificate: X509Certificate
  readonly key: KeyObject
}

/** Undefined when it cannot be read, is no P-256 pair, or when key and certificate do not belong together. */
function readPair(pair: KeyPair): ReadPair | undefined {
  try {
    const certificate = new X509Certificate(pair.certificate)
    const key = createPrivateKey(pair.privateKey)
    const isP256 = key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
    return isP256 && certificate.checkPrivateKey(key) ? { pair, certificate, key } : undefined
  } catch {
    return undefined
  }
}

/** The newest authority that has settled; one that is alone need not wait. */
function signerOf(authorities: readonly ReadPair[], now: Date): ReadPair {
  const settled = authorities.filter((authority) => settlesAtMs(authority) <= now.getTime())
  return (settled.at(-1) ?? authorities[0]) as ReadPair
}

function settlesAtMs({ certificate }: ReadPair): number {
  return certificate.validFromDate.getTime() + BACKDATE_MS + SETTLING_MS
}

function leftMs({ certificate }: ReadPair, now: Date): number {
  return certificate.validToDate.getTime() - now.getTime()
}

/** Why the server's certificate cannot stay. */
function serverFault(server: ReadPair, signer: ReadPair, names: readonly string[], now: Date): string | undefined {
  if (!server.certificate.verify(signer.certificate.publicKey)) return 'the one before is of another authority'
  const wanted = names.map((name) => `DNS:${name}`).join(', ')
  if (server.certificate.subjectAltName !== wanted) return 'the one before is for other names'
  const renewedAtMs = serverRenewalMs(server, signer)
  return renewedAtMs <= now.getTime() ? 'the one before is near its end' : undefined
}

/** Infinity for one that lives as long as its authority: a new one would live no longer. */
function serverRenewalMs({ certificate }: ReadPair, signer: ReadPair): number {
  const endsAtMs = certificate.validToDate.getTime()
  const isLast = endsAtMs >= signer.certificate.validToDate.getTime()
  return isLast ? Number.POSITIVE_INFINITY : endsAtMs - SERVER_RENEWAL_MS
}

/** All of these are to come: what was due has been done. */
function nextDue(authorities: readonly ReadPair[], signer: ReadPair, server: ReadPair): Date {
  const [oldest] = authorities
  const newest = authorities.at(-1)
  if (oldest === undefined || newest === undefined) throw new Error('there is no authority')
  return new Date(
    Math.min(
      serverRenewalMs(server, signer),
      oldest.certificate.validToDate.getTime(),
      newest.certificate.validToDate.getTime() - SUCCESSION_MS,
      newest === signer ? Number.POSITIVE_INFINITY : settlesAtMs(newest),
    ),
  )
}

function newAuthority({ now, random = randomBytes }: RenewalOptions): ReadPair {
  const serial = random(16)
  // Names that differ make it plain in any tool which of two authorities signed.
  const commonName = `weir controller ${Buffer.from(serial).toString('hex').slice(0, 8)}`
  const { publicKey, privateKey } = newKeys()
  const notBefore = new Date(now.getTime() - BACKDATE_MS)
  const notAfter = new Date(now.getTime() + AUTHORITY_MS)
  const request = { commonName, publicKey, use: { kind: 'authority' }, serial, notBefore, notAfter } as const
  return asPair(certify(request, { commonName, privateKey, publicKey }), privateKey)
}

/** No server outlives its authority. */
function newServer(signer: ReadPair, { now, names, random = randomBytes }: RenewalOptions): ReadPair {
  const { publicKey, privateKey } = newKeys()
  const request = {
    commonName: 'weir controller',
    publicKey,
    use: { kind: 'server', names },
    serial: random(16),
    notBefore: new Date(now.getTime() - BACKDATE_MS),
    notAfter: new Date(Math.min(now.getTime() + SERVER_MS, signer.certificate.validToDate.getTime())),
  } as const
  const commonName = signer.certificate.subject.replace(/^CN=/, '')
  const issuer = { commonName, privateKey: signer.key, publicKey: signer.certificate.publicKey }
  return asPair(certify(request, issuer), privateKey)
}

function newKeys(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

function asPair(certificate: string, key: KeyObject): ReadPair {
  const privateKey = key.export({ type: 'pkcs8', format: 'pem' }) as string
  return { pair: { certificate, privateKey }, certificate: new X509Certificate(certificate), key }
}
