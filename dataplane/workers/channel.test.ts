import { EventEmitter } from 'node:events'
import { Channel, ChannelError, type ProcessPipe } from './channel.ts'

/** Both ends of a pipe in this process; what goes through is copied, as between processes. */
function pipePair(): { readonly near: ProcessPipe; readonly far: ProcessPipe; cut(): void } {
  let connected = true
  const emitters = [new EventEmitter(), new EventEmitter()] as const
  const end = (own: EventEmitter, other: EventEmitter): ProcessPipe =>
    Object.assign(own, {
      send: (message: unknown) => setImmediate(() => other.emit('message', structuredClone(message))) !== undefined,
      get connected() {
        return connected
      },
    })
  const [near, far] = [end(emitters[0], emitters[1]), end(emitters[1], emitters[0])]
  Object.defineProperty(near, 'connected', { get: () => connected })
  Object.defineProperty(far, 'connected', { get: () => connected })
  return {
    near,
    far,
    cut: () => {
      connected = false
      for (const emitter of emitters) emitter.emit('disconnect')
    },
  }
}

type FarCalls = {
  readonly double: (value: number) => Promise<number>
  readonly fail: () => Promise<void>
  readonly never: () => Promise<void>
}

const CALLS: FarCalls = {
  double: async (value) => value * 2,
  fail: async () => {
    throw new Error('it cannot be done')
  },
  never: () => new Promise(() => {}),
}

describe('Channel', () => {
  it('gives each question its own answer, both ways', async () => {
    const { near, far } = pipePair()
    const there = new Channel<FarCalls>(near, { triple: async (value: number) => value * 3 })
    const back = new Channel<{ readonly triple: (value: number) => Promise<number> }>(far, CALLS)
    expect(await Promise.all([there.call('double', 1), there.call('double', 2), back.call('triple', 5)])).toEqual([
      2, 4, 15,
    ])
  })

  it('fails as the other side failed, and goes on', async () => {
    const { near, far } = pipePair()
    const there = new Channel<FarCalls & { readonly unknown: () => Promise<void> }>(near, {})
    new Channel(far, CALLS)
    await expect(there.call('fail', undefined)).rejects.toThrow('it cannot be done')
    await expect(there.call('unknown', undefined)).rejects.toThrow("'unknown' is not answered here")
    expect(await there.call('double', 4)).toBe(8)
  })

  it('gives up on the other side when it is late, and when it goes', async () => {
    const { near, far, cut } = pipePair()
    const there = new Channel<FarCalls>(near, {})
    new Channel(far, CALLS)
    await expect(there.call('never', undefined, 1)).rejects.toMatchObject({ reason: 'late' })
    const pending = there.call('never', undefined)
    cut()
    await expect(pending).rejects.toMatchObject({ reason: 'gone' })
    await expect(there.call('double', 1)).rejects.toBeInstanceOf(ChannelError)
  })

  it('leaves messages that are not its own alone', async () => {
    const { near, far } = pipePair()
    const there = new Channel<FarCalls>(near, {})
    new Channel(far, CALLS)
    for (const foreign of [null, 'text', { cmd: 'NODE_X' }, { weir: 'reply', id: 99, reply: 1 }]) {
      far.send?.(foreign, undefined, undefined, () => {})
      near.send?.(foreign, undefined, undefined, () => {})
    }
    expect(await there.call('double', 3)).toBe(6)
  })
})
