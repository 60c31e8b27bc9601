import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { Metadata, Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js'
import fc from 'fast-check'
import { ACCEPTED_HEADER, decodeUpFrame, PUSH_METHOD, type UpFrame } from '../../contract/frames.ts'
import { createCertificateAuthority } from '../../test/support/certificates.ts'
import { backend, GATEWAY, type PushRig, SERVER_NAME, snapshotOf, startPushRig } from '../../test/support/push-rig.ts'

type Call = ServerDuplexStream<Buffer, Buffer>

/** A controller that says what the test wants, byte by byte, to each stream in turn. */
async function scriptedController(rig: PushRig, ...scripts: readonly ((call: Call) => void)[]) {
  const heard: UpFrame[][] = []
  const authority = createCertificateAuthority()
  const { certificate, privateKey } = authority.issue([SERVER_NAME])
  const server = new Server()
  const pass = (bytes: Buffer): Buffer => bytes
  const onCall = (call: Call): void => {
    const frames: UpFrame[] = []
    const script = scripts[Math.min(heard.push(frames), scripts.length) - 1]
    call.on('error', () => {})
    call.on('data', (bytes: Buffer) => {
      const decoded = decodeUpFrame(bytes)
      if (!decoded.ok || decoded.frame === undefined) throw new Error('not a frame')
      frames.push(decoded.frame)
      if (decoded.frame.frame === 'hello') script?.(call)
      rig.moments.happened()
    })
  }
  server.register(PUSH_METHOD, onCall, pass, pass, 'bidi')
  const pair = { cert_chain: Buffer.from(certificate), private_key: Buffer.from(privateKey) }
  const port = await new Promise<number>((resolve, reject) => {
    const secure = ServerCredentials.createSsl(null, [pair])
    server.bindAsync('127.0.0.1:0', secure, (error, bound) => (error === null ? resolve(bound) : reject(error)))
  })
  await writeFile(rig.caFile, authority.certificate)
  return { address: `127.0.0.1:${port}`, heard, close: () => server.forceShutdown() }
}

const accept = (call: Call): void => {
  const headers = new Metadata()
  headers.set(ACCEPTED_HEADER, 'true')
  call.sendMetadata(headers)
}
const says =
  (frame: object | string): ((call: Call) => void) =>
  (call) => {
    accept(call)
    call.write(Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame)))
  }
const push = { frame: 'push', version: 'v', nonce: 1, part: 0, last: true, upsert: [], hold: [], remove: [] }

