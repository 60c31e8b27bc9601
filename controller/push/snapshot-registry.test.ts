import { decodeDownFrame, MAX_PART_BYTES, type PushFrame } from '../../contract/frames.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { backend, GATEWAY, snapshotOf } from '../../test/support/push-rig.ts'
import { type PodAck, SnapshotRegistry } from './snapshot-registry.ts'

/** A pod whose answers the test gives. */
function podOf(registry: SnapshotRegistry, has: Record<string, string> = {}, pod = 'edge-1') {
  const pushes: PushFrame[] = []
  const attachment = registry.attach({
    gateway: GATEWAY,
    pod,
    has,
    send: (frames) => {
      for (const bytes of frames) {
        const decoded = decodeDownFrame(bytes)
        if (decoded.ok && decoded.frame?.frame === 'push') pushes.push(decoded.frame)
      }
    },
  })
  const ack = (refused: PodAck['refused'] = []): string | undefined => {
    const { nonce, version } = pushes.at(-1) as PushFrame
    return attachment.ack({ frame: 'ack', nonce, version, refused: [...refused] })
  }
  return { pushes, ack, sendAck: attachment.ack, detach: attachment.detach }
}

const digests = ({ resources }: Snapshot): Record<string, string> =>
  Object.fromEntries(resources.map(({ key, digest }) => [key, digest]))

