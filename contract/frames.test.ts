import { decodeDownFrame, decodeUpFrame, encodeFrame, MAX_REFUSAL_LENGTH, readResource, shortened } from './frames.ts'

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const push = {
  frame: 'push' as const,
  version: 'v',
  nonce: 1,
  part: 0,
  last: true,
  upsert: [],
  hold: [],
  remove: [],
}

describe('frames', () => {
  it('come back as they were sent', () => {
    for (const frame of [push, { frame: 'redirect' as const, address: '[fd00::1]:9978' }])
      expect(decodeDownFrame(encodeFrame(frame))).toEqual({ ok: true, frame })
    const refused = [{ key: 'k', path: 'a.b', message: 'm' }]
    for (const frame of [
      { frame: 'hello' as const, gateway: 'ns/gw', pod: 'gw-1', has: { 'route/a': 'd', toString: '' } },
      { frame: 'ack' as const, nonce: 3, version: 'v', refused },
    ])
      expect(decodeUpFrame(encodeFrame(frame))).toEqual({ ok: true, frame })
  })

  it('of a newer release are read without what is new in them', () => {
    expect(decodeDownFrame(json({ ...push, priority: 7 }))).toEqual({ ok: true, frame: push })
    expect(decodeDownFrame(json({ frame: 'greeting', text: 'hi' }))).toEqual({ ok: true, frame: undefined })
    expect(decodeUpFrame(json({ frame: 'report', exporters: [] }))).toEqual({ ok: true, frame: undefined })
  })

  it('keep the bodies of resources, whatever is in them', () => {
    const resource = { kind: 'hologram', key: 'k', digest: 'd', depth: { of: [1] } }
    expect(decodeDownFrame(json({ ...push, upsert: [resource] }))).toEqual({
      ok: true,
      frame: { ...push, upsert: [resource] },
    })
  })

  it.each<[string, Buffer, string]>([
    ['text', Buffer.from('secret-token'), 'a frame that is not JSON'],
    ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'a frame that is not JSON'],
    ['nothing', Buffer.alloc(0), 'a frame that is not JSON'],
    ['null', json(null), "a frame that does not say in 'frame' what it is"],
    ['a list', json([push]), "a frame that does not say in 'frame' what it is"],
    ['an object of nobody', json({}), "a frame that does not say in 'frame' what it is"],
    ['a nonce beyond 2^53', json({ ...push, nonce: 2 ** 60 }), 'a bad push frame: nonce: '],
    ['a fraction of a part', json({ ...push, part: 0.5 }), 'a bad push frame: part: '],
    [
      'a resource without a key',
      json({ ...push, upsert: [{ kind: 'x', digest: 'd' }] }),
      'a bad push frame: upsert.0.key',
    ],
    ['an address without a port', json({ frame: 'redirect', address: 'host' }), 'a bad redirect frame: address: '],
  ])('say what is wrong with %s, and do not quote it', (_what, bytes, message) => {
    const decoded = decodeDownFrame(bytes)
    expect(decoded).toEqual({ ok: false, message: expect.stringContaining(message) as string })
    expect(JSON.stringify(decoded)).not.toContain('secret-token')
  })

  it('of the other direction are not taken', () => {
    expect(decodeUpFrame(json(push))).toEqual({ ok: true, frame: undefined })
  })
})

describe('a pushed resource', () => {
  const credential = { kind: 'credential', key: 'credential/a', digest: 'd', body: { type: 'token', token: 'secret' } }

  it('is read without what a newer release put into it', () => {
    expect(readResource({ ...credential, later: 1 })).toEqual({ ok: true, resource: credential })
  })

  it('is refused by its key when nobody here knows its kind', () => {
    const refusal = { key: 'h/1', path: 'kind', message: "unknown kind 'hologram'" }
    expect(readResource({ kind: 'hologram', key: 'h/1', digest: 'd' })).toEqual({ ok: false, refusal })
  })

  it('is refused with the place that cannot be read, without its content', () => {
    const read = readResource({ ...credential, body: { type: 'token', token: ['secret'] } })
    expect(read).toMatchObject({ ok: false, refusal: { key: 'credential/a', path: 'body.token' } })
    expect(JSON.stringify(read)).not.toContain('secret')
  })

  it('is refused in words that an ack has room for', () => {
    const long = 'x'.repeat(MAX_REFUSAL_LENGTH * 2)
    const { key, path, message } = shortened({ key: long, path: long, message: long })
    expect([key, path, message].map(({ length }) => length)).toEqual(Array(3).fill(MAX_REFUSAL_LENGTH))
  })
})
