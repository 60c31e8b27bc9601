import { X509Certificate } from 'node:crypto'
import { connect, createServer } from 'node:tls'
import { createCertificateAuthority } from './certificates.ts'

describe('createCertificateAuthority', () => {
  it('issues certificates that verify against it and no other', () => {
    const authority = createCertificateAuthority()
    const issued = new X509Certificate(authority.issue(['api.example', '127.0.0.1']).certificate)
    expect(issued.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true)
    expect(issued.verify(new X509Certificate(createCertificateAuthority().certificate).publicKey)).toBe(false)
    expect(issued.checkHost('api.example')).toBe('api.example')
    expect(issued.checkIP('127.0.0.1')).toBe('127.0.0.1')
    expect(issued.checkHost('other.example')).toBeUndefined()
  })

  it.each([
    ['a good one', false, undefined],
    ['an expired one', true, 'CERT_HAS_EXPIRED'],
  ])('serves %s', async (_, expired, code) => {
    const authority = createCertificateAuthority()
    const { certificate, privateKey } = authority.issue(['api.example'], { expired })
    const server = createServer({ cert: certificate, key: privateKey })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const port = (server.address() as { port: number }).port
    const outcome = await new Promise<string | undefined>((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', servername: 'api.example', ca: authority.certificate }, () => {
        socket.destroy()
        resolve(undefined)
      })
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
    })
    await new Promise((done) => server.close(done))
    expect(outcome).toBe(code)
  })
})
