import fc from 'fast-check'
import { decodeDownFrame, MAX_PART_BYTES, type PushFrame } from '../../contract/frames.ts'
import { backend, snapshotOf } from '../../test/support/push-rig.ts'
import { type Delta, deltaOf, partsOf } from './delta.ts'

function framesOf(delta: Delta): PushFrame[] {
  return [...partsOf(delta, 'v', 7)].map((bytes) => {
    expect(bytes.length).toBeLessThanOrEqual(MAX_PART_BYTES)
    const decoded = decodeDownFrame(bytes)
    if (!decoded.ok || decoded.frame?.frame !== 'push') throw new Error('not a push')
    return decoded.frame
  })
}

describe('what a pod lacks', () => {
  const a = backend('a')
  const b = backend('b')

  it('is what is new, what has another digest, and what is gone', () => {
    const known = new Map([
      [a.key, a.digest],
      [b.key, 'old'],
      ['route/gone', 'x'],
    ])
    const delta = deltaOf(known, snapshotOf([a, b, backend('c')]))
    expect(delta).toEqual({ upsert: [b, backend('c')], hold: [], remove: ['route/gone'], tooLarge: [] })
  })

  it('leaves alone what is held', () => {
    const delta = deltaOf(new Map([['telemetry', 'x']]), snapshotOf([a], ['telemetry']))
    expect(delta).toEqual({ upsert: [a], hold: ['telemetry'], remove: [], tooLarge: [] })
  })

  it('is not what has no room in a part', () => {
    const large = backend('large', 'x'.repeat(MAX_PART_BYTES))
    const { upsert, remove, tooLarge } = deltaOf(new Map([[large.key, 'small']]), snapshotOf([a, large]))
    expect([upsert, remove]).toEqual([[a], []])
    expect(tooLarge).toEqual([
      { key: large.key, path: '', message: expect.stringMatching(/^\d+ bytes; 1047552 can/) as string },
    ])
    expect(deltaOf(new Map([[large.key, large.digest]]), snapshotOf([large])).tooLarge).toEqual([])
  })
})

describe('parts of a push', () => {
  it('are one, and the last one, for nothing', () => {
    const frame = { frame: 'push', version: 'v', nonce: 7, part: 0, last: true, upsert: [], hold: [], remove: [] }
    expect(framesOf({ upsert: [], hold: [], remove: [], tooLarge: [] })).toEqual([frame])
  })

  it('hold everything, in order, none beyond its limit', () => {
    const text = fc.nat({ max: 3 }).chain((size) => fc.string({ unit: 'grapheme', maxLength: 10 ** (size + 1) }))
    const items = fc.array(fc.tuple(text, fc.integer({ min: 1, max: 400_000 })), { maxLength: 12 })
    fc.assert(
      fc.property(items, items, (resources, keys) => {
        const upsert = resources.map(([name, size], i) => backend(`${i}${name}`, '"ü'.repeat(size % 170_000)))
        const remove = keys.map(([key, size]) => `${key}${'\n'.repeat(size % 100_000)}`)
        const frames = framesOf({ upsert, hold: ['h'], remove, tooLarge: [] })
        expect(frames.flatMap((frame) => frame.upsert)).toEqual(upsert)
        expect(frames.flatMap((frame) => frame.hold)).toEqual(['h'])
        expect(frames.flatMap((frame) => frame.remove)).toEqual(remove)
        expect(frames.map(({ part }) => part)).toEqual(frames.map((_, i) => i))
        expect(frames.map(({ last }) => last)).toEqual(frames.map((_, i) => i === frames.length - 1))
      }),
      { numRuns: 30 },
    )
  })

  it('take up the room that there is', () => {
    const upsert = Array.from({ length: 64 }, (_, i) => backend(`b${i}`, 'x'.repeat(100_000)))
    expect(framesOf({ upsert, hold: [], remove: [], tooLarge: [] }).length).toBe(Math.ceil(64 / 10))
  })
})
