import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ProjectedFolder } from './projected-folder.ts'

const files = (entries: Record<string, string>, mode = 0o644) =>
  new Map(
    Object.entries(entries).map(([path, text]) => [
      path,
      { content: Buffer.from(text), mode, owner: process.getuid?.() },
    ]),
  )

describe('ProjectedFolder', () => {
  let path: string
  let folder: ProjectedFolder

  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'weir-projected-'))
    folder = new ProjectedFolder(path, process.getgid?.())
  })

  afterEach(() => rmSync(path, { recursive: true, force: true }))

  const read = (name: string): string => readFileSync(join(path, name), 'utf8')

  it('has the files, deep ones too, and readable by the group', async () => {
    await folder.write(files({ a: '1', 'deep/b': '2' }, 0o600))
    expect([read('a'), read('deep/b')]).toEqual(['1', '2'])
    expect(statSync(join(path, 'a')).mode & 0o777).toBe(0o640)
  })

  it('changes all files by the change of one link, and leaves nothing of before', async () => {
    await folder.write(files({ a: '1', gone: 'x' }))
    const before = readlinkSync(join(path, '..data'))
    await folder.write(files({ a: '2', fresh: 'y' }))
    expect([read('a'), read('fresh')]).toEqual(['2', 'y'])
    const after = readlinkSync(join(path, '..data'))
    expect(after).not.toBe(before)
    expect(readdirSync(path).sort()).toEqual([after, '..data', 'a', 'fresh'].sort())
    expect(readlinkSync(join(path, 'a'))).toBe('..data/a')
  })

  it('touches nothing when nothing changes', async () => {
    await folder.write(files({ a: '1' }))
    const before = readlinkSync(join(path, '..data'))
    await folder.write(files({ a: '1' }))
    expect(readlinkSync(join(path, '..data'))).toBe(before)
  })

  it('can become empty', async () => {
    await folder.write(files({ a: '1' }))
    await folder.write(files({}))
    expect(readdirSync(path).filter((name) => !name.startsWith('..'))).toEqual([])
  })
})
