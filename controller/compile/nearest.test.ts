import { didYouMean } from './nearest.ts'

describe('didYouMean', () => {
  it.each([
    ['edeg', ['edge', 'hedge'], "did you mean 'edge'?"],
    ['agentgatway', ['agentgateway', 'agent'], "did you mean 'agentgateway'?"],
    ['tow', ['one', 'two'], "did you mean 'two'?"],
    ['HTTP', ['https', 'http'], "did you mean 'http'?"],
  ])('finds what %s was meant to be', (name, known, advice) => {
    expect(didYouMean(name, known)).toBe(advice)
  })

  it.each([
    ['web', ['api', 'admin']],
    ['production', ['staging']],
    ['anything', []],
  ])('says nothing where nothing is near %s', (name, known) => {
    expect(didYouMean(name, known)).toBeUndefined()
  })

  it('does not compare names as long as a line', () => {
    const long = 'a'.repeat(101)
    expect(didYouMean(long, [`${long}b`])).toBeUndefined()
  })
})
