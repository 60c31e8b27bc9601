import { createHash, type KeyObject, sign } from 'node:crypto'
import {
  bitString,
  booleanTrue,
  explicit,
  implicit,
  integer,
  objectIdentifier,
  octetString,
  pem,
  sequence,
  setOfOne,
  time,
  utf8String,
} from './der.ts'

/** Who signs a certificate. */
export interface Issuer {
  readonly commonName: string
  /** Both of P-256. */
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

export interface CertificateRequest {
  readonly commonName: string
  /** A P-256 key. */
  readonly publicKey: KeyObject
  /** `authority` may sign servers and nothing beneath them; `server` proves that it is one of `names`. */
  readonly use: { readonly kind: 'authority' } | { readonly kind: 'server'; readonly names: readonly string[] }
  /** 16 random bytes. */
  readonly serial: Uint8Array
  readonly notBefore: Date
  readonly notAfter: Date
}

const ECDSA_WITH_SHA256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'))
const SERVER_AUTH = objectIdentifier('1.3.6.1.5.5.7.3.1')
/** Length of an uncompressed point of P-256, which is how a public key ends in its SubjectPublicKeyInfo. */
const POINT_BYTES = 65

/** An X.509 v3 certificate (RFC 5280), ECDSA on P-256 with SHA-256, as PEM. Node reads certificates, but makes none. */
export function certify(request: CertificateRequest, issuer: Issuer): string {
  const { publicKey, serial, notBefore, notAfter } = request
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(positive(serial)),
    ECDSA_WITH_SHA256,
    nameOf(issuer.commonName),
    sequence(time(notBefore), time(notAfter)),
    nameOf(request.commonName),
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensionsOf(request, issuer.publicKey))),
  )
  return pem('CERTIFICATE', sequence(body, ECDSA_WITH_SHA256, bitString(sign('sha256', body, issuer.privateKey))))
}

/** RFC 5280 4.1.2.2: positive, at most 20 octets. With a bit set in front, all serials have one length. */
function positive(serial: Uint8Array): Buffer {
  const bytes = Buffer.from(serial)
  bytes[0] = ((bytes[0] as number) & 0x3f) | 0x40
  return bytes
}

function nameOf(commonName: string): Buffer {
  return sequence(setOfOne(sequence(objectIdentifier('2.5.4.3'), utf8String(commonName))))
}

function extensionsOf({ use, publicKey }: CertificateRequest, issuerKey: KeyObject): Buffer[] {
  const keyIds = [
    extension('2.5.29.14', false, octetString(keyId(publicKey))),
    extension('2.5.29.35', false, sequence(implicit(0, keyId(issuerKey)))),
  ]
  if (use.kind === 'authority')
    return [
      // A CA with no further CA beneath it.
      extension('2.5.29.19', true, sequence(booleanTrue(), integer(Buffer.from([0])))),
      // keyCertSign and cRLSign.
      extension('2.5.29.15', true, bitString(Buffer.from([0x06]), 1)),
      ...keyIds,
    ]
  const names = use.names.map((name) => implicit(2, Buffer.from(name, 'ascii')))
  return [
    extension('2.5.29.19', true, sequence()),
    // digitalSignature
    extension('2.5.29.15', true, bitString(Buffer.from([0x80]), 7)),
    extension('2.5.29.37', false, sequence(SERVER_AUTH)),
    extension('2.5.29.17', false, sequence(...names)),
    ...keyIds,
  ]
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(objectIdentifier(id), ...(critical ? [booleanTrue()] : []), octetString(value))
}

/** RFC 7093 2 (1): the first 160 bits of the SHA-256 of the key. Tells apart authorities of one name. */
function keyId(key: KeyObject): Buffer {
  const point = key.export({ type: 'spki', format: 'der' }).subarray(-POINT_BYTES)
  return createHash('sha256').update(point).digest().subarray(0, 20)
}
