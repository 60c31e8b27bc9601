import { durationMs } from './durations.ts'

describe('durationMs', () => {
  it.each([
    ['0s', 0],
    ['500ms', 500],
    ['2m', 120_000],
    ['1h30m10s500ms', 5_410_500],
    ['99999h', 99_999 * 3_600_000],
    ['1s1s', 2_000],
  ])('reads %s', (text, ms) => {
    expect(durationMs(text)).toBe(ms)
  })

  it.each(['', '5', '1.5s', '-1s', '100000s', '1d', '1s 1s', '1h1m1s1ms1ms', 's', '1S'])('refuses %p', (text) => {
    expect(durationMs(text)).toBeUndefined()
  })
})
