import { startMockModel } from '../../cli/demo/mock-model.ts'
import { type CertificateAuthority, createCertificateAuthority } from './certificates.ts'
import type { StandIn } from './example.ts'
import { type OtlpSink, startOtlpSink } from './otlp-sink.ts'
import { type ScriptedUpstream, startUpstream } from './upstream.ts'

/** A request as a model or a web server got it. */
export interface UpstreamRequest {
  readonly at: string
  readonly path: string
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: string
}

/** Servers on this machine in place of the addresses that an example's manifests name. */
export interface StandIns {
  /** Values of `--connect-to`. */
  readonly rules: readonly string[]
  /** By the address that they stand in for. */
  readonly collectors: ReadonlyMap<string, OtlpSink>
  /** CAs that a process has to trust (PEM), as the public ones of the real addresses. */
  readonly publicCa: CertificateAuthority
  /** The CA that nobody trusts unless a manifest says so. */
  readonly privateCa: CertificateAuthority
  /** What models and web servers have got since this was called last. */
  takeRequests(): UpstreamRequest[]
  close(): Promise<void>
}

interface Server {
  readonly port: number
  readonly requests: () => readonly Omit<UpstreamRequest, 'at'>[]
  readonly collector?: OtlpSink
  close(): Promise<void>
}

interface Authorities {
  readonly publicCa: CertificateAuthority
  readonly privateCa: CertificateAuthority
}

/** Starts one server for each address (`host:port`). */
export async function startStandIns(wanted: Readonly<Record<string, StandIn>>): Promise<StandIns> {
  const authorities = { publicCa: createCertificateAuthority(), privateCa: createCertificateAuthority() }
  const servers = new Map<string, Server & { taken: number }>()
  for (const [address, kind] of Object.entries(wanted)) {
    servers.set(address, { ...(await start(kind, address, authorities)), taken: 0 })
  }
  return {
    ...authorities,
    rules: [...servers].map(([address, { port }]) => `${address}:127.0.0.1:${port}`),
    collectors: new Map(
      [...servers].flatMap(([address, { collector }]) => (collector === undefined ? [] : [[address, collector]])),
    ),
    takeRequests: () =>
      [...servers].flatMap(([at, server]) => {
        const fresh = server.requests().slice(server.taken)
        server.taken += fresh.length
        return fresh.map((request) => ({ at, ...request }))
      }),
    close: async () => {
      for (const server of servers.values()) await server.close()
    },
  }
}

function start(kind: StandIn, address: string, { publicCa, privateCa }: Authorities): Promise<Server> {
  const host = address.slice(0, address.lastIndexOf(':'))
  switch (kind) {
    case 'model':
      return startModel()
    case 'model with TLS':
      return startModel(publicCa.issue([host]))
    case 'model with TLS of a private CA':
      return startModel(privateCa.issue([host]))
    case 'overloaded model':
      return startOverloaded()
    case 'web server':
      return startWeb(host)
    case 'collector by gRPC':
      return startCollector('grpcPort')
    case 'collector by HTTP':
      return startCollector('httpPort')
    case 'collector by HTTPS':
      return startCollector('httpPort', publicCa.issue([host]))
  }
}

type Tls = ReturnType<CertificateAuthority['issue']>

async function startModel(tls?: Tls): Promise<Server> {
  const model = await startMockModel({ host: '127.0.0.1', port: 0, ...(tls && { tls }) })
  return { port: model.port, requests: () => model.requests, close: () => model.close() }
}

function startOverloaded(): Promise<Server> {
  return startScripted((_request, response) => {
    response.writeHead(503, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ error: { message: 'overloaded', type: 'server_error', param: null, code: null } }))
  })
}

/** Answers with what it got. */
function startWeb(host: string): Promise<Server> {
  return startScripted((request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', server: 'web' })
    response.end(JSON.stringify({ server: host, path: request.url, headers: request.headers }))
  })
}

async function startScripted(script: ScriptedUpstream['script']): Promise<Server> {
  const upstream = await startUpstream(script)
  const requests = (): Omit<UpstreamRequest, 'at'>[] =>
    upstream.requests.map(({ path, headers, body }) => ({ path, headers, body: body.toString() }))
  return { port: upstream.port, requests, close: () => upstream.close() }
}

async function startCollector(port: 'grpcPort' | 'httpPort', tls?: Tls): Promise<Server> {
  const collector = await startOtlpSink(tls && { tls })
  return { port: collector[port], requests: () => [], collector, close: () => collector.close() }
}
