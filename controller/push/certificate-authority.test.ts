import { X509Certificate } from 'node:crypto'
import { connect, createServer } from 'node:tls'
import { type Certificates, renewCertificates, trustBundle } from './certificate-authority.ts'

const DAY_MS = 86_400_000
const NAMES = ['weir-controller.weir-system.svc', 'weir-controller.weir-system.svc.cluster.local']
const start = new Date('2026-03-01T00:00:00Z')
const dayOf = (days: number): Date => new Date(start.getTime() + days * DAY_MS)

function renewed(stored: Certificates | undefined, now = start, names = NAMES): ReturnType<typeof renewCertificates> {
  return renewCertificates(stored, { names, now })
}

/** Whether a client that trusts the bundle takes the server's certificate for the name. */
async function handshake(trusted: string, { server }: Certificates, servername: string): Promise<string> {
  const listener = createServer({ cert: server.certificate, key: server.privateKey }, (socket) => socket.end())
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const { port } = listener.address() as { port: number }
  try {
    return await new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port, ca: trusted, servername })
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
      socket.on('secureConnect', () => {
        resolve('ok')
        socket.destroy()
      })
    })
  } finally {
    await new Promise((resolve) => listener.close(resolve))
  }
}

describe('certificates of the controller', () => {
  it('are taken for the names that they are for, and for no other', async () => {
    const { certificates, changes } = renewed(undefined, new Date())
    const bundle = trustBundle(certificates)
    expect(changes).toEqual(['a new authority', 'a new server certificate: there was none that is good'])
    for (const name of NAMES) expect(await handshake(bundle, certificates, name)).toBe('ok')
    expect(await handshake(bundle, certificates, 'other.svc')).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
    const stranger = trustBundle(renewed(undefined, new Date()).certificates)
    expect(await handshake(stranger, certificates, NAMES[0] as string)).not.toBe('ok')
  })

  it('stay as they are while nothing is due', () => {
    const { certificates, renewAt } = renewed(undefined)
    const later = renewed(certificates, new Date(renewAt.getTime() - 1))
    expect(later.changes).toEqual([])
    expect(later.certificates).toEqual(certificates)
    expect(later.renewAt).toEqual(renewAt)
  })

  it('get a new server certificate a month before the end, and for new names', () => {
    const first = renewed(undefined)
    const later = renewed(first.certificates, first.renewAt)
    expect(first.renewAt).toEqual(dayOf(60))
    expect(later.changes).toEqual(['a new server certificate: the one before is near its end'])
    expect(later.certificates.authorities).toEqual(first.certificates.authorities)
    expect(new X509Certificate(later.certificates.server.certificate).validToDate).toEqual(dayOf(150))
    expect(renewed(first.certificates, start, ['new.svc']).changes).toEqual([
      'a new server certificate: the one before is for other names',
    ])
  })

  it('can be verified at any time by whoever has the bundle of the last step or of this one', () => {
    let { certificates, renewAt } = renewed(undefined)
    let now = start
    let most = 0
    while (now < dayOf(7 * 365)) {
      now = renewAt
      const next = renewed(certificates, now)
      expect(next.changes.length).toBeGreaterThan(0)
      expect(next.renewAt.getTime()).toBeGreaterThan(now.getTime())
      const server = new X509Certificate(next.certificates.server.certificate)
      expect(server.validToDate.getTime()).toBeGreaterThan(next.renewAt.getTime())
      const lastBundle = certificates.authorities.map(({ certificate }) => new X509Certificate(certificate))
      expect(lastBundle.some((authority) => server.verify(authority.publicKey) && authority.validToDate > now)).toBe(
        true,
      )
      most = Math.max(most, next.certificates.authorities.length)
      ;({ certificates, renewAt } = next)
    }
    expect(most).toBe(2)
  })

  it('lets a successor sign only when it has been trusted for a day', () => {
    const { certificates } = renewed(undefined)
    const ending = dayOf(3 * 365 - 90)
    const before = renewed(certificates, ending)
    const [old, successor] = before.certificates.authorities
    const signedBy = ({ server }: Certificates, authority: { certificate: string } | undefined): boolean =>
      new X509Certificate(server.certificate).verify(new X509Certificate(authority?.certificate ?? '').publicKey)
    expect(before.changes).toContain('a successor of the authority')
    expect(signedBy(before.certificates, old)).toBe(true)
    expect(before.renewAt).toEqual(dayOf(3 * 365 - 89))
    const settled = renewed(before.certificates, before.renewAt)
    expect(settled.changes).toEqual(['a new server certificate: the one before is of another authority'])
    expect(signedBy(settled.certificates, successor)).toBe(true)
    expect(settled.certificates.authorities).toEqual([old, successor])
    const ended = renewed(settled.certificates, dayOf(3 * 365))
    expect(ended.certificates.authorities).toEqual([successor])
  })

  it('does not ask for itself again and again when an authority is found at its very end', () => {
    const { certificates } = renewed(undefined)
    const now = dayOf(3 * 365 - 1)
    const once = renewed(certificates, now)
    expect(once.renewAt.getTime()).toBeGreaterThan(now.getTime())
    expect(renewed(once.certificates, now).changes).toEqual([])
  })

  it.each([
    [
      'a server key of another certificate',
      (good: Certificates) => ({
        ...good,
        server: { ...good.server, privateKey: keyOf(renewed(undefined).certificates) },
      }),
    ],
    [
      'a server certificate that is cut',
      (good: Certificates) => ({
        ...good,
        server: { ...good.server, certificate: good.server.certificate.slice(0, 200) },
      }),
    ],
    ['an authority that is no authority', (good: Certificates) => ({ ...good, authorities: [good.server] })],
    ['no authority', (good: Certificates) => ({ ...good, authorities: [] })],
    [
      'nothing but noise',
      () => ({ authorities: [{ certificate: 'x', privateKey: 'y' }], server: { certificate: '', privateKey: '' } }),
    ],
  ])('are made anew from %s', async (_what, broken) => {
    const now = new Date()
    const { certificates, changes } = renewed(broken(renewed(undefined, now).certificates), now)
    expect(changes.length).toBeGreaterThan(0)
    expect(await handshake(trustBundle(certificates), certificates, NAMES[0] as string)).toBe('ok')
    expect(renewed(certificates, now).changes).toEqual([])
  })

  it('write dates after 2049 as RFC 5280 says', () => {
    const { certificates } = renewed(undefined, new Date('2049-06-01T00:00:00Z'))
    expect(new X509Certificate(trustBundle(certificates)).validTo).toBe('May 31 00:00:00 2052 GMT')
  })
})

function keyOf({ server }: Certificates): string {
  return server.privateKey
}
