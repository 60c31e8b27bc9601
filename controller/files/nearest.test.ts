import { nearest } from './nearest.ts'

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
