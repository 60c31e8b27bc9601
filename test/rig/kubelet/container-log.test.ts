import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ContainerLog } from './container-log.ts'

describe('ContainerLog', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-log-'))
  const texts = (log: ContainerLog): string[] => log.lines.map(({ text }) => text)

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('puts lines together, each stream for itself', () => {
    const log = new ContainerLog(join(folder, 'a'))
    log.append('stdout', 'on')
    log.append('stderr', 'problem\n')
    log.append('stdout', 'e\n\ntwo')
    expect(texts(log)).toEqual(['problem\n', 'one\n', '\n'])
    log.end()
    expect(texts(log)).toEqual(['problem\n', 'one\n', '\n', 'two'])
  })

  it('gives up a line that never ends, and forgets the oldest beyond its limit', () => {
    const log = new ContainerLog(join(folder, 'b'))
    log.append('stdout', 'x'.repeat(20_000))
    expect(texts(log)).toHaveLength(1)
    for (let count = 0; count < 1000; count++) log.append('stdout', `${'y'.repeat(9_999)}\n`)
    const kept = texts(log)
    expect(kept.reduce((sum, text) => sum + text.length, 0)).toBeLessThanOrEqual(8 * 1024 * 1024)
    expect(kept.length).toBeGreaterThan(800)
    log.end()
  })

  it('tells followers of lines to come and of the end', () => {
    const log = new ContainerLog(join(folder, 'c'))
    log.append('stdout', 'before\n')
    const heard: (string | undefined)[] = []
    const stop = log.follow((line) => heard.push(line?.text))
    log.append('stdout', 'after\n')
    stop()
    log.append('stdout', 'unheard\n')
    log.follow((line) => heard.push(line?.text))
    log.end()
    log.follow((line) => heard.push(line?.text))
    expect(heard).toEqual(['after\n', undefined, undefined])
  })
})
