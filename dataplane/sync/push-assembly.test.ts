import type { PushFrame } from '../../contract/frames.ts'
import type { Resource, Snapshot } from '../../contract/snapshot.ts'
import { backend, snapshotOf } from '../../test/support/push-rig.ts'
import { type Assembled, PushAssembly } from './push-assembly.ts'

const push = (change: Partial<PushFrame>): PushFrame => ({
  frame: 'push',
  version: 'v1',
  nonce: 1,
  part: 0,
  last: true,
  upsert: [],
  hold: [],
  remove: [],
  ...change,
})

function whole(assembly: PushAssembly, change: Partial<PushFrame>): Assembled {
  const outcome = assembly.add(push(change), 100)
  if (outcome.kind !== 'whole') throw new Error(`${outcome.kind}, not whole`)
  return outcome.push
}

const keysOf = ({ resources }: Snapshot): string[] => resources.map(({ key }) => key)

describe('parts of pushes', () => {
  const a = backend('a')
  const b = backend('b')
  const hologram = { kind: 'hologram', key: 'hologram/x', digest: 'd' }
  let assembly: PushAssembly

  beforeEach(() => {
    assembly = new PushAssembly('shop/edge', { snapshot: snapshotOf([a, b]), refused: [] })
    assembly.begin()
  })

  it('become one snapshot with the last', () => {
    const c = backend('c')
    expect(assembly.add(push({ upsert: [c], last: false }), 1)).toEqual({ kind: 'more' })
    expect(assembly.add(push({ part: 1, hold: ['telemetry'], last: false }), 1)).toEqual({ kind: 'more' })
    expect(whole(assembly, { part: 2, remove: [b.key] })).toEqual({
      nonce: 1,
      snapshot: { gateway: 'shop/edge', version: 'v1', resources: [a, c], hold: ['telemetry'] },
      unreadable: [],
    })
  })

  it('change nothing that is here before they were taken up', () => {
    whole(assembly, { remove: [a.key] })
    expect(assembly.begin()).toEqual({ [a.key]: a.digest, [b.key]: b.digest })
    whole(assembly, { remove: [a.key] })
    assembly.settle([])
    expect(assembly.begin()).toEqual({ [b.key]: b.digest })
  })

  it('of a stream that broke are dropped', () => {
    assembly.add(push({ upsert: [backend('c')], last: false }), 1)
    assembly.begin()
    expect(keysOf(whole(assembly, { version: 'v2' }).snapshot)).toEqual([a.key, b.key])
  })

  it('leave what was refused to come again', () => {
    whole(assembly, {})
    assembly.settle([{ key: a.key, path: '', message: 'no' }])
    expect(assembly.begin()).toEqual({ [a.key]: '', [b.key]: b.digest })
  })

  it('keep the form of a held key, so that it comes along', () => {
    const { snapshot } = whole(assembly, { hold: [a.key] })
    expect([keysOf(snapshot), snapshot.hold]).toEqual([[a.key, b.key], [a.key]])
  })

  it('refuse what nobody here can read by its key, until it goes, and take the rest', () => {
    const broken = { ...a, digest: 'new', body: { type: 'quantum' } }
    const first = whole(assembly, { upsert: [hologram, broken, backend('c')] as Resource[] })
    expect(keysOf(first.snapshot)).toEqual([a.key, b.key, 'backend/shop/c'])
    expect(first.snapshot.resources[0]).toEqual(a)
    expect(first.unreadable.map(({ key, path }) => [key, path])).toEqual([
      ['hologram/x', 'kind'],
      [a.key, 'body.type'],
    ])
    assembly.settle(first.unreadable)
    expect(whole(assembly, { nonce: 2 }).unreadable.length).toBe(2)
    assembly.settle([])
    expect(whole(assembly, { nonce: 3, remove: ['hologram/x'], hold: [a.key] }).unreadable).toEqual([])
  })

  it.each<[string, Partial<PushFrame>[], string]>([
    ['that begins in the middle', [{ part: 1 }], 'part 1 of push 1 came where 0 was due'],
    ['with one left out', [{ last: false }, { part: 2 }], 'part 2 of push 1 came where 1 was due'],
    ['with one twice', [{ last: false }, { part: 0 }], 'part 0 of push 1 came where 1 was due'],
    [
      'mixed with another push',
      [{ last: false }, { part: 1, nonce: 2 }],
      'a part of push 2 came among those of push 1',
    ],
    ['of two versions', [{ last: false }, { part: 1, version: 'w' }], 'a part of push 1 came among those of push 1'],
    ['before the one before was taken up', [{}, { nonce: 2 }], 'push 2 came before the ack of the one before'],
  ])('make no push %s', (_what, frames, message) => {
    const outcomes = frames.map((frame) => assembly.add(push(frame), 1))
    expect(outcomes.at(-1)).toEqual({ kind: 'bad', message })
  })

  it('are bounded in bytes', () => {
    expect(assembly.add(push({ last: false }), 128 * 1024 * 1024)).toEqual({ kind: 'more' })
    expect(assembly.add(push({ part: 1 }), 1)).toMatchObject({ kind: 'bad' })
  })
})
