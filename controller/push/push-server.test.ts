import { readFile } from 'node:fs/promises'
import { type ChannelCredentials, Client, type ClientDuplexStream, credentials, Metadata, status } from '@grpc/grpc-js'
import { encodeFrame, type HelloFrame, PUSH_METHOD } from '../../contract/frames.ts'
import { createCertificateAuthority } from '../../test/support/certificates.ts'
import {
  backend,
  GATEWAY,
  type PushRig,
  type Replica,
  SERVER_NAME,
  snapshotOf,
  startPushRig,
} from '../../test/support/push-rig.ts'
import type { TokenHolder } from './token-review.ts'

const HELLO: HelloFrame = { frame: 'hello', gateway: GATEWAY, pod: 'edge-1', has: {} }
const HOLDER: TokenHolder = { namespace: 'shop', serviceAccount: 'edge' }

/** A stream of which the test says every byte. */
interface RawStream {
  readonly call: ClientDuplexStream<Buffer, Buffer>
  readonly frames: readonly Buffer[]
  /** `CODE: details`, once it is over. */
  readonly ended: Promise<string>
}

describe('the push server', () => {
  let rig: PushRig
  let clients: Client[]

  beforeEach(async () => {
    rig = await startPushRig()
    clients = []
  })

  afterEach(async () => {
    for (const client of clients) client.close()
    await rig.close()
  })

  async function open(
    { address }: Replica,
    options: { token?: string; credential?: ChannelCredentials } = {},
  ): Promise<RawStream> {
    const ca = await readFile(rig.caFile)
    const client = new Client(`dns:${address}`, options.credential ?? credentials.createSsl(ca), {
      'grpc.ssl_target_name_override': SERVER_NAME,
      'grpc.use_local_subchannel_pool': 1,
    })
    clients.push(client)
    const metadata = new Metadata()
    const token = options.token ?? (await readFile(await rig.token(HOLDER), 'utf8'))
    if (token !== '') metadata.set('authorization', `Bearer ${token}`)
    const pass = (bytes: Buffer): Buffer => bytes
    const call = client.makeBidiStreamRequest(PUSH_METHOD, pass, pass, metadata)
    const frames: Buffer[] = []
    call.on('data', (bytes: Buffer) => {
      frames.push(bytes)
      rig.moments.happened()
    })
    call.on('metadata', () => rig.moments.happened())
    call.on('error', () => {})
    const ended = new Promise<string>((resolve) => {
      call.on('status', ({ code, details }) => resolve(`${status[code]}: ${details}`))
    })
    return { call, frames, ended }
  }

  async function leader(limits: Parameters<PushRig['replica']>[0] = {}): Promise<Replica> {
    const replica = await rig.replica(limits)
    replica.server.lead()
    return replica
  }

  const tokenOf = async (holder: TokenHolder): Promise<string> => await readFile(await rig.token(holder), 'utf8')

  it.each<[string, string, string]>([
    ['no token', '', 'UNAUTHENTICATED: there is no token; a ServiceAccount token of the audience weir is needed'],
    [
      'a token that nobody knows',
      'abc',
      'UNAUTHENTICATED: the token is not a ServiceAccount token of the audience weir that is valid',
    ],
  ])('takes no stream with %s', async (_what, token, ending) => {
    const replica = await leader()
    const { call, ended } = await open(replica, { token })
    call.write(encodeFrame(HELLO))
    expect(await ended).toBe(ending)
    expect(replica.scrape()).toContain('weir_push_streams_ended_total{reason="unauthenticated"} 1\n')
  })

  it.each<[string, TokenHolder, string]>([
    [
      'another Gateway of the namespace',
      { namespace: 'shop', serviceAccount: 'other' },
      'the token of the ServiceAccount shop/other is not good for the Gateway shop/edge',
    ],
    [
      'a Gateway of the same name elsewhere',
      { namespace: 'attic', serviceAccount: 'edge' },
      'the token of the ServiceAccount attic/edge is not good for the Gateway shop/edge',
    ],
    [
      'another pod of the Gateway',
      { ...HOLDER, pod: 'edge-2' },
      'the token of the pod edge-2 is not good for the pod edge-1',
    ],
  ])('gives nothing to the token of %s', async (_what, holder, message) => {
    const replica = await leader()
    replica.snapshots.update([snapshotOf([backend('a')])])
    const { call, ended, frames } = await open(replica, { token: await tokenOf(holder) })
    call.write(encodeFrame(HELLO))
    expect(await ended).toBe(`PERMISSION_DENIED: ${message}`)
    expect(frames).toEqual([])
  })

  it('takes no plaintext, and no client that trusts another authority', async () => {
    const replica = await leader()
    const plain = await open(replica, { credential: credentials.createInsecure() })
    expect(await plain.ended).toMatch(/^UNAVAILABLE: /)
    const stranger = Buffer.from(createCertificateAuthority().certificate)
    const distrusting = await open(replica, { credential: credentials.createSsl(stranger) })
    expect(await distrusting.ended).toMatch(/^UNAVAILABLE: .*certificate/)
    expect(replica.scrape()).not.toContain('weir_push_streams_ended_total{')
  })

  it.each<[string, readonly (string | object)[], string]>([
    ['text', ['gibberish'], 'a frame that is not JSON'],
    ['an ack before the Hello', [{ frame: 'ack', nonce: 1, version: 'v', refused: [] }], 'an ack before the hello'],
    ['two Hellos', [HELLO, HELLO], 'a second hello'],
    [
      'an ack of nothing',
      [HELLO, { frame: 'ack', nonce: 9, version: 'v', refused: [] }],
      'an ack of push 9, which awaits none',
    ],
    [
      'a Hello without what it has',
      [{ ...HELLO, has: undefined }],
      'a bad hello frame: has: Invalid input: expected record, received undefined',
    ],
  ])('ends a stream that says %s, and only that one', async (_what, frames, message) => {
    const replica = await leader()
    const first = snapshotOf([backend('a')])
    const { taken } = await rig.pod(replica.address, { pod: 'edge-2' })
    const { call, ended } = await open(replica)
    for (const frame of frames) call.write(Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame)))
    expect(await ended).toBe(`INVALID_ARGUMENT: ${message}`)
    replica.snapshots.update([first])
    await rig.moments.until(() => replica.acks.length > 0)
    expect(taken).toEqual([first])
  })

  it('ends a stream with a frame beyond the limit', async () => {
    const replica = await leader()
    const { call, ended } = await open(replica)
    call.write(Buffer.alloc(9 * 1024 * 1024))
    expect(await ended).toMatch(/^RESOURCE_EXHAUSTED: /)
  })

  it('waits for a Hello, and for an ack, only so long', async () => {
    const silent = await open(await leader({ helloTimeoutMs: 30 }))
    expect(await silent.ended).toBe('DEADLINE_EXCEEDED: no Hello within 30 ms')
    const replica = await leader({ ackTimeoutMs: 30 })
    replica.snapshots.update([snapshotOf([backend('a')])])
    const { call, ended, frames } = await open(replica)
    call.write(encodeFrame(HELLO))
    expect(await ended).toBe('DEADLINE_EXCEEDED: no ack within 30 ms')
    expect(frames.length).toBe(1)
    expect(replica.scrape()).toContain('weir_push_pushes_total{gateway="shop/edge"} 1\n')
  })

  it('keeps little for a pod that does not read, and cuts it off at last', async () => {
    const replica = await leader({ ackTimeoutMs: 300, closeGraceMs: 50 })
    const resources = Array.from({ length: 40 }, (_, i) => backend(`b${i}`, 'x'.repeat(1_000_000)))
    replica.snapshots.update([snapshotOf(resources)])
    const { call, ended } = await open(replica)
    call.pause()
    call.write(encodeFrame(HELLO))
    // What the sockets of both sides hold, and what grpc reads ahead, is the same for any size of snapshot.
    expect(await ended).toMatch(/^UNAVAILABLE: /)
    await replica.server.close()
    expect(replica.scrape()).toContain('weir_push_streams_ended_total{reason="too_slow"} 1\n')
    const sent = Number(/weir_push_bytes_total\{gateway="shop\/edge"\} (\d+)/.exec(replica.scrape())?.[1])
    expect(sent).toBeGreaterThan(0)
    expect(sent).toBeLessThan(20_000_000)
  })

  it('gives pushes to the newest stream of a pod', async () => {
    const replica = await leader()
    const old = await open(replica)
    old.call.write(encodeFrame(HELLO))
    await rig.moments.until(() => replica.scrape().includes('weir_push_streams{gateway="shop/edge"} 1'))
    const { taken } = await rig.pod(replica.address)
    expect(await old.ended).toBe('ABORTED: a newer stream of the pod is here')
    replica.snapshots.update([snapshotOf([])])
    await rig.moments.until(() => replica.acks.length === 1)
    expect([taken.length, old.frames.length]).toEqual([1, 0])
  })

  it('takes so many pods of a Gateway and no more', async () => {
    const replica = await leader({ podsOfOneGateway: 1 })
    await rig.pod(replica.address, { pod: 'edge-2' })
    await rig.moments.until(() => replica.scrape().includes('weir_push_streams{gateway="shop/edge"} 1'))
    const { call, ended } = await open(replica)
    call.write(encodeFrame(HELLO))
    expect(await ended).toBe('RESOURCE_EXHAUSTED: shop/edge has 1 pods with a stream already')
  })

  it('has pods come again after a time, and pushes nothing then', async () => {
    const replica = await leader({ maxAgeMs: 20 })
    replica.snapshots.update([snapshotOf([backend('a')])])
    const { taken } = await rig.pod(replica.address)
    await rig.moments.until(() => replica.acks.length >= 3)
    expect(taken.length).toBe(1)
    expect(replica.scrape()).toContain('weir_push_pushes_total{gateway="shop/edge"} 1\n')
  })

  it('serves a new certificate to those who connect from then on', async () => {
    const replica = await leader()
    const standing = await rig.pod(replica.address)
    await rig.moments.until(() => standing.client.connected)
    const other = createCertificateAuthority()
    replica.server.replaceCertificate(other.issue([SERVER_NAME]))
    expect(await (await open(replica)).ended).toMatch(/^UNAVAILABLE: .*certificate/)
    const trusting = await open(replica, { credential: credentials.createSsl(Buffer.from(other.certificate)) })
    trusting.call.write(encodeFrame({ ...HELLO, pod: 'edge-2' }))
    replica.snapshots.update([snapshotOf([])])
    await rig.moments.until(() => trusting.frames.length === 1 && standing.taken.length === 1)
  })

  it('counts what it does', async () => {
    const replica = await leader()
    replica.snapshots.update([snapshotOf([backend('a')])])
    await rig.pod(replica.address, { refuse: [{ key: 'backend/shop/a', path: 'body', message: 'no' }] })
    await rig.moments.until(() => replica.acks.length === 1)
    const scraped = replica.scrape()
    for (const line of [
      'weir_push_streams{gateway="shop/edge"} 1',
      'weir_push_pushes_total{gateway="shop/edge"} 1',
      'weir_push_acks_total{gateway="shop/edge"} 1',
      'weir_push_refusals_total{gateway="shop/edge"} 1',
    ])
      expect(scraped).toContain(`${line}\n`)
    expect(scraped).toMatch(/weir_push_bytes_total\{gateway="shop\/edge"\} \d+\n/)
  })
})
