import type { Snapshot } from '../../contract/snapshot.ts'
import { PlanHolder } from './plan-holder.ts'

const snapshot = (version: string): Snapshot => ({ gateway: 'ns/gw', version, resources: [], hold: [] })

describe('PlanHolder', () => {
  it('gives each build the plan that runs', async () => {
    const seen: (string | undefined)[] = []
    const holder = new PlanHolder<string>(async (next, current) => {
      seen.push(current)
      return { plan: next.version, refused: [] }
    })
    await holder.apply(snapshot('1'))
    await holder.apply(snapshot('2'))
    expect(seen).toEqual([undefined, '1'])
    expect(holder.current).toBe('2')
  })

  it('lets a newer snapshot overtake one that waits', async () => {
    const built: string[] = []
    let release: () => void = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const holder = new PlanHolder<string>(async (next) => {
      if (next.version === '1') await gate
      built.push(next.version)
      return { plan: next.version, refused: [] }
    })
    const acks = [holder.apply(snapshot('1')), holder.apply(snapshot('2')), holder.apply(snapshot('3'))]
    release()
    expect((await Promise.all(acks)).map((ack) => ack.version)).toEqual(['1', '3', '3'])
    expect(built).toEqual(['1', '3'])
  })

  it('keeps the plan that runs when a build throws', async () => {
    const holder = new PlanHolder<string>(async (next) => {
      if (next.version === 'bad') throw new Error('bug')
      return { plan: next.version, refused: [] }
    })
    await holder.apply(snapshot('1'))
    await expect(holder.apply(snapshot('bad'))).rejects.toThrow('bug')
    expect([holder.current, holder.version]).toEqual(['1', '1'])
    await expect(holder.apply(snapshot('2'))).resolves.toMatchObject({ version: '2' })
  })

  it('passes refusals on', async () => {
    const refused = [{ key: 'route/a', path: 'matches', message: 'no' }]
    const holder = new PlanHolder<string>(async () => ({ plan: 'p', refused }))
    await expect(holder.apply(snapshot('1'))).resolves.toEqual({ gateway: 'ns/gw', version: '1', refused })
  })
})
