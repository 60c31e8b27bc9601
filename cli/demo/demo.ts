import { join } from 'node:path'
import type { ConnectTo } from '../../runtime/connect-to.ts'
import { startMockModel } from './mock-model.ts'
import type { ReceivedTrace } from './received-span.ts'
import { curlOf, SAMPLES, type Sample } from './samples.ts'
import { sendSample } from './send-sample.ts'
import { startTraceSink, type TraceSink } from './trace-sink.ts'
import { type TraceStore, tracesAsJson } from './trace-store.ts'
import { formatTrace } from './trace-view.ts'

/** What the demo's gateway must be started with, beside what the command line says. */
export interface DemoWiring {
  /** The bundled manifests. */
  readonly paths: readonly string[]
  /** From the names in the manifests to the mock model and the sink. */
  readonly connectTo: readonly ConnectTo[]
  /** What `GET /traces` of the admin port answers, as JSON. */
  readonly traces: () => unknown
}

export interface DemoGateway {
  /** Where the listener of the manifests' port {@link DEMO_PORT} really listens. */
  readonly port: number
  /** Drains, delivers what spans are left, ends. */
  close(): Promise<void>
}

export interface DemoOptions {
  /** Send the samples, print, end. */
  readonly once: boolean
  /** Print the attributes of every span. */
  readonly attributes: boolean
  readonly out: DemoOutput
  /** Starts `weir run` with these settings; resolves when it serves. */
  readonly startGateway: (wiring: DemoWiring) => Promise<DemoGateway>
  /** Resolves when the user has had enough; never with `once`. */
  readonly stopped: Promise<void>
}

/** A part of `process.stdout`. */
export interface DemoOutput {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

/** The port of the Gateway in examples/demo. */
export const DEMO_PORT = 8080

const MANIFESTS = join(import.meta.dirname, '../../examples/demo')
const LOOPBACK = '127.0.0.1'
/** A batch waits a second for others; this is ample. */
const TRACE_TIMEOUT_MS = 15_000

/**
 * Runs the gateway on the bundled example with a mock model and a sink for its spans, on free ports of this machine, and
 * prints traces.
 * @returns the exit code: with `once` 1 when a sample did not get the answer or the trace that it should
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const model = await startMockModel({ port: 0, host: LOOPBACK })
  const sink = await startTraceSink(LOOPBACK)
  try {
    const gateway = await options.startGateway({
      paths: [MANIFESTS],
      connectTo: [
        rule('mock-model.demo.svc.cluster.local', 8000, model.port),
        rule('collector.demo.svc.cluster.local', 4317, sink.grpcPort),
      ],
      traces: () => tracesAsJson(sink.store.traces()),
    })
    try {
      return options.once
        ? await sendSamples(options, gateway.port, sink.store)
        : await serve(options, gateway.port, sink)
    } finally {
      await gateway.close()
    }
  } finally {
    await sink.close()
    await model.close()
  }
}

function rule(fromHost: string, fromPort: number, toPort: number): ConnectTo {
  return { fromHost, fromPort, toHost: LOOPBACK, toPort }
}

/** Prints every trace as it comes, until the user stops it. */
async function serve(options: DemoOptions, port: number, sink: TraceSink): Promise<number> {
  const { out } = options
  out.write(`weir listens on port ${port}, in front of a mock model. Try one of these; each trace appears below.\n\n`)
  for (const sample of SAMPLES) out.write(`# ${sample.title}\n${curlOf(sample, port)}\n\n`)
  const unsubscribe = sink.store.subscribe((trace) => out.write(`${viewOf(trace, options)}\n`))
  await options.stopped
  unsubscribe()
  return 0
}

async function sendSamples(options: DemoOptions, port: number, store: TraceStore): Promise<number> {
  let failures = 0
  for (const sample of SAMPLES) {
    const problem = await showSample(sample, options, port, store)
    if (problem !== undefined) {
      failures++
      options.out.write(`! ${problem}\n\n`)
    }
  }
  options.out.write(
    failures === 0
      ? `${SAMPLES.length} requests, ${SAMPLES.length} traces. 'weir demo' without --once stays up for requests of your own.\n`
      : `${failures} of ${SAMPLES.length} samples failed\n`,
  )
  return failures === 0 ? 0 : 1
}

/** @returns what went wrong; undefined when the sample got its answer and its trace */
async function showSample(
  sample: Sample,
  options: DemoOptions,
  port: number,
  store: TraceStore,
): Promise<string | undefined> {
  const { out } = options
  out.write(`# ${sample.title}\n${curlOf(sample, port)}\n`)
  // Listening starts before the request is sent: its trace could come first.
  const arriving = nextTrace(store)
  const answer = await sendSample(sample, port).catch((error: Error) => error)
  if (answer instanceof Error) {
    arriving.cancel()
    return answer.message
  }
  const { status, text, facts, chunks } = answer
  const details = [String(status), ...(chunks > 0 ? [`${chunks} chunks`] : []), ...(facts === '' ? [] : [facts])]
  out.write(`\n${text}\n(${details.join(', ')})\n\n`)
  const trace = await arriving.trace
  if (trace === undefined) return `no trace came in ${TRACE_TIMEOUT_MS} ms`
  out.write(`${viewOf(trace, options)}\n`)
  return status === sample.status ? undefined : `status ${status} instead of ${sample.status}`
}

/** The next trace that gets spans; undefined when none does in time. */
function nextTrace(store: TraceStore): { readonly trace: Promise<ReceivedTrace | undefined>; cancel(): void } {
  let settle: (trace: ReceivedTrace | undefined) => void = () => {}
  const arrived = new Promise<ReceivedTrace | undefined>((resolve) => {
    settle = resolve
  })
  const timer = setTimeout(() => settle(undefined), TRACE_TIMEOUT_MS)
  const unsubscribe = store.subscribe((trace) => settle(trace))
  const trace = arrived.finally(() => {
    clearTimeout(timer)
    unsubscribe()
  })
  return { trace, cancel: () => settle(undefined) }
}

function viewOf(trace: ReceivedTrace, { attributes, out }: DemoOptions): string {
  return formatTrace(trace, { attributes, colour: out.isTTY === true, width: out.columns ?? 120 })
}
