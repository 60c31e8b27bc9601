import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join, resolve } from 'node:path'
import { freePort } from '../support/free-port.ts'
import type { Parts } from './parts.ts'

/** Something that load is sent to: a proxy pinned to core 0, or the upstream itself (`direct`). */
export interface Target {
  readonly name: string
  readonly port: number
  readonly process: ChildProcess | undefined
  /** weir only: where its metrics are. */
  readonly statsPort?: number
}

export interface Surroundings {
  readonly parts: Parts
  readonly folder: string
  readonly upstreamPort: number
  readonly otlpPort: number
  /** Paths that the loads ask for; weir has a route and a Backend for each. */
  readonly paths: readonly string[]
}

/** Starts a program on one core, its output in a file of the benchmark's folder, and waits until its port answers. */
export async function startPinned(
  core: number,
  name: string,
  folder: string,
  port: number,
  command: readonly string[],
): Promise<ChildProcess> {
  const out = openSync(join(folder, `${name}.log`), 'a')
  const errors = openSync(join(folder, `${name}.err`), 'a')
  const child = spawn('taskset', ['-c', String(core), ...command], { stdio: ['ignore', out, errors] })
  closeSync(out)
  closeSync(errors)
  for (let left = 200; !(await answers(port)); left--) {
    if (left === 0 || child.exitCode !== null) {
      child.kill('SIGKILL')
      throw new Error(
        `${name} does not answer on port ${port}: ${readFileSync(join(folder, `${name}.err`), 'utf8').slice(-2000)}`,
      )
    }
    await new Promise((done) => setTimeout(done, 100))
  }
  return child
}

function answers(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      done(true)
    })
    socket.on('error', () => done(false))
  })
}

function filledIn(template: string, values: Readonly<Record<string, string | number>>): string {
  const text = readFileSync(join(import.meta.dirname, template), 'utf8')
  return text.replace(/\$([A-Z]+)/g, (_, name: string) => String(values[name]))
}

export async function startBare({ folder, upstreamPort }: Surroundings): Promise<Target> {
  const port = await freePort()
  const command = [process.execPath, join(import.meta.dirname, 'bare.ts'), String(port), String(upstreamPort)]
  return { name: 'bare', port, process: await startPinned(0, 'bare', folder, port, command) }
}

export async function startEnvoy(envoy: string, { folder, upstreamPort, otlpPort }: Surroundings): Promise<Target> {
  const port = await freePort()
  const config = join(folder, 'envoy.yaml')
  writeFileSync(
    config,
    filledIn('envoy.yaml', {
      PORT: port,
      UPSTREAM: upstreamPort,
      OTLP: otlpPort,
      LOG: join(folder, 'envoy-access.log'),
    }),
  )
  const command = [envoy, '-c', config, '--use-dynamic-base-id', '--concurrency', '1', '-l', 'error']
  return { name: 'envoy', port, process: await startPinned(0, 'envoy', folder, port, command) }
}

export async function startNginx(nginx: string, { folder, upstreamPort }: Surroundings): Promise<Target> {
  const port = await freePort()
  mkdirSync(join(folder, 'nginx'))
  const config = join(folder, 'nginx.conf')
  writeFileSync(config, filledIn('nginx.conf', { PORT: port, UPSTREAM: upstreamPort, DIR: folder }))
  return { name: 'nginx', port, process: await startPinned(0, 'nginx', folder, port, [nginx, '-c', config]) }
}

/** weir through its real command line, all telemetry on. */
export async function startWeir(
  name: string,
  { folder, upstreamPort, otlpPort, paths }: Surroundings,
): Promise<Target> {
  const port = await freePort()
  const statsPort = await freePort()
  const manifests = join(folder, name)
  mkdirSync(manifests)
  const routes = paths.map((path, index) =>
    filledIn('weir-route.yaml', { NAME: `load-${index}`, PATH: path, UPSTREAM: upstreamPort }),
  )
  writeFileSync(join(manifests, 'weir.yaml'), filledIn('weir.yaml', { OTLP: otlpPort }) + routes.join(''))
  const command = [
    resolve(import.meta.dirname, '../../bin/weir'),
    ...['run', '-f', manifests, '--port-map', `80:${port}`, '--bind', '127.0.0.1'],
    ...['--admin', 'off', '--readiness', 'off', '--stats', `127.0.0.1:${statsPort}`],
  ]
  return { name, port, statsPort, process: await startPinned(0, name, folder, port, command) }
}

/** Ends a target by its process id. */
export async function stop(target: Target): Promise<void> {
  const child = target.process
  if (child === undefined || child.exitCode !== null) return
  const gone = new Promise((done) => child.once('exit', done))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
  await gone
  clearTimeout(timer)
}
