import { didYouMean, nearest } from './nearest.ts'

describe('nearest', () => {
  const fields = ['name', 'namespace', 'hostname', 'port', 'protocol', 'tls']

  it.each([
    ['nmae', 'name'],
    ['Port', 'port'],
    ['hostnames', 'hostname'],
    ['protcol', 'protocol'],
    ['names', 'name'],
    ['tsl', 'tls'],
    ['proto', 'protocol'],
  ])('takes %s for %s', (typed, meant) => {
    expect(nearest(typed, fields)).toBe(meant)
  })

  it('knows nothing near a word of its own', () => {
    expect(nearest('weight', fields)).toBeUndefined()
    expect(nearest('', fields)).toBeUndefined()
    expect(nearest('x'.repeat(5000), [...fields, 'x'.repeat(5001)])).toBeUndefined()
  })
})

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