describe('the registry of snapshots', () => {
  const a = backend('a')
  const one = snapshotOf([a, backend('b')])
  const two = snapshotOf([a, backend('b', 'new')])
  const three = snapshotOf([a, backend('c')])

  it('pushes nothing to a pod that has everything, and counts it as acked', () => {
    const acks: PodAck[] = []
    const registry = new SnapshotRegistry((ack) => acks.push(ack))
    registry.update([one])
    expect(podOf(registry, digests(one)).pushes).toEqual([])
    const ack = { gateway: GATEWAY, version: one.version, refused: [] }
    expect(registry.acks()).toEqual([ack])
    expect(acks).toEqual([{ ...ack, pod: 'edge-1' }])
  })

  it('counts a held key as had, in whatever form, or in none', () => {
    const registry = new SnapshotRegistry()
    registry.update([snapshotOf([a], ['telemetry'])])
    expect(podOf(registry, { [a.key]: a.digest, telemetry: 'any' }).pushes).toEqual([])
    expect(podOf(registry, { [a.key]: a.digest }, 'edge-2').pushes).toEqual([])
  })

  it('pushes again what a pod says it refused, so that the refusal is known', () => {
    const registry = new SnapshotRegistry()
    registry.update([one])
    const { pushes, ack } = podOf(registry, { ...digests(one), [a.key]: '' })
    expect(pushes.map(({ upsert }) => upsert)).toEqual([[a]])
    ack([{ key: a.key, path: '', message: 'no' }])
    expect(registry.acks()).toEqual([
      { gateway: GATEWAY, version: one.version, refused: [{ key: a.key, path: '', message: 'no' }] },
    ])
  })

  it('pushes an empty snapshot to a pod that has nothing', () => {
    const registry = new SnapshotRegistry()
    registry.update([snapshotOf([])])
    expect(podOf(registry).pushes).toMatchObject([{ upsert: [], remove: [], last: true }])
  })

  it('has one push without an ack, and then pushes the newest', () => {
    const registry = new SnapshotRegistry()
    const { pushes, ack } = podOf(registry)
    registry.update([one])
    registry.update([two])
    registry.update([three])
    expect(pushes.map(({ version }) => version)).toEqual([one.version])
    ack()
    expect(pushes.map(({ version }) => version)).toEqual([one.version, three.version])
    expect(pushes[1]).toMatchObject({ upsert: [backend('c')], remove: ['backend/shop/b'] })
    ack()
    expect(pushes.length).toBe(2)
    expect(registry.acks()).toMatchObject([{ version: three.version }])
  })

  it('pushes nothing when what was there comes back before the ack', () => {
    const registry = new SnapshotRegistry()
    const { pushes, ack } = podOf(registry)
    registry.update([one])
    registry.update([two])
    registry.update([one])
    ack()
    expect(pushes.length).toBe(1)
  })

  it('says that a key is held now, though nothing else changed', () => {
    const registry = new SnapshotRegistry()
    registry.update([snapshotOf([a, backend('telemetry')])])
    const { pushes, ack } = podOf(registry)
    ack()
    registry.update([snapshotOf([a], ['backend/shop/telemetry'])])
    expect(pushes[1]).toMatchObject({ upsert: [], hold: ['backend/shop/telemetry'], remove: [] })
    ack()
    registry.update([snapshotOf([a])])
    expect(pushes[2]).toMatchObject({ upsert: [], hold: [], remove: ['backend/shop/telemetry'] })
  })

  it.each([
    ['of a push that never was', { nonce: 9, version: one.version }],
    ['of another version', { nonce: 1, version: 'x' }],
  ])('takes no ack %s', (_what, ack) => {
    const registry = new SnapshotRegistry()
    registry.update([one])
    const { sendAck } = podOf(registry)
    expect(sendAck({ frame: 'ack', refused: [], ...ack })).toMatch(/^an ack of push/)
    expect(registry.acks()).toEqual([])
  })

  it('takes no ack twice', () => {
    const registry = new SnapshotRegistry()
    registry.update([one])
    const { ack } = podOf(registry)
    expect([ack(), ack()]).toEqual([undefined, 'an ack of push 1, which awaits none'])
  })

  it('refuses in the pod’s place what cannot be pushed, until it can', () => {
    const large = backend('large', 'x'.repeat(MAX_PART_BYTES))
    const registry = new SnapshotRegistry()
    registry.update([snapshotOf([a, large])])
    const { pushes, ack } = podOf(registry)
    expect(pushes[0]?.upsert).toEqual([a])
    ack()
    expect(registry.acks()).toMatchObject([{ refused: [{ key: large.key }] }])
    registry.update([snapshotOf([a, large, backend('b')])])
    ack()
    expect(registry.acks()).toMatchObject([{ refused: [{ key: large.key }] }])
    registry.update([snapshotOf([a, backend('large', 'small')])])
    ack()
    expect(registry.acks()).toMatchObject([{ refused: [] }])
  })

  it('gathers what any pod that runs the newest version refuses', () => {
    const registry = new SnapshotRegistry()
    registry.update([one])
    const [first, second, third] = [podOf(registry), podOf(registry, {}, 'edge-2'), podOf(registry, {}, 'edge-3')]
    const refusal = { key: a.key, path: '', message: 'the port is taken' }
    first.ack([refusal])
    second.ack([refusal])
    third.ack([])
    expect(registry.acks()).toEqual([{ gateway: GATEWAY, version: one.version, refused: [refusal] }])
  })

  it('remembers what ran when the streams are gone, and lets no late pod take it back', () => {
    const registry = new SnapshotRegistry()
    registry.update([one])
    const slow = podOf(registry, {}, 'slow')
    registry.update([two])
    const fast = podOf(registry, {}, 'fast')
    fast.ack()
    fast.detach()
    slow.ack()
    slow.detach()
    expect(registry.acks()).toMatchObject([{ version: two.version }])
    registry.update([])
    expect(registry.acks()).toEqual([])
  })

  it('keeps Gateways apart', () => {
    const registry = new SnapshotRegistry()
    const other = snapshotOf([a], [], 'shop/other')
    const { pushes } = podOf(registry)
    registry.update([other])
    expect(pushes).toEqual([])
    registry.update([other, one])
    expect(pushes.length).toBe(1)
    registry.update([other])
    registry.update([other, one])
    expect(pushes.length).toBe(1)
  })
})
