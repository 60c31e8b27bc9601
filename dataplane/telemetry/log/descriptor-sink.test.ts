import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { descriptorSink } from './descriptor-sink.ts'

function written(descriptor: number, text: string): Promise<boolean> {
  return new Promise((resolve) => descriptorSink(descriptor).write(text, resolve))
}

const SINK = JSON.stringify(new URL('./descriptor-sink.ts', import.meta.url).href)

/** A process of its own: what is tested is what happens to a process. Node gives it a socket; a shell gives it a pipe. */
function start(script: string, stdout: 'pipe' | number, behind = ''): ChildProcess {
  const node = ['--input-type=module', '-e', `const { descriptorSink } = await import(${SINK})\n${script}`]
  const stdio = ['ignore', stdout, 'pipe'] as const
  if (behind === '') return spawn(process.execPath, node, { stdio: [...stdio] })
  return spawn('sh', ['-c', `"$0" "$@" ${behind}`, process.execPath, ...node], { stdio: [...stdio] })
}

describe('descriptorSink', () => {
  it('writes all of it to a file, in order', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-sink-'))
    const path = join(folder, 'log')
    const descriptor = openSync(path, 'a')
    try {
      expect(await written(descriptor, 'a\n')).toBe(false)
      expect(await written(descriptor, `${'é'.repeat(1_000_000)}\n`)).toBe(false)
      expect(readFileSync(path, 'utf8')).toBe(`a\n${'é'.repeat(1_000_000)}\n`)
    } finally {
      closeSync(descriptor)
      rmSync(folder, { recursive: true })
    }
  })

  it('says so when nothing can be written', async () => {
    const descriptor = openSync('/dev/null', 'r')
    try {
      expect(await written(descriptor, 'a\n')).toBe(true)
    } finally {
      closeSync(descriptor)
    }
  })

  it.each(['socket', 'pipe'])(
    'neither blocks a process nor keeps it from ending when nobody reads its %s',
    async (kind) => {
      const folder = mkdtempSync(join(tmpdir(), 'weir-sink-'))
      const path = join(folder, 'pipe')
      execFileSync('mkfifo', [path])
      // Opened for reading, too, so that there is a reader; it reads nothing.
      const pipe = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
      try {
        const child = start(
          `descriptorSink(1).write('x'.repeat(4_000_000), () => process.stderr.write('taken'))
         setTimeout(() => { process.stderr.write('alive'); process.exit(7) }, 50)`,
          kind === 'socket' ? 'pipe' : pipe,
        )
        child.stdout?.pause()
        let said = ''
        child.stderr?.on('data', (chunk) => {
          said += chunk
        })
        const [code] = await once(child, 'exit')
        child.stdout?.destroy()
        expect([said, code]).toEqual(['alive', 7])
      } finally {
        closeSync(pipe)
        rmSync(folder, { recursive: true })
      }
    },
  )

  it.each(['', '| cat'])('hands everything to a reader that is slow (%s)', async (behind) => {
    const child = start(
      `const alive = setInterval(() => {}, 1000)
       descriptorSink(1).write('x'.repeat(1_000_000) + 'end', (lost) => {
         clearInterval(alive)
         process.stderr.write(lost ? 'lost' : 'taken')
       })`,
      'pipe',
      behind,
    )
    let text = ''
    let said = ''
    child.stderr?.on('data', (chunk) => {
      said += chunk
    })
    child.stdout?.on('data', (chunk) => {
      text += chunk
      child.stdout?.pause()
      setImmediate(() => child.stdout?.resume())
    })
    await once(child, 'close')
    expect([text.length, text.endsWith('end'), said]).toEqual([1_000_003, true, 'taken'])
  })
})
