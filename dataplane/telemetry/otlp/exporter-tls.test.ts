import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCertificateAuthority } from '../../../test/support/certificates.ts'
import { type ExportReport, exportInProcess } from '../../../test/support/otlp-export-process.ts'
import { type OtlpSink, startOtlpSink } from '../../../test/support/otlp-sink.ts'

/** One try each. */
const QUEUE = { maxRetryTime: 0, maxCoalescingDelay: 0.001 }

let folder: string
let sink: OtlpSink
let caFile: string

beforeAll(async () => {
  const authority = createCertificateAuthority()
  folder = mkdtempSync(join(tmpdir(), 'weir-otlp-tls-'))
  caFile = join(folder, 'ca.pem')
  writeFileSync(caFile, authority.certificate)
  sink = await startOtlpSink({ tls: authority.issue(['collector.test', '127.0.0.1']) })
})

afterAll(async () => {
  await sink.close()
  rmSync(folder, { recursive: true })
})

/** Exports by both protocols under the certificate's name, under its address, and under a name that it is not for. */
function exportAll(env: { [name: string]: string }): Promise<ExportReport> {
  const to = (otlpProtocol: 'grpc' | 'http', host: string) => ({
    name: `${otlpProtocol} ${host}`,
    otlpEndpoint: `https://${host}:${otlpProtocol === 'grpc' ? sink.grpcPort : sink.httpPort}`,
    otlpProtocol,
    queue: QUEUE,
  })
  const hosts = ['collector.test', '127.0.0.1', 'other.test']
  const connectTo = ['collector.test', 'other.test'].map((fromHost) => ({
    fromHost,
    fromPort: undefined,
    toHost: '127.0.0.1',
    toPort: undefined,
  }))
  const exporters = hosts.flatMap((host) => [to('grpc', host), to('http', host)])
  return exportInProcess({ exporters, connectTo }, env)
}

describe('an exporter over TLS', () => {
  it('trusts NODE_EXTRA_CA_CERTS, and asks for a certificate of the name that is configured', async () => {
    const { counts, lines } = await exportAll({ NODE_EXTRA_CA_CERTS: caFile })
    const good = ['grpc collector.test', 'http collector.test', 'grpc 127.0.0.1', 'http 127.0.0.1']
    for (const name of good) expect([name, counts[name]]).toMatchObject([name, { sent: 1 }])
    const bad = ['grpc other.test', 'http other.test']
    for (const name of bad) expect([name, counts[name]]).toMatchObject([name, { dropped: { retry_exhausted: 1 } }])
    expect(lines.map(({ exporter }) => exporter).sort()).toEqual(bad)
    for (const { cause } of lines) expect(cause).toContain('other.test')
    expect(sink.requests().length).toBe(good.length)
  })

  it('sends nothing to a receiver whose certificate it does not trust', async () => {
    const before = sink.requests().length
    const { counts, lines } = await exportAll({})
    for (const one of Object.values(counts)) expect(one).toMatchObject({ sent: 0, dropped: { retry_exhausted: 1 } })
    for (const { cause } of lines) expect(cause).toMatch(/certificate/i)
    expect(lines.length).toBe(6)
    expect(sink.requests().length).toBe(before)
  })
})
