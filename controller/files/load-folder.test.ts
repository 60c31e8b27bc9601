import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadFolder } from './load-folder.ts'
import { MAX_FILE_BYTES, type Source } from './source.ts'

describe('loadFolder', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-load-'))
  })

  afterEach(() => rm(folder, { recursive: true }))

  async function write(files: { readonly [path: string]: string | Buffer }): Promise<void> {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(folder, path, '..'), { recursive: true })
      await writeFile(join(folder, path), content)
    }
  }

  async function load(...paths: string[]): Promise<Source[]> {
    const sources = await loadFolder(paths.map((path) => join(folder, path)))
    return sources.map((source) => ({ ...source, path: source.path.slice(folder.length + 1) }))
  }

  it('reads manifests of a folder and its folders by name, and nothing else', async () => {
    await write({
      'b.yml': 'b',
      'a.yaml': 'a',
      'sub/c.json': 'c',
      'z.YAML': 'z',
      'README.md': 'no',
      '.git/x.yaml': 'no',
    })
    expect(await load('.')).toEqual([
      { path: 'a.yaml', text: 'a' },
      { path: 'b.yml', text: 'b' },
      { path: 'sub/c.json', text: 'c' },
      { path: 'z.YAML', text: 'z' },
    ])
  })

  it('reads paths in the order given, a file whatever its name, each file once', async () => {
    await write({ 'x/a.yaml': 'a', manifest: 'm' })
    expect((await load('manifest', 'x/a.yaml', 'x')).map(({ path }) => path)).toEqual(['manifest', 'x/a.yaml'])
  })

  it('reads a mounted ConfigMap once, by the names that are shown', async () => {
    await write({ '..2024/a.yaml': 'a' })
    await symlink('..2024', join(folder, '..data'))
    await symlink('..data/a.yaml', join(folder, 'a.yaml'))
    expect(await load('.')).toEqual([{ path: 'a.yaml', text: 'a' }])
  })

  it('is not caught by links that lead in circles', async () => {
    await write({ 'sub/a.yaml': 'a' })
    await symlink('..', join(folder, 'sub', 'up'))
    expect((await load('.')).map(({ path }) => path)).toEqual(['sub/a.yaml'])
  })

  it('says of a path why it could not be read', async () => {
    await write({ 'latin1.yaml': Buffer.from([0x61, 0xe4]), 'large.yaml': '', 'bom.yaml': '\uFEFFa: 1' })
    await truncate(join(folder, 'large.yaml'), MAX_FILE_BYTES + 1)
    await symlink('nowhere.yaml', join(folder, 'link.yaml'))
    expect(await load('.', 'missing.yaml')).toEqual([
      { path: 'bom.yaml', text: 'a: 1' },
      { path: 'large.yaml', text: '', unreadable: 'is larger than 10485760 bytes' },
      { path: 'latin1.yaml', text: '', unreadable: 'is not UTF-8' },
      { path: 'link.yaml', text: '', unreadable: 'is a link to nothing' },
      { path: 'missing.yaml', text: '', unreadable: 'does not exist' },
    ])
  })
})
