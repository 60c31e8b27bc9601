import { type ConnectTo, connectAddress } from './connect-to.ts'

const rule = (parts: Partial<ConnectTo>): ConnectTo => ({
  fromHost: undefined,
  fromPort: undefined,
  toHost: undefined,
  toPort: undefined,
  ...parts,
})

describe('connectAddress', () => {
  it.each<[string, readonly ConnectTo[], string]>([
    ['no rule', [], 'collector 4317'],
    ['both given', [rule({ fromHost: 'Collector', fromPort: 4317, toHost: '::1', toPort: 1 })], '::1 1'],
    ['any port', [rule({ fromHost: 'collector', toHost: 'local' })], 'local 4317'],
    ['any host', [rule({ fromPort: 4317, toPort: 1 })], 'collector 1'],
    ['another host', [rule({ fromHost: 'other', toHost: 'local' })], 'collector 4317'],
    ['another port', [rule({ fromPort: 4318, toHost: 'local' })], 'collector 4317'],
    ['the first of two', [rule({ toHost: 'a' }), rule({ toHost: 'b' })], 'a 4317'],
  ])('%s', (_name, rules, expected) => {
    const { host, port } = connectAddress(rules, 'collector', 4317)
    expect(`${host} ${port}`).toBe(expected)
  })
})
