import type { ServerResponse } from 'node:http'
import { connect, createServer, type Server } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { sealed } from '../../contract/digest.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { telemetryConfig } from '../../contract/telemetry-config.ts'
import { ask } from '../support/client.ts'
import { backendOf, listenerOf, routeOf } from '../support/gateway-rig.ts'
import { type OtlpSink, startOtlpSink } from '../support/otlp-sink.ts'
import { type PodProcess, snapshotOf, startPod, sumOf } from '../support/pod-process.ts'
import { type ScriptedUpstream, startUpstream } from '../support/upstream.ts'

interface Given {
  readonly upstreamPort: number
  /** Absent: no tracing. */
  readonly otlpPort?: number
  /** Besides 8080. */
  readonly morePorts?: readonly number[]
}

/** A Gateway with a listener on 8080 that takes everything to one upstream. */
function gatewaySnapshot({ upstreamPort, otlpPort, morePorts = [] }: Given): Snapshot {
  const listeners = [8080, ...morePorts].map((port) => {
    const name = port === 8080 ? 'http' : `http-${port}`
    return sealed(listenerOf({ gateway: 'default/edge', name, port }))
  })
  const endpoints = [{ host: '127.0.0.1', port: upstreamPort }]
  const backend = sealed(backendOf({ namespace: 'default', body: { type: 'http', endpoints } }))
  const tracing = {
    randomSampling: true,
    exporters: [{ name: 'default', otlpEndpoint: `http://127.0.0.1:${otlpPort}` }],
  }
  const config = telemetryConfig.parse(otlpPort === undefined ? {} : { tracing })
  const telemetry = sealed({ kind: 'telemetry' as const, key: 'telemetry' as const, config })
  return snapshotOf([...listeners, sealed(routeOf({ namespace: 'default', name: 'all' })), backend, telemetry])
}

/** An upstream that answers `/hold` by a stream which the test goes on with, and everything else at once. */
async function holdingUpstream(): Promise<{
  readonly upstream: ScriptedUpstream
  /** Ends the streams that are open. */
  endStreams(): void
}> {
  const open: ServerResponse[] = []
  const upstream = await startUpstream((request, response) => {
    if (request.url !== '/hold') {
      response.end('answered')
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: first\n\n')
    open.push(response)
  })
  const endStreams = (): void => {
    for (const response of open.splice(0)) response.end('data: last\n\n')
  }
  return { upstream, endStreams }
}

const END = 'data: first\n\ndata: last\n\n'

/** A request for a stream, once its first bytes are here. */
async function openStream(port: number): Promise<{ readonly whole: Promise<string> }> {
  let first: () => void = () => {}
  const begun = new Promise<void>((resolve) => {
    first = resolve
  })
  const whole = ask(port, { path: '/hold', onChunk: first }).then((answer) => answer.body.toString())
  whole.catch(() => {})
  await begun
  return { whole }
}

async function readiness(pod: PodProcess): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await fetch(`http://127.0.0.1:${pod.readinessPort}/healthz/ready`)
  return { status: answer.status, text: await answer.text() }
}

/** Resolves when nobody takes connections on the port any more. */
async function untilRefused(port: number): Promise<void> {
  const refused = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect({ port, host: '127.0.0.1' })
      socket.once('connect', () => {
        socket.destroy()
        resolve(false)
      })
      socket.once('error', () => resolve(true))
    })
  while (!(await refused())) await delay(20)
}

async function untilWorkers(pod: PodProcess, holds: (pids: readonly number[]) => boolean): Promise<void> {
  while (!holds(await pod.workerPids())) await delay(20)
}

function listenSomewhere(): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => resolve(server))
  })
}

