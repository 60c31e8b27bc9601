import { spawn } from 'node:child_process'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { Container, Probe } from './cluster-objects.ts'

const OUTPUT_LIMIT = 2048

/** What a probe looks at. */
export interface ProbeTarget {
  readonly container: Container
  readonly podIP: string
  /** The command line that runs a program inside the container, without the program. */
  entryCommand(): string[]
  readonly env: Readonly<Record<string, string>>
}

/** How one look ended: undefined when all is well, else what was wrong. */
export type ProbeFailure = string | undefined

/**
 * Probes until the signal ends it, by the times and thresholds of the probe (core/v1, Probe).
 * @param on is called when the state changes (and with `true` first, when a success threshold is met), `failure` says why not
 */
export async function runProbe(
  probe: Probe,
  target: ProbeTarget,
  signal: AbortSignal,
  on: (healthy: boolean, failure: ProbeFailure) => void,
): Promise<void> {
  const { initialDelaySeconds = 0, periodSeconds = 10, successThreshold = 1, failureThreshold = 3 } = probe
  let successes = 0
  let failures = 0
  await pause(initialDelaySeconds, signal)
  while (!signal.aborted) {
    const failure = await look(probe, target)
    if (signal.aborted) return
    successes = failure === undefined ? successes + 1 : 0
    failures = failure === undefined ? 0 : failures + 1
    if (successes >= successThreshold) on(true, undefined)
    if (failures >= failureThreshold) on(false, failure)
    await pause(periodSeconds, signal)
  }
}

async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  await wait(seconds * 1000, undefined, { signal }).catch(() => {})
}

/** Looks once, within the probe's time-out. */
export function look(probe: Probe, target: ProbeTarget): Promise<ProbeFailure> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000
  try {
    if (probe.httpGet) return httpProbe(probe.httpGet, target, timeoutMs)
    if (probe.tcpSocket) return tcpProbe(portOf(probe.tcpSocket.port, target.container), target, timeoutMs)
    if (probe.exec) return execProbe(probe.exec.command ?? [], target, timeoutMs)
    return Promise.resolve('the probe has no action')
  } catch (error) {
    return Promise.resolve((error as Error).message)
  }
}

function httpProbe(
  action: NonNullable<Probe['httpGet']>,
  target: ProbeTarget,
  timeoutMs: number,
): Promise<ProbeFailure> {
  const port = portOf(action.port, target.container)
  const headers = Object.fromEntries((action.httpHeaders ?? []).map(({ name, value }) => [name, value]))
  const secure = action.scheme === 'HTTPS'
  return new Promise((resolve) => {
    const asked = (secure ? httpsRequest : httpRequest)({
      host: action.host ?? target.podIP,
      port,
      path: action.path ?? '/',
      headers: { 'user-agent': 'kube-probe/rig', connection: 'close', ...headers },
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
      ...(secure ? { rejectUnauthorized: false } : {}),
    })
    asked.once('error', (error) =>
      resolve(error.name === 'AbortError' ? `no answer within ${timeoutMs} ms` : error.message),
    )
    asked.once('response', (response) => {
      response.destroy()
      const status = response.statusCode ?? 0
      resolve(status >= 200 && status < 400 ? undefined : `HTTP probe failed with statuscode: ${status}`)
    })
    asked.end()
  })
}

function tcpProbe(port: number, { podIP }: ProbeTarget, timeoutMs: number): Promise<ProbeFailure> {
  return new Promise((resolve) => {
    const socket = connect({ host: podIP, port, timeout: timeoutMs })
    const settle = (failure: ProbeFailure): void => {
      socket.destroy()
      resolve(failure)
    }
    socket.once('connect', () => settle(undefined))
    socket.once('timeout', () => settle(`no connection within ${timeoutMs} ms`))
    socket.once('error', (error) => settle(error.message))
  })
}

function execProbe(command: readonly string[], target: ProbeTarget, timeoutMs: number): Promise<ProbeFailure> {
  const [program, ...args] = [...target.entryCommand(), ...command] as [string, ...string[]]
  return new Promise((resolve) => {
    const child = spawn(program, args, { env: target.env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const keep = (text: string): void => {
      output = (output + text).slice(0, OUTPUT_LIMIT)
    }
    child.stdout.setEncoding('utf8').on('data', keep)
    child.stderr.setEncoding('utf8').on('data', keep)
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      if (code === 0) resolve(undefined)
      else resolve(signal === null ? `exit code ${code}: ${output.trim()}` : `did not end within ${timeoutMs} ms`)
    })
  })
}

/** A port by number or by its name in the container. Throws for a name that there is not. */
function portOf(port: number | string, container: Container): number {
  if (typeof port === 'number') return port
  const found = container.ports?.find(({ name }) => name === port)?.containerPort ?? Number(port)
  if (Number.isNaN(found)) throw new Error(`container ${container.name} has no port ${port}`)
  return found
}
