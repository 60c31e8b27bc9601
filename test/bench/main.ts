import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePort } from '../support/free-port.ts'
import { type Gate, gatesOf, type Measured } from './gates.ts'
import { interleaved, type Load, loadArguments, median, rssMbOf, summary, type Visit, visit } from './measure.ts'
import { startOtlpCounter } from './otlp-counter.ts'
import { bringParts } from './parts.ts'
import {
  type Surroundings,
  startBare,
  startEnvoy,
  startNginx,
  startPinned,
  startWeir,
  stop,
  type Target,
} from './target.ts'

/**
 * `make bench`: what weir costs with all telemetry on, as ratios to Envoy (access log and OTLP traces), to a bare Node
 * proxy and, shown beside, to nginx; medians of interleaved visits in one run. Writes bench-results.json and ends
 * non-zero with one line when a gate falls short. Load stays on loopback and is bounded in time.
 */
const REPEATS = Number(process.env['BENCH_REPEATS'] ?? 7)
const say = (line: string): void => void process.stdout.write(`${line}\n`)

const PATHS = {
  small: '/v1/chat/completions',
  middle: '/r/16384/v1/chat/completions',
  large: '/r/131072/v1/chat/completions',
  paced: '/sse/64/20000/v1/chat/completions',
  idle: '/sse/64/3600000000/v1/chat/completions',
}

/** A chat request of about so many bytes; the model is empty, as in the Gemini document. */
function bodyOf(folder: string, name: string, bytes: number, stream: boolean): string {
  const text = 'Summarise what the gateway did with the request and say which model answered it. '
  const request = (content: string): string =>
    JSON.stringify({
      model: '',
      ...(stream ? { stream: true } : {}),
      temperature: 0.2,
      messages: [{ role: 'user', content }],
    })
  const file = join(folder, `${name}.json`)
  writeFileSync(file, request(text.repeat(Math.ceil(bytes / text.length)).slice(0, bytes - request('').length)))
  return file
}

function loadsIn(folder: string): readonly Load[] {
  const small = bodyOf(folder, 'small', 1024, false)
  const timing = { seconds: 1.2, warmSeconds: 0.2 }
  return [
    { name: 'json-1k', path: PATHS.small, body: small, connections: 32, ...timing },
    { name: 'json-1k-1000', path: PATHS.small, body: small, connections: 16, rate: 1000, ...timing },
    { name: 'json-16k', path: PATHS.middle, body: bodyOf(folder, 'middle', 16_384, false), connections: 32, ...timing },
    { name: 'json-128k', path: PATHS.large, body: bodyOf(folder, 'large', 131_072, false), connections: 32, ...timing },
    {
      name: 'sse',
      path: PATHS.paced,
      body: bodyOf(folder, 'stream', 1024, true),
      connections: 100,
      seconds: 2,
      warmSeconds: 1.4,
      perEvent: true,
    },
  ]
}

/**
 * Memory of one idle stream: one event was seen, nothing more comes. Of a process of its own, whose heap no other load
 * has grown before.
 */
async function idleStreamKb(around: Surroundings): Promise<number> {
  const { parts, folder } = around
  const weir = await startWeir('weir-idle', around)
  const pid = weir.process?.pid as number
  const body = join(folder, 'stream.json')
  const rssWith = async (streams: number): Promise<number> => {
    const load: Load = { name: 'idle', path: PATHS.idle, body, connections: streams, seconds: 6, warmSeconds: 0 }
    const child = spawn('taskset', ['-c', '1', parts.load, ...loadArguments(load, weir.port), '-hold'], {
      stdio: 'ignore',
    })
    const over = new Promise((done) => child.once('exit', done))
    await new Promise((done) => setTimeout(done, 5000))
    const rss = rssMbOf(pid)
    await over
    return rss
  }
  const few = await rssWith(100)
  const many = await rssWith(1100)
  await stop(weir)
  return (many - few) * 1.024
}

