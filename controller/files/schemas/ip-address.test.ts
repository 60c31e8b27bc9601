import { isAddress, isCanonical, isReachable } from './ip-address.ts'

describe('isAddress', () => {
  it.each(['0.0.0.0', '10.96.0.1', '255.255.255.255'])('takes %s for IPv4', (text) => {
    expect([isAddress(text, 'IPv4'), isAddress(text, 'IPv6')]).toEqual([true, false])
  })

  it.each(['::', '::1', 'fd00::1', 'FD00:0:0:0:0:0:0:1', '::10.0.0.1'])('takes %s for IPv6', (text) => {
    expect([isAddress(text, 'IPv4'), isAddress(text, 'IPv6')]).toEqual([false, true])
  })

  it.each([
    '',
    'x',
    '010.0.0.1',
    '10.0.0.256',
    '10.0.0.1/8',
    'fe80::1%eth0',
    '::ffff:10.0.0.1',
    '::FFFF:a00:1',
    '[::1]',
  ])('takes %j for neither', (text) => {
    expect([isAddress(text, 'IPv4'), isAddress(text, 'IPv6')]).toEqual([false, false])
  })
})

describe('isCanonical', () => {
  it.each(['::', '::1', 'fd00::1', '2001:db8::1:0:0:1', '2001:db8:0:1:1:1:1:1'])('holds for %s', (address) => {
    expect(isCanonical(address)).toBe(true)
  })

  it.each(['0::0', 'FD00::1', 'fd00:0::1', '2001:db8:0:0:1::1', '2001:db8::1:1:1:1:1', '::10.0.0.1', 'fd00::01'])(
    'does not hold for %s',
    (address) => {
      expect(isCanonical(address)).toBe(false)
    },
  )
})

describe('isReachable', () => {
  it.each(['10.0.0.1', '128.0.0.1', '169.253.0.1', '224.0.1.1', '255.255.255.255'])('holds for %s', (address) => {
    expect(isReachable(address, 'IPv4')).toBe(true)
  })

  it.each(['0.0.0.0', '127.0.0.1', '127.255.0.1', '169.254.169.254', '224.0.0.251'])(
    'does not hold for %s',
    (address) => {
      expect(isReachable(address, 'IPv4')).toBe(false)
    },
  )

  it.each(['::2', 'fd00::1', 'fec0::1', 'ff05::1', 'ff00::1'])('holds for %s', (address) => {
    expect(isReachable(address, 'IPv6')).toBe(true)
  })

  it.each(['::', '::1', 'fe80::1', 'febf::1', 'ff02::1', 'ff12::1'])('does not hold for %s', (address) => {
    expect(isReachable(address, 'IPv6')).toBe(false)
  })
})
