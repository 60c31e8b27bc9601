import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type OtlpCounter, startOtlpCounter } from '../bench/otlp-counter.ts'
import { type AskOptions, chat } from '../support/client.ts'
import { exportStates, unsettled } from '../support/export-states.ts'
import { sendLoad } from '../support/load.ts'
import { chatManifests } from '../support/manifests.ts'
import { complete, type ScriptedUpstream, startUpstream } from '../support/upstream.ts'
import {
  type LogLine,
  type ManifestFolder,
  manifestFolder,
  startWeir,
  type WeirProcess,
} from '../support/weir-process.ts'

const WARM_REQUESTS = 10_000
const ALL_REQUESTS = 100_000
const CONCURRENCY = 32
/** What may be in buffers beside the heap: pools grow and shrink by whole slabs. */
const BUFFER_SLACK_BYTES = 8 * 1024 * 1024

const REPORT_HEAP = pathToFileURL(join(import.meta.dirname, '../support/report-heap.ts')).href

const EVENT = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'tick ' } }] })}\n\n`
const USAGE = `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 9, completion_tokens: 4 } })}\n\n`

/** What the upstream does, by what the prompt says. */
const BEHAVIOURS: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>> = {
  plain: complete,
  stream: (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (let i = 0; i < 4; i++) response.write(EVENT)
    response.end(`${USAGE}data: [DONE]\n\n`)
  },
  /** Never ends: the client leaves. */
  endless: (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(EVENT)
  },
  error: (_request, response) => {
    response.writeHead(500, { 'content-type': 'application/json' })
    response.end('{"error":{"message":"overloaded","type":"server_error","param":null,"code":null}}')
  },
  reset: (request) => request.socket.destroy(),
  cut: (request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
    response.write('{"id":', () => request.socket.destroy())
  },
}

/** Of twenty requests in a row, what those at the front are; the others are plain. */
const MIX = ['stream', 'stream', 'stream', 'endless', 'error', 'reset', 'cut', 'unrouted', 'broken'] as const

/** The request of that number. Paths, models and trace ids never come twice, so that whatever is kept by them shows. */
function requestOf(number: number): Omit<AskOptions, 'agent'> {
  const kind = MIX[number % 20] ?? 'plain'
  const path = `/chat?number=${number}`
  if (kind === 'unrouted') return { path: `/nowhere/${number}` }
  if (kind === 'broken') return { path, body: `{"model": ${number}` }
  const traceId = number.toString(16).padStart(32, 'a')
  const common: Omit<AskOptions, 'agent'> = {
    path,
    headers: number % 2 === 0 ? {} : { traceparent: `00-${traceId}-b7ad6b7169203331-01`, tracestate: `n=${number}` },
    body: chat({
      model: `model-${number}`,
      messages: [{ role: 'user', content: kind }],
      ...(kind === 'stream' || kind === 'endless' ? { stream: true } : {}),
    }),
  }
  if (kind !== 'endless') return common
  const leaving = new AbortController()
  return { ...common, signal: leaving.signal, onChunk: () => leaving.abort() }
}

/** How often each status comes of so many requests. */
function expectedOutcomes(count: number): Record<string, number> {
  const rounds = count / 20
  return { 200: rounds * 14, 400: rounds, 404: rounds, 500: rounds, 502: rounds, cut: rounds * 2 }
}

describe('memory', () => {
  let upstream: ScriptedUpstream
  let sink: OtlpCounter
  let folder: ManifestFolder
  let weir: WeirProcess
  let reports = 0

  beforeAll(async () => {
    upstream = await startUpstream(
      (request, response, body) => {
        const [, kind = ''] = /"content":"(\w+)"/.exec(body.toString()) ?? []
        BEHAVIOURS[kind]?.(request, response)
      },
      { records: false },
    )
    sink = await startOtlpCounter()
    const tracing = [
      ...['randomSampling: true', 'fields:', '  add:'],
      ...["    gen_ai.prompt: 'flattenRecursive(llm.prompt)'", "    gen_ai.completion: 'llm.completion'"],
    ]
    folder = manifestFolder({
      'all.yaml': chatManifests({ modelPort: upstream.port, otlpPort: sink.port, tracing }),
    })
    weir = await startWeir({
      paths: [folder.path],
      ports: [8080],
      env: { NODE_OPTIONS: `--import ${REPORT_HEAP}` },
    })
  })

  afterAll(async () => {
    await weir?.stop()
    await upstream?.close()
    sink?.close()
    folder?.delete()
  })

  /** Waits until nothing of the requests is left to be done: no connection, no line, no span. */
  const idle = async (requests: number): Promise<void> => {
    await weir.waitForAccessLines(requests)
    for (;;) {
      const scrape = await weir.metrics()
      const states = exportStates(scrape, 'default')
      const connections = /^weir_downstream_connections\{.*\} (\d+)$/m.exec(scrape)?.[1]
      if (states.ended === requests && unsettled(states) === 0 && connections === '0') {
        expect(states.sent).toBe(requests)
        return
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** What the main thread and the thread that sends spans have after a garbage collection. */
  const heaps = async (): Promise<{ usedBytes: number; buffersBytes: number }[]> => {
    const lines = (): LogLine[] => weir.logLines.filter((line) => line.msg === 'heap').slice(reports)
    process.kill(weir.pid, 'SIGUSR2')
    await weir.waitForLog(() => lines().length === 2)
    const two = lines().sort((a, b) => Number(a['thread']) - Number(b['thread']))
    reports += two.length
    return two.map((line) => ({ usedBytes: Number(line['usedBytes']), buffersBytes: Number(line['buffersBytes']) }))
  }

  it(`is flat from ${WARM_REQUESTS} to ${ALL_REQUESTS} requests of all kinds`, async () => {
    const load = (count: number) =>
      sendLoad({ port: weir.port(8080), count, concurrency: CONCURRENCY, request: requestOf })
    expect(Object.fromEntries(await load(WARM_REQUESTS))).toEqual(expectedOutcomes(WARM_REQUESTS))
    await idle(WARM_REQUESTS)
    const [mainBefore, senderBefore] = await heaps()

    const rest = ALL_REQUESTS - WARM_REQUESTS
    expect(Object.fromEntries(await load(rest))).toEqual(expectedOutcomes(rest))
    await idle(ALL_REQUESTS)
    const [mainAfter, senderAfter] = await heaps()
    expect(sink.spans()).toBe(ALL_REQUESTS)

    for (const [before, after] of [
      [mainBefore, mainAfter],
      [senderBefore, senderAfter],
    ]) {
      if (before === undefined || after === undefined) throw new Error('a thread reported nothing')
      expect(after.usedBytes).toBeLessThan(before.usedBytes * 1.1)
      expect(after.buffersBytes).toBeLessThan(before.buffersBytes + BUFFER_SLACK_BYTES)
    }
  }, 600_000)
})
