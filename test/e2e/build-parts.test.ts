import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Building the rig's parts where Go is missing, too old, or fails; a script stands in for it, as no build is wanted. */
const BUILD = join(import.meta.dirname, '../rig/build.ts')
const NEW_ENOUGH = 'go version go1.26.0 linux/amd64'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-build-'))
  mkdirSync(join(folder, 'bin'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Puts a `go` first on the PATH that notes how it was called, then says its version, and else does what the script says. */
function standInForGo(version: string, script: string): void {
  const calls = join(folder, 'calls')
  const lines = ['#!/bin/sh', `echo "$*" >> ${calls}`, `[ "$1" = version ] && echo "${version}" && exit 0`, script]
  writeFileSync(join(folder, 'bin/go'), lines.join('\n'), { mode: 0o755 })
}

/** Makes what `-o` names, as a build would. */
const WRITES_ITS_OUTPUT = 'while [ $# -gt 0 ]; do [ "$1" = -o ] && echo program > "$2"; shift; done; exit 0'

function build(...parts: readonly string[]): Promise<{ readonly code: number | null; readonly said: string }> {
  return new Promise((resolve, reject) => {
    const path = [join(folder, 'bin'), dirname(process.execPath), '/usr/bin', '/bin'].join(':')
    const env = { PATH: path, HOME: folder, XDG_CACHE_HOME: join(folder, 'cache') }
    const child = spawn(process.execPath, [BUILD, ...parts], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
    }
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, said }))
  })
}

/** The parts that are there; unfinished ones begin with a dot. */
function built(): string[] {
  return readdirSync(join(folder, 'cache/weir/rig')).filter((name) => name !== 'build.lock')
}

function calls(): string[] {
  const file = join(folder, 'calls')
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
}

describe('building the rig', () => {
  it('says what it needs where Go is too old', async () => {
    standInForGo('go version go1.22.2 linux/amd64', WRITES_ITS_OUTPUT)
    const { code, said } = await build('kube')
    expect([code, said]).toEqual([
      1,
      'the rig needs Go 1.26 or newer on the PATH (https://go.dev/dl): this is go version go1.22.2 linux/amd64\n',
    ])
    expect(built()).toEqual([])
  })

  it('leaves nothing behind when a build fails, and says what Go said', async () => {
    standInForGo(NEW_ENOUGH, 'echo "no route to the proxy" >&2; exit 1')
    const { code, said } = await build('kube')
    expect(code).toBe(1)
    expect(said).toMatch(/go mod download in \S+\/parts\/kube failed:\nno route to the proxy\n$/)
    expect(built()).toEqual([])
  })

  it('builds what is missing, each program under all its names, and a second time nothing', async () => {
    standInForGo(NEW_ENOUGH, WRITES_ITS_OUTPUT)
    expect((await build('kube')).code).toBe(0)
    const [name] = built() as [string]
    expect(name).toMatch(/^kube-[0-9a-f]{16}$/)
    const programs = readdirSync(join(folder, 'cache/weir/rig', name))
    expect(programs).toEqual(['etcd', 'kube', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'])
    expect(readFileSync(join(folder, 'cache/weir/rig', name, 'kubectl'), 'utf8')).toBe('program\n')
    const asked = calls().length
    expect((await build('kube')).code).toBe(0)
    expect(calls()).toHaveLength(asked)
  })

  it('builds once when two want the same part at once', async () => {
    standInForGo(NEW_ENOUGH, WRITES_ITS_OUTPUT)
    const [one, other] = await Promise.all([build('otelcol'), build('otelcol')])
    expect([one?.code, other?.code]).toEqual([0, 0])
    expect(calls().filter((call) => call.startsWith('build '))).toHaveLength(1)
  })

  it('knows its parts', async () => {
    const { code, said } = await build('kubes')
    expect(code).toBe(2)
    expect(said).toContain("there is no part 'kubes'; parts: kube, ")
  })
})
