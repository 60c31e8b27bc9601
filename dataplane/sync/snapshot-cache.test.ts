import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { sealed } from '../../contract/digest.ts'
import { backend, snapshotOf } from '../../test/support/push-rig.ts'
import { loadCachedSnapshot, saveSnapshot } from './snapshot-cache.ts'

const token = sealed({
  kind: 'credential',
  key: 'credential/shop/key',
  body: { type: 'token', token: 'planted-secret' },
})

describe('the cached snapshot', () => {
  let folder: string
  let path: string
  let logged: string[]
  const log = pino({}, { write: (line: string) => void logged.push(line) })
  const one = snapshotOf([backend('a'), token], ['telemetry'])

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-cache-'))
    path = join(folder, 'snapshot')
    logged = []
  })

  afterEach(async () => {
    await rm(folder, { recursive: true })
  })

  it('comes back as it was saved, the newest one, for its user alone', async () => {
    await saveSnapshot(path, snapshotOf([backend('b')]))
    await saveSnapshot(path, one)
    expect(loadCachedSnapshot(path, log)).toEqual(one)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).toEqual(['snapshot'])
    expect(logged).toEqual([])
  })

  it('is nothing to speak of when there is none', () => {
    expect(loadCachedSnapshot(path, log)).toBeUndefined()
    expect(logged).toEqual([])
  })

  it('is ignored, and said to be, wherever a byte of it is cut off or changed', async () => {
    await saveSnapshot(path, one)
    const whole = await readFile(path)
    for (let at = 0; at < whole.length; at += 1) {
      logged = []
      const damaged = Buffer.from(at % 2 === 0 ? whole.subarray(0, at) : whole)
      if (at % 2 === 1) damaged[at] = (damaged[at] as number) ^ 1
      await writeFile(path, damaged)
      expect(loadCachedSnapshot(path, log)).toBeUndefined()
      expect(logged.join('')).toContain('the cached snapshot is ignored: it')
      expect(logged.join('')).not.toContain('planted-secret')
    }
  })

  it('is ignored when another release wrote what this one cannot read', async () => {
    const body = JSON.stringify({ ...one, resources: [{ ...token, kind: 'hologram' }] })
    await writeFile(path, `weir-snapshot-1 ${createHash('sha256').update(body).digest('hex')}\n${body}`)
    expect(loadCachedSnapshot(path, log)).toBeUndefined()
    expect(logged.join('')).toContain('the cached snapshot is ignored: resources.0.kind: ')
  })

  it('is ignored when it cannot be read', async () => {
    await mkdir(path)
    expect(loadCachedSnapshot(path, log)).toBeUndefined()
    expect(logged.join('')).toContain('the cached snapshot cannot be read: EISDIR')
  })

  it('leaves nothing behind where it cannot be saved', async () => {
    await mkdir(join(path, 'in-the-way'), { recursive: true })
    await expect(saveSnapshot(path, one)).rejects.toThrow('EISDIR')
    expect(await readdir(folder)).toEqual(['snapshot'])
  })
})
