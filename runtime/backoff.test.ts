import { backoffMs } from './backoff.ts'

describe('backoffMs', () => {
  it('doubles up to the longest delay, half of it random', () => {
    const delays = (random: number): number[] =>
      [0, 1, 2, 3, 4, 5, 1000].map((attempt) => backoffMs({ firstMs: 100, mostMs: 1000 }, attempt, () => random))
    expect(delays(1)).toEqual([100, 200, 400, 800, 1000, 1000, 1000])
    expect(delays(0)).toEqual([50, 100, 200, 400, 500, 500, 500])
  })
})
