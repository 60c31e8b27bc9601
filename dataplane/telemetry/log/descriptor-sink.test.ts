import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { descriptorSink } from './descriptor-sink.ts'

function written(descriptor: number, text: string): Promise<boolean> {
  return new Promise((resolve) => descriptorSink(descriptor).write(text, resolve))
}

const SINK = JSON.stringify(new URL('./descriptor-sink.ts', import.meta.url).href)

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

  it('neither blocks a process whose pipe nobody reads nor keeps it from ending', async () => {
    const script = `
      const { descriptorSink } = await import(${SINK})
      descriptorSink(1).write('x'.repeat(4_000_000), () => process.stderr.write('taken'))
      setTimeout(() => { process.stderr.write('alive'); process.exit(7) }, 50)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.pause()
    let said = ''
    child.stderr.on('data', (chunk) => {
      said += chunk
    })
    const [code] = await once(child, 'exit')
    child.stdout.destroy()
    expect([said, code]).toEqual(['alive', 7])
  })

  it('hands everything to a pipe whose reader is slow', async () => {
    const script = `
      const { descriptorSink } = await import(${SINK})
      const alive = setInterval(() => {}, 1000)
      descriptorSink(1).write('x'.repeat(1_000_000) + 'end', (lost) => { clearInterval(alive); process.exitCode = lost ? 1 : 0 })`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
      child.stdout.pause()
      setImmediate(() => child.stdout.resume())
    })
    const [code] = await once(child, 'close')
    expect([text.length, text.endsWith('end'), code]).toEqual([1_000_003, true, 0])
  })
})
