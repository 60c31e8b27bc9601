import { Outage } from './outage.ts'

function watched(): { outage: Outage; reports: (string | undefined)[] } {
  const reports: (string | undefined)[] = []
  return { outage: new Outage((cause) => reports.push(cause)), reports }
}

describe('an outage', () => {
  it('is reported when it begins and when it is over', () => {
    const { outage, reports } = watched()
    outage.succeeded()
    outage.failed('first', 0)
    outage.failed('second', 10)
    outage.succeeded()
    outage.succeeded()
    expect(reports).toEqual(['first', undefined])
  })

  it('that follows soon on another is reported only if it lasts', () => {
    const { outage, reports } = watched()
    outage.failed('first', 0)
    outage.succeeded()
    outage.failed('flapping', 30_000)
    outage.succeeded()
    outage.failed('lasting', 50_000)
    outage.failed('still lasting', 60_000)
    outage.succeeded()
    expect(reports).toEqual(['first', undefined, 'still lasting', undefined])
  })
})
