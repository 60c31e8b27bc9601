import { EventEmitter, once } from 'node:events'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type PathWatch, watchPaths } from './watch-paths.ts'

/** Fast enough for a test, by notices alone: nobody polls in time. */
const BY_NOTICE = { settleMs: 10, pollMs: 1_000_000 }
/** By polling alone, where there are no notices (a path whose folder does not exist yet). */
const BY_POLL = { settleMs: 10, pollMs: 20 }

describe('watchPaths', () => {
  let folder: string
  let changes: EventEmitter
  let watching: PathWatch | undefined

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-watch-'))
    changes = new EventEmitter()
  })

  afterEach(async () => {
    watching?.close()
    await rm(folder, { recursive: true })
  })

  async function watchFor(paths: readonly string[], times = BY_NOTICE): Promise<void> {
    watching = watchPaths(paths, () => changes.emit('change'), times)
    await watching.ready
  }

  async function changeBy(act: () => Promise<unknown>): Promise<void> {
    const changed = once(changes, 'change')
    await act()
    await changed
  }

  it('sees a file written, added and removed', async () => {
    const file = join(folder, 'a.yaml')
    await writeFile(file, 'a: 1')
    await watchFor([folder])
    await changeBy(() => writeFile(file, 'a: 2'))
    await changeBy(() => writeFile(join(folder, 'b.yaml'), 'b: 1'))
    await changeBy(() => rm(file))
  })

  it('sees a file that an editor replaces by renaming, again and again', async () => {
    const file = join(folder, 'a.yaml')
    await writeFile(file, 'a: 1')
    await watchFor([file])
    for (const text of ['a: 2', 'a: 3', 'a: 4']) {
      await changeBy(async () => {
        await writeFile(join(folder, '.a.swp'), text)
        await rename(join(folder, '.a.swp'), file)
      })
    }
  })

  it('sees the links of a mounted ConfigMap swapped', async () => {
    for (const version of ['..1', '..2']) {
      await mkdir(join(folder, version))
      await writeFile(join(folder, version, 'a.yaml'), `version: ${version}`)
    }
    await symlink('..1', join(folder, '..data'))
    await symlink('..data/a.yaml', join(folder, 'a.yaml'))
    await watchFor([folder])
    await changeBy(async () => {
      await symlink('..2', join(folder, '..data_tmp'))
      await rename(join(folder, '..data_tmp'), join(folder, '..data'))
    })
  })

  it('sees what happens in folders that were made later, and in one that was replaced', async () => {
    await watchFor([folder])
    await mkdir(join(folder, 'new'))
    await changeBy(async () => {
      await writeFile(join(folder, 'new.tmp'), 'a: 1')
      await rename(join(folder, 'new.tmp'), join(folder, 'top.yaml'))
    })
    await changeBy(() => writeFile(join(folder, 'new', 'a.yaml'), 'a: 1'))
    await changeBy(async () => {
      await rm(join(folder, 'new'), { recursive: true })
      await mkdir(join(folder, 'new'))
      await writeFile(join(folder, 'top.yaml'), 'a: 2')
    })
    await changeBy(() => writeFile(join(folder, 'new', 'b.yaml'), 'b: 1'))
  })

  it('finds by looking what gives no notice: a path that does not exist yet', async () => {
    const file = join(folder, 'later', 'a.yaml')
    await watchFor([file], BY_POLL)
    await changeBy(async () => {
      await mkdir(join(folder, 'later'))
      await writeFile(file, 'a: 1')
    })
    await changeBy(() => rm(join(folder, 'later'), { recursive: true }))
  })

  it('says nothing of files that are no manifests', async () => {
    await watchFor([folder])
    let calls = 0
    changes.on('change', () => calls++)
    await writeFile(join(folder, 'notes.txt'), 'hello')
    await writeFile(join(folder, '.hidden.yaml'), 'a: 1')
    await changeBy(() => writeFile(join(folder, 'a.yaml'), 'a: 1'))
    expect(calls).toBe(1)
  })

  it('is silent after close', async () => {
    await watchFor([folder], BY_POLL)
    watching?.close()
    let calls = 0
    changes.on('change', () => calls++)
    await writeFile(join(folder, 'a.yaml'), 'a: 1')
    const other = watchPaths([folder], () => changes.emit('other'), BY_POLL)
    await other.ready
    const seen = once(changes, 'other')
    await writeFile(join(folder, 'b.yaml'), 'b: 1')
    await seen
    other.close()
    expect(calls).toBe(0)
  })
})
