import { readdirSync, readFileSync } from 'node:fs'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { formatProblem, loadAndCompile } from '../../cli/load.ts'
import type { Example, ExpectedExchange } from './example.ts'
import { type StandIns, startStandIns, type UpstreamRequest } from './example-stand-ins.ts'
import type { DecodedSpan } from './otlp-decoding.ts'
import type { SinkRequest } from './otlp-sink.ts'
import { type ManifestFolder, manifestFolder, startWeir, type WeirProcess } from './weir-process.ts'

export interface ExampleAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** What models and web servers got for it. */
  readonly upstream: readonly UpstreamRequest[]
}

/** All that an example left behind when its requests were sent to a weir of its own. */
export interface ExampleRun {
  /** Errors and warnings of `weir check`. */
  readonly problems: readonly string[]
  readonly answers: readonly ExampleAnswer[]
  readonly accessLines: readonly string[]
  readonly metrics: string
  /** By the collector's address in the manifests. */
  readonly spans: ReadonlyMap<string, readonly DecodedSpan[]>
  /** The requests in which spans came. */
  readonly exports: readonly SinkRequest[]
}

/** Compiles the example, runs weir on it, sends its requests one after the other, and ends everything. */
export async function runExample(example: Example): Promise<ExampleRun> {
  const standIns = await startStandIns(example.expected.standIns)
  const folder = manifestFolder(filesOf(example, standIns))
  try {
    const manifests = join(folder.path, 'manifests')
    const { problems } = await loadAndCompile([manifests], 'default')
    const weir = await startFor(example, standIns, folder)
    try {
      return {
        problems: problems.filter(({ severity }) => severity !== 'info').map(formatProblem),
        ...(await observe(example, standIns, weir)),
      }
    } finally {
      await weir.stop()
    }
  } finally {
    folder.delete()
    await standIns.close()
  }
}

function startFor({ expected }: Example, standIns: StandIns, folder: ManifestFolder): Promise<WeirProcess> {
  return startWeir({
    paths: [join(folder.path, 'manifests')],
    ports: [Number(new URL(expected.url).port)],
    args: standIns.rules.flatMap((rule) => ['--connect-to', rule]),
    env: { NODE_EXTRA_CA_CERTS: join(folder.path, 'public-ca.pem') },
  })
}

/** The manifests of the example with what its certificate.sh would add, and the CA of the public addresses. */
function filesOf({ folder, expected }: Example, standIns: StandIns): Record<string, string> {
  const manifests = readdirSync(join(folder, 'manifests')).map((file): [string, string] => [
    `manifests/${file}`,
    readFileSync(join(folder, 'manifests', file), 'utf8'),
  ])
  const files = { 'public-ca.pem': standIns.publicCa.certificate, ...Object.fromEntries(manifests) }
  const { certificate } = expected
  return certificate === undefined ? files : { ...files, 'manifests/certificate.yaml': made(certificate, standIns) }
}

function made(wanted: NonNullable<Example['expected']['certificate']>, { publicCa, privateCa }: StandIns): string {
  const metadata = { name: wanted.name }
  if (wanted.kind === 'ConfigMap') {
    return stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'ca.crt': privateCa.certificate } })
  }
  const { certificate, privateKey } = publicCa.issue(wanted.dnsNames)
  const stringData = { 'tls.crt': certificate, 'tls.key': privateKey }
  return stringify({ apiVersion: 'v1', kind: 'Secret', metadata, type: 'kubernetes.io/tls', stringData })
}

async function observe(
  { expected }: Example,
  standIns: StandIns,
  weir: WeirProcess,
): Promise<Omit<ExampleRun, 'problems'>> {
  const answers: ExampleAnswer[] = []
  for (const exchange of expected.requests) {
    const answer = await send(exchange, expected.url, weir, standIns.publicCa.certificate)
    answers.push({ ...answer, upstream: standIns.takeRequests() })
  }
  // A line is written when its exchange is recorded; after the last one, metrics are complete, too.
  await weir.waitForAccessLines(expected.log?.length ?? expected.requests.length)
  const metrics = await weir.metrics()
  // Ending it delivers what exporters hold.
  await weir.stop()
  const spans = new Map([...standIns.collectors].map(([address, sink]) => [address, sink.spans()]))
  const exports = [...standIns.collectors.values()].flatMap((sink) => sink.requests())
  return { answers, accessLines: weir.accessLines, metrics, spans, exports }
}

/** Sends what the curl line in request.sh sends, to where weir really listens. */
function send(
  { method, path, headers, body }: ExpectedExchange,
  url: string,
  weir: WeirProcess,
  ca: string,
): Promise<Omit<ExampleAnswer, 'upstream'>> {
  const { protocol, hostname, port, host } = new URL(url)
  const tls = protocol === 'https:'
  return new Promise((resolve, reject) => {
    const sent = (tls ? httpsRequest : httpRequest)({
      host: '127.0.0.1',
      port: weir.port(Number(port)),
      ...(tls && { ca, servername: hostname }),
      agent: false,
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      path,
      headers: {
        host,
        ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
        ...headers,
      },
    })
    sent.on('error', reject)
    sent.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
      })
    })
    sent.end(body)
  })
}
