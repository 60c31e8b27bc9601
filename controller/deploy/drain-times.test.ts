import fc from 'fast-check'
import { drainTimes } from './drain-times.ts'

describe('drainTimes', () => {
  it.each([
    ['nothing said', {}, { waitSeconds: 5, drainSeconds: 65, graceSeconds: 75 }],
    [
      'a longer wait',
      { gracefulShutdown: { sleepTimeSeconds: 30 } },
      { waitSeconds: 30, drainSeconds: 90, graceSeconds: 100 },
    ],
    [
      'no wait',
      { gracefulShutdown: { enabled: false, sleepTimeSeconds: 30 } },
      { waitSeconds: 0, drainSeconds: 60, graceSeconds: 70 },
    ],
    [
      'a long grace period',
      { terminationGracePeriodSeconds: 600 },
      { waitSeconds: 5, drainSeconds: 590, graceSeconds: 600 },
    ],
    ['a short one', { terminationGracePeriodSeconds: 8 }, { waitSeconds: 4, drainSeconds: 4, graceSeconds: 8 }],
    ['none', { terminationGracePeriodSeconds: 0 }, { waitSeconds: 0, drainSeconds: 0, graceSeconds: 0 }],
  ])('fits the end of a pod in: %s', (_, pod, times) => {
    expect(drainTimes(pod)).toEqual(times)
  })

  it('never has more to do than it has time', () => {
    const seconds = fc.nat({ max: 100_000 })
    fc.assert(
      fc.property(fc.option(seconds), fc.option(seconds), fc.boolean(), (sleep, grace, enabled) => {
        const { waitSeconds, drainSeconds, graceSeconds } = drainTimes({
          gracefulShutdown: { enabled, ...(sleep === null ? {} : { sleepTimeSeconds: sleep }) },
          ...(grace === null ? {} : { terminationGracePeriodSeconds: grace }),
        })
        expect(waitSeconds).toBeGreaterThanOrEqual(0)
        expect(drainSeconds).toBeGreaterThanOrEqual(waitSeconds)
        expect(graceSeconds).toBeGreaterThanOrEqual(drainSeconds)
      }),
    )
  })
})
