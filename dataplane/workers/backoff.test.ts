import { RestartBackoff } from './backoff.ts'

describe('RestartBackoff', () => {
  it('waits longer each time for what dies soon, up to a limit, and not at all for what lived', () => {
    const backoff = new RestartBackoff()
    expect([1, 2, 3].map(() => backoff.afterDeath(10))).toEqual([100, 200, 400])
    for (let n = 0; n < 20; n++) backoff.afterDeath(10)
    expect(backoff.afterDeath(10)).toBe(10_000)
    expect(backoff.afterDeath(30_000)).toBe(0)
    expect(backoff.afterDeath(10)).toBe(100)
  })
})
