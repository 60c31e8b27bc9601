import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'

/**
 * X.509 certificates for tests, made when they run, so that no key is kept in the repository and none expires. ECDSA on
 * P-256 with SHA-256; DER by hand (RFC 5280, X.690), as Node can read certificates but not make them.
 */
export interface CertificateAuthority {
  /** PEM of the CA's own certificate. */
  readonly certificate: string
  /** PEM of its key, for programs that sign on their own. */
  readonly privateKey: string
  /** A server certificate for DNS names or IP addresses, signed by this CA; `expired` ones ended yesterday. */
  issue(names: readonly string[], options?: { expired?: boolean }): IssuedCertificate
  /** A client certificate; Kubernetes takes the common name for the user and the organization for the group. */
  issueClient(commonName: string, organization?: string): IssuedCertificate
}

/** Both as PEM. */
export interface IssuedCertificate {
  readonly certificate: string
  readonly privateKey: string
}

const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts)
  const length =
    body.length < 128
      ? [body.length]
      : body.length < 256
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 255]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}
const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts)
const integer = (bytes: Uint8Array): Buffer => der(0x02, bytes)
const octets = (bytes: Uint8Array): Buffer => der(0x04, bytes)
const bits = (bytes: Uint8Array): Buffer => der(0x03, Buffer.from([0]), bytes)
const boolean = (value: boolean): Buffer => der(0x01, Buffer.from([value ? 0xff : 0]))
const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text))
const utcTime = (date: Date): Buffer =>
  der(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`))
const explicit = (tag: number, ...parts: readonly Uint8Array[]): Buffer => der(0xa0 | tag, ...parts)

/** An object identifier from its dotted form. */
function oid(dotted: string): Buffer {
  const [first, second, ...rest] = dotted.split('.').map(Number) as [number, number, ...number[]]
  const bytes = [first * 40 + second]
  for (const arc of rest) {
    const groups = [arc & 127]
    for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift((left & 127) | 128)
    bytes.push(...groups)
  }
  return der(0x06, Buffer.from(bytes))
}

const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'))
const attribute = (id: string, text: string): Buffer => der(0x31, sequence(oid(id), utf8(text)))
const nameOf = (commonName: string, organization?: string): Buffer =>
  sequence(
    ...(organization === undefined ? [] : [attribute('2.5.4.10', organization)]),
    attribute('2.5.4.3', commonName),
  )
const extension = (id: string, critical: boolean, value: Buffer): Buffer =>
  critical ? sequence(oid(id), boolean(true), octets(value)) : sequence(oid(id), octets(value))
const basicConstraints = (ca: boolean): Buffer =>
  extension('2.5.29.19', true, ca ? sequence(boolean(true)) : sequence())

/** SubjectAltName: DNS names are [2] IA5String, IPv4 addresses [7] octets. */
function alternativeNames(names: readonly string[]): Buffer {
  const entries = names.map((name) =>
    isIP(name) === 4 ? der(0x87, Buffer.from(name.split('.').map(Number))) : der(0x82, Buffer.from(name)),
  )
  return extension('2.5.29.17', false, sequence(...entries))
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

interface Subject {
  readonly commonName: string
  readonly organization?: string | undefined
  readonly publicKey: KeyObject
  readonly extensions: readonly Buffer[]
  readonly days: readonly [from: number, to: number]
}

function certificateOf(subject: Subject, issuer: string, issuerKey: KeyObject): string {
  const day = (offset: number): Date => new Date(Date.now() + offset * 86_400_000)
  const serial = Buffer.concat([Buffer.from([1]), randomBytes(15)])
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serial),
    ECDSA_SHA256,
    nameOf(issuer),
    sequence(utcTime(day(subject.days[0])), utcTime(day(subject.days[1]))),
    nameOf(subject.commonName, subject.organization),
    subject.publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...subject.extensions)),
  )
  return pem('CERTIFICATE', sequence(body, ECDSA_SHA256, bits(sign('sha256', body, issuerKey))))
}

const pkcs8 = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string

/** A new authority with a key of its own. */
export function createCertificateAuthority(name = 'weir test CA'): CertificateAuthority {
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const self: Subject = {
    commonName: name,
    publicKey: own.publicKey,
    extensions: [basicConstraints(true)],
    days: [-1, 30],
  }
  const signed = (subject: Omit<Subject, 'publicKey'>): IssuedCertificate => {
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    return {
      certificate: certificateOf({ ...subject, publicKey: keys.publicKey }, name, own.privateKey),
      privateKey: pkcs8(keys.privateKey),
    }
  }
  return {
    certificate: certificateOf(self, name, own.privateKey),
    privateKey: pkcs8(own.privateKey),
    issue: (names, options = {}) =>
      signed({
        commonName: names[0] as string,
        extensions: [basicConstraints(false), alternativeNames(names)],
        days: options.expired ? [-10, -1] : [-1, 30],
      }),
    issueClient: (commonName, organization) =>
      signed({ commonName, organization, extensions: [basicConstraints(false)], days: [-1, 30] }),
  }
}
