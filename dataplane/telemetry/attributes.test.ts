import { Attributes } from './attributes.ts'

describe('Attributes', () => {
  it('keeps the order of first writing, and one value for each key', () => {
    const attributes = new Attributes()
    attributes.set('a', 'string', '1')
    attributes.set('b', 'int', 2)
    attributes.set('a', 'double', 3.5)
    expect([attributes.keys, attributes.kinds, attributes.values]).toEqual([
      ['a', 'b'],
      ['double', 'int'],
      [3.5, 2],
    ])
    attributes.delete('a')
    attributes.delete('nothing')
    expect(attributes.keys).toEqual(['b'])
    expect([attributes.has('a'), attributes.has('b')]).toEqual([false, true])
  })

  it('is the same beyond the length from which keys are indexed', () => {
    const attributes = new Attributes()
    for (let i = 0; i < 500; i++) attributes.set(`k${i}`, 'int', i)
    for (let i = 0; i < 500; i++) attributes.set(`k${i}`, 'int', -i)
    expect(attributes.size).toBe(500)
    expect(attributes.values[321]).toBe(-321)
    attributes.delete('k100')
    attributes.set('k101', 'int', 7)
    attributes.set('k100', 'int', 8)
    expect([attributes.values[100], attributes.keys.at(-1), attributes.size]).toEqual([7, 'k100', 500])
  })

  it('counts what is beyond the limit, and still replaces what it has', () => {
    const attributes = new Attributes(2)
    for (const key of ['a', 'b', 'c', 'd']) attributes.set(key, 'string', 'x')
    attributes.set('a', 'string', 'y')
    expect(attributes.full).toBe(true)
    expect([attributes.keys, attributes.values, attributes.dropped]).toEqual([['a', 'b'], ['y', 'x'], 2])
  })
})
