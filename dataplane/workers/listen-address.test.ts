import { createServer } from 'node:net'
import { listenAddress, withPortsChosen } from './listen-address.ts'

describe('listenAddress', () => {
  it('is an IP address that can be listened on', async () => {
    expect(await listenAddress('127.0.0.1')).toBe('127.0.0.1')
    expect(['127.0.0.1', '::1']).toContain(await listenAddress('localhost'))
    expect(['::', '0.0.0.0']).toContain(await listenAddress('::'))
    await expect(listenAddress('no-such-host.invalid')).rejects.toThrow()
  })
})

describe('withPortsChosen', () => {
  it('puts a free port of its own where the map says 0, and leaves the rest', async () => {
    const chosen = await withPortsChosen(
      new Map([
        [80, 0],
        [81, 18_081],
        [82, 0],
      ]),
      '127.0.0.1',
    )
    expect(chosen.get(81)).toBe(18_081)
    const ports = [chosen.get(80), chosen.get(82)] as [number, number]
    expect(ports[0]).not.toBe(ports[1])
    for (const port of ports) {
      const server = createServer()
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, '127.0.0.1', resolve)
      })
      server.close()
    }
  })
})
