import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { workerCount } from './worker-count.ts'

describe('workerCount', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'weir-cgroup-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const count = (group: string, limits: Readonly<Record<string, string>>, env: Record<string, string> = {}): number => {
    const self = join(folder, 'self')
    writeFileSync(self, group)
    for (const [path, text] of Object.entries(limits)) {
      mkdirSync(join(folder, path), { recursive: true })
      writeFileSync(join(folder, path, 'cpu.max'), text)
    }
    return workerCount(env, { root: folder, self })
  }

  it('is the limit in whole CPUs, at least one', () => {
    expect(count('0::/\n', { '': '150000 100000\n' })).toBe(1)
    expect(count('0::/\n', { '': '50000 100000\n' })).toBe(1)
  })

  it('is one for each CPU without a limit', () => {
    expect(count('0::/\n', { '': 'max 100000\n' })).toBe(availableParallelism())
    expect(count('', {})).toBe(availableParallelism())
    expect(workerCount({}, { root: '/nowhere', self: '/nowhere' })).toBe(availableParallelism())
  })

  it('takes the smallest limit on the way up', () => {
    expect(count('4:memory:/x\n0::/pod/container\n', { pod: '100000 100000', 'pod/container': 'max 100000' })).toBe(1)
  })

  it('takes CPU_LIMIT, and leaves a senseless one alone', () => {
    expect(count('', {}, { CPU_LIMIT: '1' })).toBe(1)
    for (const wrong of ['', '0', '-1', 'many']) {
      expect(count('', {}, { CPU_LIMIT: wrong })).toBe(availableParallelism())
    }
  })
})
