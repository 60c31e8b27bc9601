import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { readFlags } from '../cli/flags.ts'
import { readRunSettings } from '../cli/run-settings.ts'
import { StandAlone } from '../cli/stand-alone.ts'
import { createLog } from '../runtime/log.ts'
import { ask, chat } from './support/client.ts'
import { type OtlpSink, startOtlpSink } from './support/otlp-sink.ts'
import { complete, type ScriptedUpstream, startUpstream } from './support/upstream.ts'

/** Manifests with one mistake each; test/broken/README.md says how they are written. */
const FOLDER = join(import.meta.dirname, 'broken')
const ROOT = resolve(import.meta.dirname, '..')
const WEIR = join(ROOT, 'bin/weir')

/** Processes at once. */
const PARALLEL = 2

interface BrokenFile {
  readonly name: string
  readonly path: string
  readonly lines: readonly string[]
  /** What `weir check` prints, without the file's name, and the text that each line must point at. */
  readonly said: readonly { readonly line: string; readonly at: string }[]
  /** An attribute that the span of the good request has all the same. */
  readonly attribute: string | undefined
}

function readBroken(name: string): BrokenFile {
  const path = join(FOLDER, name)
  const lines = readFileSync(path, 'utf8').split('\n')
  const header = (key: string): string[] =>
    lines.filter((line) => line.startsWith(`# ${key}: `)).map((line) => line.slice(`# ${key}: `.length))
  const at = header('at').map((text) => text.replace('\\t', '\t'))
  const check = header('check')
  if (check.length === 0 || check.length !== at.length) throw new Error(`${name} needs an 'at' for each 'check'`)
  const said = check.map((line, index) => ({ line, at: at[index] as string }))
  return { name: name.replace('.yaml', ''), path, lines, said, attribute: header('still')[0] }
}

const FILES = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.yaml'))
  .map(readBroken)

interface Checked {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function check(path: string): Promise<Checked> {
  return new Promise((resolve, reject) => {
    const child = spawn(WEIR, ['check', '-f', relative(ROOT, path)], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
    const said = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        said[name] += text
      })
    }
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, ...said }))
  })
}

describe('broken manifests, as weir check sees them', () => {
  const checked = new Map<string, Checked>()

  beforeAll(async () => {
    const waiting = [...FILES]
    const worker = async (): Promise<void> => {
      for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
        checked.set(file.name, await check(file.path))
      }
    }
    await Promise.all(Array.from({ length: PARALLEL }, worker))
  }, 300_000)

  it('are many', () => {
    expect(FILES.length).toBeGreaterThanOrEqual(60)
  })

  it.each(FILES)('$name', ({ name, path, said }) => {
    const { code, stdout, stderr } = checked.get(name) as Checked
    const file = relative(ROOT, path)
    expect(stdout.split('\n')).toEqual([...said.map(({ line }) => `${file}:${line}`), ''])
    const errors = said.filter(({ line }) => /^\d+:\d+: error: /.test(line)).length
    expect(stderr).toMatch(new RegExp(`^${errors} errors?, `))
    expect(errors).toBeGreaterThan(0)
    expect(code).toBe(1)
  })

  it.each(FILES)('$name: the place is that of the mistake', ({ lines, said }) => {
    for (const { line, at } of said) {
      const [row, column] = line.split(':', 2).map(Number) as [number, number]
      expect((lines[row - 1] ?? '').slice(column - 1, column - 1 + at.length)).toBe(at)
    }
  })
})

describe('broken manifests, as weir run serves what is good in them', () => {
  let model: ScriptedUpstream
  let sink: OtlpSink

  beforeAll(async () => {
    model = await startUpstream(complete)
    sink = await startOtlpSink()
  })

  afterAll(async () => {
    await model.close()
    await sink.close()
  })

  /** The gateway of one file, every listener on a free port. */
  function gatewayOf({ path, lines }: BrokenFile): StandAlone {
    const ports = new Set(lines.flatMap((line) => /^ +port: (\d{4,5})$/.exec(line)?.[1] ?? []))
    const args = [
      ...['-f', path, '--bind', '127.0.0.1', '--drain', '1', '--log-level', 'error,request=off'],
      ...[...ports].flatMap((port) => ['--port-map', `${port}:0`]),
      ...['--connect-to', `model.test:8000:127.0.0.1:${model.port}`],
      ...['--connect-to', `otel-collector.test:4317:127.0.0.1:${sink.grpcPort}`],
    ]
    const flags = readFlags('run', args, {})
    const settings = typeof flags === 'string' ? flags : readRunSettings(flags, {})
    if (typeof settings === 'string') throw new Error(settings)
    return new StandAlone(settings, createLog({ level: 'silent', format: 'json' }))
  }

  it.each(FILES)('$name', async (file) => {
    const gateway = gatewayOf(file)
    try {
      await gateway.start()
      const plane = gateway.planes.find((one) => one.gateway === 'default/edge')
      const port = plane?.localPort(8080)
      expect(port).toBeDefined()
      const before = model.requests.length
      const headers = { 'x-tenant': file.name }
      const answer = await ask(port as number, { path: '/good', headers, body: chat({ model: 'mock-1' }) })
      expect([answer.status, JSON.parse(answer.body.toString()).object]).toEqual([200, 'chat.completion'])
      expect(model.requests.length).toBe(before + 1)
    } finally {
      await gateway.close()
    }
    if (file.attribute !== undefined) {
      const { attribute: key, name } = file
      const span = sink
        .spans()
        .find(({ attributes }) => attributes.some((one) => one.key === key && one.value === name))
      expect(span?.name).toBe('POST /good')
    }
  })
})