/** Requests that weir says it has finished. */
async function requestsOf(weir: Target): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${weir.statsPort}/metrics`)).text()
  return [...text.matchAll(/^agentgateway_requests_total\{[^}]*\} (\S+)$/gm)].reduce(
    (sum, match) => sum + Number(match[1]),
    0,
  )
}

/** p50 at a fixed rate with an exporter in trouble, over p50 with one that answers; medians of interleaved visits. */
async function exporterTrouble(
  around: Surroundings,
  load: Load,
  well: Target,
  name: string,
  otlpPort: number,
): Promise<number> {
  const troubled = await startWeir(name, { ...around, otlpPort })
  const table = await interleaved(around.parts.load, [load], [well, troubled], REPEATS)
  await stop(troubled)
  const p50 = (target: string): number => median((table.get(load.name)?.get(target) ?? []).map((one) => one.p50Us))
  return p50(name) / p50(well.name)
}

function printLoads(loads: Measured['loads']): void {
  for (const [load, targets] of loads) {
    say(`\n${load}`)
    say(
      `  ${'target'.padEnd(8)}${['rate/s', 'CPU us', 'x bare', 'x Envoy', 'x nginx', 'p50 us', 'p99 us', 'event p50', 'RSS MB', 'failed'].map((title) => title.padStart(10)).join('')}`,
    )
    const cpu = (name: string): number | undefined => targets.get(name)?.cpuUs
    for (const [name, one] of targets) {
      const over = (other: number | undefined): string =>
        other === undefined || one.cpuUs === 0 ? '-' : (one.cpuUs / other).toFixed(2)
      const cells = [
        one.rate.toFixed(0),
        one.cpuUs.toFixed(1),
        over(cpu('bare')),
        over(cpu('envoy')),
        over(cpu('nginx')),
        one.p50Us.toFixed(0),
        one.p99Us.toFixed(0),
        one.eventP50Us.toFixed(0),
        one.rssMb.toFixed(0),
        String(one.failed),
      ]
      say(`  ${name.padEnd(8)}${cells.map((cell) => cell.padStart(10)).join('')}`)
    }
  }
}

function printGates(gates: readonly Gate[]): void {
  say(`\n  ${'gate'.padEnd(44)}${['measured', 'at most', 'aim', ''].map((title) => title.padStart(10)).join('')}`)
  for (const { name, value, most, aim } of gates) {
    const cells = [value.toFixed(2), most.toFixed(2), aim?.toFixed(2) ?? '', value <= most ? 'ok' : 'SHORT']
    say(`  ${name.padEnd(44)}${cells.map((cell) => cell.padStart(10)).join('')}`)
  }
}

async function measureAll(around: Surroundings, otlpSpans: () => number): Promise<Measured> {
  const { parts, folder } = around
  const targets: Target[] = [{ name: 'direct', port: around.upstreamPort, process: undefined }]
  try {
    const weir = await startWeir('weir', around)
    targets.push(weir, await startBare(around))
    if (parts.envoy !== undefined) targets.push(await startEnvoy(parts.envoy, around))
    if (parts.nginx !== undefined) targets.push(await startNginx(parts.nginx, around))
    const scrape = setInterval(() => void requestsOf(weir).catch(() => {}), 1000)
    const loads = loadsIn(folder)
    say(`${REPEATS} interleaved repeats of ${loads.map((load) => load.name).join(', ')}`)
    const table = await interleaved(parts.load, loads, targets, REPEATS)
    const idleKb = await idleStreamKb(around)
    clearInterval(scrape)
    const spans = await spansOfWeirAlone(around, otlpSpans, loads[0] as Load, weir)
    const paced = loads[1] as Load
    const unused = await freePort()
    const silent = await startOtlpCounter('slow')
    const collectorDown = await exporterTrouble(around, paced, weir, 'weir-down', unused)
    const collectorSlow = await exporterTrouble(around, paced, weir, 'weir-slow', silent.port)
    silent.close()
    return {
      loads: new Map(
        [...table].map(([load, byTarget]) => [
          load,
          new Map([...byTarget].map(([name, visits]): [string, Visit] => [name, summary(visits)])),
        ]),
      ),
      idleStreamKb: idleKb,
      expressionsUs: expressionsUs(),
      spans,
      collectorDown,
      collectorSlow,
    }
  } finally {
    for (const target of targets) await stop(target)
  }
}

/** Requests of one more visit at weir, and the spans that came for them: only weir sends to the counter meanwhile. */
async function spansOfWeirAlone(
  around: Surroundings,
  otlpSpans: () => number,
  load: Load,
  weir: Target,
): Promise<Measured['spans']> {
  const settled = async (): Promise<number> => {
    for (let last = -1, now = otlpSpans(); ; last = now, now = otlpSpans()) {
      if (last === now) return now
      await new Promise((done) => setTimeout(done, 2500))
    }
  }
  const before = { spans: await settled(), requests: await requestsOf(weir) }
  await visit(around.parts.load, load, weir)
  return { received: (await settled()) - before.spans, requests: (await requestsOf(weir)) - before.requests }
}

function expressionsUs(): number {
  const output = execFileSync('taskset', ['-c', '0', process.execPath, join(import.meta.dirname, 'cel.ts')], {
    encoding: 'utf8',
  })
  return (JSON.parse(output) as { usPerRequest: number }).usPerRequest
}

async function main(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-bench-'))
  const parts = bringParts(say)
  const counter = await startOtlpCounter()
  const upstreamPort = await freePort()
  const upstream = await startPinned(1, 'upstream', folder, upstreamPort, [parts.upstream, String(upstreamPort)])
  try {
    const around: Surroundings = { parts, folder, upstreamPort, otlpPort: counter.port, paths: Object.values(PATHS) }
    const measured = await measureAll(around, counter.spans)
    const { gates, missing } = gatesOf(measured)
    printLoads(measured.loads)
    printGates(gates)
    const loads = Object.fromEntries([...measured.loads].map(([load, targets]) => [load, Object.fromEntries(targets)]))
    writeFileSync(
      resolve(import.meta.dirname, '../../bench-results.json'),
      `${JSON.stringify({ ...measured, loads, gates, missing }, undefined, 2)}\n`,
    )
    const short = gates.filter((gate) => gate.value > gate.most)
    if (missing.length > 0) say(`\nnot measured, the yardstick could not be had: ${missing.join('; ')}`)
    say(
      short.length === 0
        ? '\nall gates hold'
        : `\n${short.length} of ${gates.length} gates fall short: ${short.map((gate) => gate.name).join('; ')}`,
    )
    return short.length === 0 ? 0 : 1
  } finally {
    await stop({ name: 'upstream', port: upstreamPort, process: upstream })
    counter.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

process.exitCode = await main()
