import { get } from 'node:http'
import { networkInterfaces } from 'node:os'
import { newSpanId, newTraceId } from '../../runtime/ids.ts'
import {
  jsonReply,
  type ServiceReply,
  type ServiceRoute,
  serveService,
  textReply,
} from '../../runtime/service-server.ts'
import { startMockModel } from './mock-model.ts'
import type { ReceivedTrace } from './received-span.ts'
import { SAMPLES, type Sample } from './samples.ts'
import { sendSample } from './send-sample.ts'
import { startTraceSink } from './trace-sink.ts'
import { type TraceStore, tracesAsJson } from './trace-store.ts'
import { formatTrace } from './trace-view.ts'

/** Where the gateway between these parts is reached. */
export interface GatewayAddress {
  readonly host: string
  readonly port: number
}

export interface DemoPartsOptions {
  /** Asked at each request: a gateway may start after the parts. */
  readonly gateway: () => GatewayAddress
  readonly host: string
  /** 0 takes any free port. */
  readonly ports: { readonly model: number; readonly otlp: number; readonly view: number }
}

/** The demo without its gateway: what stands before and behind one that runs elsewhere, in a cluster for instance. */
export interface DemoParts {
  readonly modelPort: number
  /** OTLP/gRPC. */
  readonly otlpPort: number
  /**
   * `GET /try` sends a request through the gateway and answers with its answer and its trace, `GET /` with the last
   * traces as text, `GET /traces` as JSON, `GET /healthz/ready` with 200 when the gateway answers.
   */
  readonly viewPort: number
  close(): Promise<void>
}

/** A batch of spans waits a second for others; this is ample. */
const TRACE_TIMEOUT_MS = 15_000
const READY_TIMEOUT_MS = 3_000
const WIDTH = 120

/** All addresses of this machine, IPv6 among them where it has any. */
export function anyHost(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((some) => some ?? [])
  return addresses.some(({ family }) => family === 'IPv6') ? '::' : '0.0.0.0'
}

/** Starts the mock model, the receiver of traces and the view of them. */
export async function startDemoParts({ gateway, host, ports }: DemoPartsOptions): Promise<DemoParts> {
  const model = await startMockModel({ port: ports.model, host })
  const sink = await startTraceSink(host, ports.otlp)
  const routes = new Map<string, ServiceRoute>([
    ['GET /', () => textReply(viewOf(sink.store.traces()))],
    ['GET /traces', () => jsonReply(tracesAsJson(sink.store.traces()))],
    ['GET /try', () => trySample(SAMPLES[0] as Sample, gateway(), sink.store)],
    ['GET /healthz/ready', () => readiness(gateway())],
  ])
  const view = await serveService({ kind: 'tcp', host, port: ports.view }, routes, 'none')
  return {
    modelPort: model.port,
    otlpPort: sink.grpcPort,
    viewPort: view.port,
    close: async () => {
      await Promise.all([view.close(), sink.close(), model.close()])
    },
  }
}

function viewOf(traces: readonly ReceivedTrace[]): string {
  if (traces.length === 0) return 'no trace yet; GET /try makes one\n'
  return traces.map((trace) => formatTrace(trace, { attributes: true, colour: false, width: WIDTH })).join('\n')
}

/** One request with a trace context of its own, by which its trace is known among others. */
async function trySample(sample: Sample, gateway: GatewayAddress, store: TraceStore): Promise<ServiceReply> {
  const traceId = newTraceId()
  const arriving = traceOf(traceId, store)
  const headers = { ...sample.headers, traceparent: `00-${traceId}-${newSpanId()}-01` }
  const answer = await sendSample({ ...sample, headers }, gateway.port, gateway.host).catch((error: Error) => error)
  if (answer instanceof Error) {
    arriving.cancel()
    return textReply(`the gateway at ${gateway.host}:${gateway.port} gives no answer: ${answer.message}\n`, 502)
  }
  const said = `${answer.text}\n(${[String(answer.status), answer.facts].filter((part) => part !== '').join(', ')})\n`
  const trace = await arriving.trace
  if (trace === undefined) return textReply(`${said}\nno trace came in ${TRACE_TIMEOUT_MS} ms\n`, 504)
  return textReply(`${said}\n${viewOf([trace])}`, answer.status === sample.status ? 200 : 502)
}

/** The trace once it has a span; undefined when none comes in time. */
function traceOf(
  traceId: string,
  store: TraceStore,
): { readonly trace: Promise<ReceivedTrace | undefined>; cancel(): void } {
  const { promise, resolve } = Promise.withResolvers<ReceivedTrace | undefined>()
  const timer = setTimeout(() => resolve(undefined), TRACE_TIMEOUT_MS)
  const unsubscribe = store.subscribe((trace) => {
    if (trace.traceId === traceId) resolve(trace)
  })
  const trace = promise.finally(() => {
    clearTimeout(timer)
    unsubscribe()
  })
  return { trace, cancel: () => resolve(undefined) }
}

/** Any answer of the gateway will do: which routes it has is not asked. The flag 00 asks for no trace of it. */
function readiness({ host, port }: GatewayAddress): Promise<ServiceReply> {
  return new Promise((resolve) => {
    const notReady = (reason: string): void => resolve(textReply(`no gateway at ${host}:${port}: ${reason}\n`, 503))
    const headers = { traceparent: `00-${newTraceId()}-${newSpanId()}-00` }
    const asking = get({ host, port, path: '/', headers, agent: false, timeout: READY_TIMEOUT_MS }, (response) => {
      response.resume()
      resolve(textReply('ready\n'))
    })
    asking.on('timeout', () => asking.destroy(new Error(`no answer in ${READY_TIMEOUT_MS} ms`)))
    asking.on('error', (error) => notReady(error.message))
  })
}