describe('the push client', () => {
  let rig: PushRig

  beforeEach(async () => {
    rig = await startPushRig()
  })

  afterEach(async () => {
    await rig.close()
  })

  const saidOf = (text: string) => (): boolean => rig.logged.some((line) => line.includes(text))

  it('goes on where it was when the stream breaks', async () => {
    const first = await rig.replica()
    first.server.lead()
    first.snapshots.update([snapshotOf([backend('a'), backend('b')])])
    const { taken, client } = await rig.pod(first.address)
    await rig.moments.until(() => first.acks.length === 1)
    first.server.follow(undefined)
    const newest = snapshotOf([backend('b'), backend('c')])
    first.snapshots.update([newest])
    await rig.moments.until(saidOf('no replica of the controller is known to lead'))
    expect(client.connected).toBe(false)
    first.server.lead()
    await rig.moments.until(() => first.acks.length === 2)
    expect(taken.at(-1)).toEqual(newest)
    expect(first.scrape()).toContain('weir_push_pushes_total{gateway="shop/edge"} 2\n')
  })

  it('follows a redirect to the replica that leads, which pushes nothing when nothing changed', async () => {
    const snapshot = snapshotOf([backend('a')])
    const [old, next] = [await rig.replica(), await rig.replica()]
    for (const { snapshots } of [old, next]) snapshots.update([snapshot])
    old.server.lead()
    const { taken, client } = await rig.pod(old.address)
    await rig.moments.until(() => old.acks.length === 1)
    next.server.lead()
    old.server.follow(next.address)
    await rig.moments.until(() => next.acks.length === 1)
    expect(next.acks).toEqual([{ gateway: GATEWAY, pod: 'edge-1', version: snapshot.version, refused: [] }])
    await rig.moments.until(() => client.connected)
    expect(taken).toEqual([snapshot])
    expect(next.scrape()).not.toContain('weir_push_pushes_total{')
  })

  it('tells a new leader again what it refused', async () => {
    const refused = { key: 'backend/shop/b', path: 'body', message: 'no' }
    const snapshot = snapshotOf([backend('a'), backend('b')])
    const [old, next] = [await rig.replica(), await rig.replica()]
    for (const { snapshots } of [old, next]) snapshots.update([snapshot])
    old.server.lead()
    await rig.pod(old.address, { refuse: [refused] })
    await rig.moments.until(() => old.acks.length === 1)
    next.server.lead()
    old.server.follow(next.address)
    await rig.moments.until(() => next.acks.length === 1)
    expect(next.snapshots.acks()).toEqual([{ gateway: GATEWAY, version: snapshot.version, refused: [refused] }])
    expect(next.scrape()).toContain('weir_push_pushes_total{gateway="shop/edge"} 1\n')
  })

  it('asks the Service again when replicas send it around', async () => {
    const [one, two] = [await rig.replica(), await rig.replica()]
    one.server.follow(two.address)
    two.server.follow(one.address)
    const { taken } = await rig.pod(one.address)
    await rig.moments.until(saidOf('sent on more than 3 times'))
    one.server.lead()
    one.snapshots.update([snapshotOf([])])
    await rig.moments.until(() => one.acks.length === 1)
    expect(taken.length).toBe(1)
  })

  it('begins with what runs already, the held form included', async () => {
    const { server, snapshots, address, acks } = await rig.replica()
    server.lead()
    const kept = snapshotOf([backend('a'), backend('b')])
    snapshots.update([snapshotOf([backend('a', 'new')], ['backend/shop/b'])])
    const { taken } = await rig.pod(address, { running: { snapshot: kept, refused: [] } })
    await rig.moments.until(() => acks.length === 1)
    expect(taken.map(({ resources, hold }) => ({ resources, hold }))).toEqual([
      { resources: [backend('a', 'new'), backend('b')], hold: ['backend/shop/b'] },
    ])
  })

  it('reads token and CA again at each connect', async () => {
    const { server, snapshots, address, acks } = await rig.replica()
    server.lead()
    const tokenFile = await rig.token('worn-out')
    const right = await rig.token({ namespace: 'shop', serviceAccount: 'edge' })
    await rig.pod(address, { tokenFile })
    await rig.moments.until(saidOf('UNAUTHENTICATED'))
    expect(rig.logged.join('')).not.toContain('worn-out')
    const other = createCertificateAuthority()
    server.replaceCertificate(other.issue([SERVER_NAME]))
    await writeFile(tokenFile, await readFile(right))
    await rig.moments.until(saidOf('certificate'))
    snapshots.update([snapshotOf([])])
    await writeFile(rig.caFile, other.certificate)
    await rig.moments.until(() => acks.length === 1)
  })

  it.each([
    ['an empty token', { tokenFile: '\n' }, 'no token in it'],
    ['a token of two lines', { tokenFile: 'secret-a\nsecret-b' }, 'no token in it'],
    ['a CA file without a certificate', { caFile: 'secret-c' }, 'no certificate in it'],
  ])('says that it has %s, without quoting it, and tries again', async (_what, files, message) => {
    const { server, snapshots, address, acks } = await rig.replica()
    server.lead()
    snapshots.update([snapshotOf([])])
    const [[option, content]] = Object.entries(files) as [[string, string]]
    const path = await rig.token(content)
    await rig.pod(address, { [option]: path })
    await rig.moments.until(saidOf(message))
    expect(rig.logged.join('')).not.toContain('secret-')
    const good = option === 'caFile' ? rig.caFile : await rig.token({ namespace: 'shop', serviceAccount: 'edge' })
    await writeFile(path, await readFile(good))
    await rig.moments.until(() => acks.length === 1)
  })

  it('takes no controller by another name', async () => {
    const { server, address } = await rig.replica()
    server.lead()
    await rig.pod(address, { serverName: 'other.svc' })
    await rig.moments.until(saidOf("Hostname/IP does not match certificate's altnames"))
  })

  it('gives up a controller that does not answer, connection and all, and tries again', async () => {
    let connections = 0
    const mute = createServer((socket) => {
      connections += 1
      socket.resume()
      socket.on('error', () => {})
      rig.moments.happened()
    })
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
    const { port } = mute.address() as { port: number }
    const { client } = await rig.pod(`127.0.0.1:${port}`, { limits: { acceptTimeoutMs: 20, maxBackoffMs: 1 } })
    await rig.moments.until(() => connections >= 2)
    await client.close()
    // Waits until no connection is left.
    await new Promise((resolve) => mute.close(resolve))
  })

  it.each<[string, object | string, string]>([
    ['text', 'secret-text', 'the controller sent a frame that is not JSON'],
    ['a push without a version', { ...push, version: undefined }, 'the controller sent a bad push frame: version: '],
    ['the last part first', { ...push, part: 3 }, 'part 3 of push 1 came where 0 was due'],
    ['a redirect to nowhere', { frame: 'redirect', address: 'x' }, 'the controller sent a bad redirect frame: address'],
  ])('ends a stream on which the controller says %s, and comes again', async (_what, frame, message) => {
    const controller = await scriptedController(rig, says(frame), says(push))
    const { taken } = await rig.pod(controller.address)
    await rig.moments.until(() => controller.heard[1]?.length === 2)
    expect(rig.logged.join('')).toContain(message)
    expect(rig.logged.join('')).not.toContain('secret-text')
    expect(taken.length).toBe(1)
    expect(controller.heard[1]?.[1]).toEqual({ frame: 'ack', nonce: 1, version: 'v', refused: [] })
    controller.close()
  })

  it('ignores frames and refuses resources that only a newer release knows', async () => {
    const script = (call: Call): void => {
      says({ frame: 'greeting' })(call)
      says({ ...push, upsert: [{ kind: 'hologram', key: 'h', digest: 'd' }, backend('a')] })(call)
    }
    const controller = await scriptedController(rig, script)
    const { taken } = await rig.pod(controller.address)
    await rig.moments.until(() => controller.heard[0]?.length === 2)
    expect(taken[0]?.resources).toEqual([backend('a')])
    expect(controller.heard[0]?.[1]).toMatchObject({ refused: [{ key: 'h', path: 'kind' }] })
    controller.close()
  })

  it('acks nothing that was not taken up, and asks for it again', async () => {
    const { server, snapshots, address, acks } = await rig.replica()
    server.lead()
    snapshots.update([snapshotOf([backend('a')])])
    let tries = 0
    await rig.pod(address, {
      onSnapshot: async (snapshot) => {
        tries += 1
        if (tries === 1) throw new Error('bug')
        return { ...snapshot, refused: [] }
      },
    })
    await rig.moments.until(() => acks.length === 1)
    expect(tries).toBe(2)
  })

  it('waits with its end for a snapshot that is being taken up', async () => {
    const { server, snapshots, address } = await rig.replica()
    server.lead()
    snapshots.update([snapshotOf([])])
    let release: () => void = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const order: string[] = []
    const { client } = await rig.pod(address, {
      onSnapshot: async (snapshot) => {
        order.push('begun')
        rig.moments.happened()
        await gate
        order.push('taken up')
        return { ...snapshot, refused: [] }
      },
    })
    await rig.moments.until(() => order.length === 1)
    const closed = client.close().then(() => order.push('closed'))
    release()
    await closed
    expect(order).toEqual(['begun', 'taken up', 'closed'])
  })

  it('ends with exactly the newest snapshot, whatever came between', async () => {
    const text = fc.constantFrom('', 'x', 'y', 'held')
    const resource = fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), text })
    const resources = fc.uniqueArray(resource, { selector: ({ name }) => name })
    const step = fc.oneof(
      { weight: 4, arbitrary: resources.map((list) => ({ kind: 'update' as const, list })) },
      { weight: 1, arbitrary: fc.constantFrom({ kind: 'break' as const }, { kind: 'move' as const }) },
      { weight: 2, arbitrary: fc.constant({ kind: 'wait' as const }) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const own = await startPushRig()
        try {
          const replicas = [await own.replica(), await own.replica()] as const
          let leading = 0
          const leader = () => replicas[leading % 2] as (typeof replicas)[number]
          let newest = snapshotOf([])
          const update = (): void => {
            for (const { snapshots } of replicas) snapshots.update([newest])
          }
          const settled = (): Promise<void> =>
            own.moments.until(() => leader().snapshots.acks()[0]?.version === newest.version)
          update()
          leader().server.lead()
          const { taken } = await own.pod(leader().address)
          for (const one of steps) {
            if (one.kind === 'update') {
              const [held, given] = [true, false].map((is) => one.list.filter(({ text }) => (text === 'held') === is))
              newest = snapshotOf(
                (given ?? []).map(({ name, text }) => backend(name, text)),
                (held ?? []).map(({ name }) => backend(name).key),
              )
              update()
            }
            if (one.kind === 'wait') await settled()
            if (one.kind === 'break') leader().server.follow(undefined)
            if (one.kind === 'move') {
              const before = leader()
              leading += 1
              before.server.follow(leader().address)
            }
            leader().server.lead()
          }
          // What the last leader knew before may be old: a stream of its own has to tell.
          await own.moments.until(() => {
            const acks = leader().snapshots.podAcks(GATEWAY)
            return acks.some(({ version }) => version === newest.version)
          })
          // What is held may be here in any form, or not at all.
          const given = taken.at(-1)?.resources.filter(({ key }) => !newest.hold.includes(key))
          expect(given).toEqual(newest.resources)
        } finally {
          await own.close()
        }
      }),
      { numRuns: 15 },
    )
  }, 60_000)
})
