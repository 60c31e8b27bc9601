import { AddressPool } from './address-plan.ts'

describe('AddressPool', () => {
  it('gives each owner one address, and a given back one to another as late as possible', () => {
    const pool = new AddressPool('10.244', 10)
    expect(pool.take('a')).toBe('10.244.0.10')
    expect(pool.take('b')).toBe('10.244.0.11')
    expect(pool.take('a')).toBe('10.244.0.10')
    pool.release('a')
    expect(pool.take('c')).toBe('10.244.0.12')
  })

  it('goes on in the next block and never gives a broadcast address', () => {
    const pool = new AddressPool('10.244', 254)
    expect([pool.take('a'), pool.take('b')]).toEqual(['10.244.0.254', '10.244.1.0'])
  })

  it('uses a range to its end, then what was given back, then says that nothing is left', () => {
    const pool = new AddressPool('203.0.113', 253)
    expect([pool.take('a'), pool.take('b')]).toEqual(['203.0.113.253', '203.0.113.254'])
    expect(() => pool.take('c')).toThrow('no address is left in 203.0.113')
    pool.release('a')
    expect(pool.take('c')).toBe('203.0.113.253')
  })

  it('gives a wanted address only to one, and only from its range', () => {
    const pool = new AddressPool('203.0.113', 1)
    pool.take('a')
    expect(pool.claim('203.0.113.1', 'b')).toBe(false)
    expect(pool.claim('203.0.113.9', 'b')).toBe(true)
    expect(pool.claim('198.51.100.1', 'b')).toBe(false)
    expect(pool.take('b')).toBe('203.0.113.9')
  })
})