describe('weir dataplane', () => {
  let sink: OtlpSink
  let pod: PodProcess | undefined
  let upstream: ScriptedUpstream
  let endStreams: () => void

  beforeAll(async () => {
    sink = await startOtlpSink()
  })
  afterAll(() => sink?.close())

  beforeEach(async () => {
    ;({ upstream, endStreams } = await holdingUpstream())
  })
  afterEach(async () => {
    await pod?.stop()
    pod = undefined
    await upstream.close()
  })

  it('adds up what its workers count, exactly, and writes whole lines of the access log', async () => {
    pod = await startPod({ cached: gatewaySnapshot({ upstreamPort: upstream.port }), workers: 2 })
    const port = await pod.port(8080)
    const long = 'x'.repeat(6000)
    const requests = Array.from({ length: 60 }, (_, n) => ask(port, { path: `/${n}/${long}` }))
    expect((await Promise.all(requests)).filter(({ status }) => status === 200)).toHaveLength(60)
    const lines = await pod.waitForAccessLines(60)
    for (const line of lines) expect(line).toMatch(/^\S+Z\tinfo\trequest gateway=default\/edge .* duration=\d+ms$/)
    const paths = lines.map((line) => /http\.path=(\S+)/.exec(line)?.[1]).sort()
    expect(paths).toEqual(Array.from({ length: 60 }, (_, n) => `/${n}/${long}`).sort())
    const metrics = await pod.metrics()
    expect(sumOf(metrics, 'agentgateway_requests_total')).toBe(60)
    expect(sumOf(metrics, 'agentgateway_request_duration_seconds_count')).toBe(60)
    expect(sumOf(metrics, 'agentgateway_request_duration_seconds_bucket', 'le="+Inf"')).toBe(60)
    expect(sumOf(metrics, 'agentgateway_downstream_connections_total')).toBe(60)
    expect(sumOf(metrics, 'agentgateway_build_info')).toBe(1)
    expect(sumOf(metrics, 'weir_workers_serving')).toBe(2)
    expect(metrics.match(/^# TYPE agentgateway_requests_total /gm)).toHaveLength(1)
    expect(await pod.stop()).toBe(0)
  })

  it('loses what was in flight in a worker that is killed, and nothing else', async () => {
    pod = await startPod({ cached: gatewaySnapshot({ upstreamPort: upstream.port }), workers: 2 })
    const port = await pod.port(8080)
    await ask(port, { path: '/' })
    await ask(port, { path: '/' })
    expect(sumOf(await pod.metrics(), 'agentgateway_requests_total')).toBe(2)
    // Connections go to the workers in turn: each has one of these.
    const streams = [await openStream(port), await openStream(port)]
    const [killed, other] = (await pod.workerPids()) as [number, number]
    process.kill(killed, 'SIGKILL')
    await pod.waitForLog(({ msg, pid }) => msg === 'a worker died; another one starts' && pid === String(killed))
    endStreams()
    const ends = await Promise.allSettled(streams.map(({ whole }) => whole))
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(ends.find((end) => end.status === 'fulfilled')).toMatchObject({ value: END })
    await pod.waitForLogs(3, ({ msg }) => msg === 'listening')
    expect((await ask(port, { path: '/' })).status).toBe(200)
    expect((await ask(port, { path: '/' })).status).toBe(200)
    const pids = await pod.workerPids()
    expect(pids).toHaveLength(2)
    expect(pids).toContain(other)
    expect(pids).not.toContain(killed)
    const metrics = await pod.metrics()
    expect(sumOf(metrics, 'weir_worker_restarts_total')).toBe(1)
    // The two before, the two after, the stream that went on: the dead worker's count stays in the sum.
    expect(sumOf(metrics, 'agentgateway_requests_total')).toBe(5)
  })

  it('gives a connection that was on its way to a worker which dies to another one', async () => {
    pod = await startPod({ cached: gatewaySnapshot({ upstreamPort: upstream.port }), workers: 2 })
    const port = await pod.port(8080)
    const [stopped] = (await pod.workerPids()) as [number]
    process.kill(stopped, 'SIGSTOP')
    const signal = AbortSignal.timeout(30_000)
    const answers = [1, 2, 3, 4].map(() => ask(port, { path: '/', signal }))
    // The stopped worker was handed one of them, and can say no more that it has it.
    await upstream.waitForRequests(3)
    process.kill(stopped, 'SIGKILL')
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200])
  })

  it('serves on while one of its workers is stopped, and says so in its metrics', async () => {
    pod = await startPod({ cached: gatewaySnapshot({ upstreamPort: upstream.port }), workers: 2 })
    const port = await pod.port(8080)
    await Promise.all([1, 2, 3, 4].map(() => ask(port, { path: '/' })))
    expect(sumOf(await pod.metrics(), 'agentgateway_requests_total')).toBe(4)
    const [stopped] = (await pod.workerPids()) as [number]
    process.kill(stopped, 'SIGSTOP')
    const metrics = await pod.metrics()
    expect(sumOf(metrics, 'agentgateway_requests_total')).toBe(4)
    expect(sumOf(metrics, 'weir_worker_scrapes_unanswered_total')).toBe(1)
    process.kill(stopped, 'SIGCONT')
    expect(await pod.stop()).toBe(0)
  })

  it('ends as Kubernetes wants it: readiness first, then no new connection, then the last stream, then the last span', async () => {
    const before = sink.spans().length
    const cached = gatewaySnapshot({ upstreamPort: upstream.port, otlpPort: sink.grpcPort })
    pod = await startPod({ cached, workers: 2, args: ['--drain-wait', '3'] })
    const port = await pod.port(8080)
    const stream = await openStream(port)
    expect(await readiness(pod)).toEqual({ status: 200, text: 'ready\n' })
    pod.signal('SIGTERM')
    await pod.waitForLog(({ msg }) => msg === 'shutting down')
    expect(await readiness(pod)).toEqual({ status: 503, text: 'shutting down\n' })
    expect((await ask(port, { path: '/' })).status).toBe(200)
    await untilRefused(port)
    endStreams()
    expect(await stream.whole).toBe(END)
    expect(await pod.exited).toBe(0)
    expect((await sink.waitForSpans(before + 2)).slice(before)).toHaveLength(2)
    expect(await pod.waitForAccessLines(2)).toHaveLength(2)
  })

  it('ends at once at the second signal', async () => {
    pod = await startPod({ cached: gatewaySnapshot({ upstreamPort: upstream.port }), workers: 2 })
    const stream = await openStream(await pod.port(8080))
    pod.signal('SIGTERM')
    await pod.waitForLog(({ msg }) => msg === 'shutting down')
    pod.signal('SIGTERM')
    expect(await pod.exited).toBe(1)
    await expect(stream.whole).rejects.toThrow()
  })

  it('says what a worker refuses, once, and serves the rest', async () => {
    const taken = await listenSomewhere()
    const takenPort = (taken.address() as { port: number }).port
    try {
      const cached = gatewaySnapshot({ upstreamPort: upstream.port, morePorts: [9090] })
      pod = await startPod({ cached, workers: 2, args: ['--port-map', `9090:${takenPort}`] })
      const refused = pod.logLines.filter(({ msg }) => msg.startsWith('refused:'))
      expect(refused).toHaveLength(1)
      expect(refused[0]).toMatchObject({ key: 'listener/http-9090', level: 'error' })
      expect(refused[0]?.msg).toContain('EADDRINUSE')
      expect((await ask(await pod.port(8080), { path: '/' })).status).toBe(200)
    } finally {
      taken.close()
    }
  })

  it('serves in one process with one worker', async () => {
    pod = await startPod({ cached: gatewaySnapshot({ upstreamPort: upstream.port }), workers: 1 })
    const port = await pod.port(8080)
    expect((await ask(port, { path: '/' })).status).toBe(200)
    expect(sumOf(await pod.metrics(), 'agentgateway_requests_total')).toBe(1)
    const stream = await openStream(port)
    pod.signal('SIGTERM')
    await pod.waitForLog(({ msg }) => msg === 'shutting down')
    await untilRefused(port)
    endStreams()
    expect(await stream.whole).toBe(END)
    expect(await pod.exited).toBe(0)
  })

  it('is not ready without a configuration, nor with that of another Gateway, and ends when asked', async () => {
    const cached = gatewaySnapshot({ upstreamPort: upstream.port })
    pod = await startPod({ workers: 2 })
    expect(await readiness(pod)).toEqual({ status: 503, text: 'default/edge has no configuration yet\n' })
    const quit = `http://127.0.0.1:${pod.adminPort}/quitquitquit`
    expect((await fetch(quit, { method: 'POST' })).status).toBe(200)
    expect(await pod.exited).toBe(0)
    await pod.stop()
    const foreign = { ...cached, gateway: 'default/other' }
    pod = await startPod({ cached: foreign, awaits: 'started', workers: 2 })
    await pod.waitForLog(({ msg }) => msg.startsWith('the cached configuration is of another Gateway'))
    expect((await readiness(pod)).status).toBe(503)
  })

  it('ends with its workers when it cannot start', async () => {
    const taken = await listenSomewhere()
    const { port } = taken.address() as { port: number }
    try {
      pod = await startPod({ workers: 2, awaits: 'cannot start', args: ['--stats', `127.0.0.1:${port}`] })
      expect(await pod.exited).toBe(1)
    } finally {
      taken.close()
    }
  })

  it('shows what runs without its secrets, and sets the log level of every process', async () => {
    const token = { type: 'token' as const, token: 'sk-planted-0001' }
    const credential = sealed({ kind: 'credential' as const, key: 'credential/default/k', body: token })
    const { resources } = gatewaySnapshot({ upstreamPort: upstream.port })
    pod = await startPod({ cached: snapshotOf([...resources, credential]), workers: 2 })
    const dump = await (await fetch(`http://127.0.0.1:${pod.adminPort}/config_dump`)).text()
    expect(JSON.parse(dump)).toMatchObject([{ gateway: 'default/edge' }])
    expect(dump).toContain('credential/default/k')
    expect(dump).not.toContain('sk-planted-0001')
    const setLevel = (level: string): Promise<Response> =>
      fetch(`http://127.0.0.1:${pod?.adminPort}/logging?level=${level}`, { method: 'POST' })
    expect((await setLevel('off')).status).toBe(200)
    const [killed] = (await pod.workerPids()) as [number]
    process.kill(killed, 'SIGKILL')
    await untilWorkers(pod, (pids) => pids.length === 2 && !pids.includes(killed))
    // With the log off nobody told of the death, nor the new worker of its port.
    expect(pod.logLines.filter(({ msg }) => msg === 'listening')).toHaveLength(2)
    expect(pod.logLines.some(({ msg }) => msg.startsWith('a worker died'))).toBe(false)
  })
})
