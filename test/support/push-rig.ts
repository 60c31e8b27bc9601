import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { sealed, versionOf } from '../../contract/digest.ts'
import type { Resource, Snapshot } from '../../contract/snapshot.ts'
import { type PushServer, type PushServerLimits, startPushServer } from '../../controller/push/push-server.ts'
import { type PodAck, SnapshotRegistry } from '../../controller/push/snapshot-registry.ts'
import type { TokenHolder } from '../../controller/push/token-review.ts'
import type { Ack } from '../../dataplane/sync/plan-holder.ts'
import { type PushClient, type PushClientOptions, startPushClient } from '../../dataplane/sync/push-client.ts'
import type { Log } from '../../runtime/log.ts'
import { MetricRegistry } from '../../runtime/metrics.ts'
import { createCertificateAuthority } from './certificates.ts'

/** The name that the certificates of the rig's servers are for. */
export const SERVER_NAME = 'weir-controller.weir-system.svc'
export const GATEWAY = 'shop/edge'

/** Lets tests wait until something is so, looked at again at each event. */
export class Moments {
  readonly #waiting = new Set<() => void>()

  happened(): void {
    for (const look of this.#waiting) look()
  }

  until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!isSo()) return
        this.#waiting.delete(look)
        resolve()
      }
      this.#waiting.add(look)
      look()
    })
  }
}

/** One replica of the controller: its registry and its push port. */
export interface Replica {
  readonly snapshots: SnapshotRegistry
  readonly server: PushServer
  readonly address: string
  readonly acks: readonly PodAck[]
  /** Metrics as they are scraped. */
  scrape(): string
}

export interface TestPod {
  readonly client: PushClient
  /** Every snapshot that was handed over, oldest first. */
  readonly taken: readonly Snapshot[]
}

/** Replicas and pods of one controller over real TLS on loopback. A token is the JSON of its holder. */
export interface PushRig {
  readonly moments: Moments
  /** Lines that weir wrote to its log, as JSON. */
  readonly logged: readonly string[]
  readonly caFile: string
  token(holder: TokenHolder | string): Promise<string>
  replica(limits?: Partial<PushServerLimits>): Promise<Replica>
  pod(address: string, options?: Partial<PushClientOptions> & { refuse?: Ack['refused'] }): Promise<TestPod>
  close(): Promise<void>
}

export async function startPushRig(): Promise<PushRig> {
  const folder = await mkdtemp(join(tmpdir(), 'weir-push-'))
  const authority = createCertificateAuthority()
  const certificate = authority.issue([SERVER_NAME])
  const caFile = join(folder, 'ca.crt')
  await writeFile(caFile, authority.certificate)
  const moments = new Moments()
  const logged: string[] = []
  const log: Log = pino(
    { level: 'debug' },
    {
      write: (line: string) => {
        logged.push(line)
        moments.happened()
      },
    },
  )
  const closing: (() => Promise<void>)[] = []
  let tokens = 0
  const token = async (holder: TokenHolder | string): Promise<string> => {
    tokens += 1
    const path = join(folder, `token-${tokens}`)
    await writeFile(path, typeof holder === 'string' ? holder : Buffer.from(JSON.stringify(holder)).toString('base64'))
    return path
  }
  return {
    moments,
    logged,
    caFile,
    token,
    replica: async (limits = {}) => {
      const acks: PodAck[] = []
      const snapshots = new SnapshotRegistry((ack) => {
        acks.push(ack)
        moments.happened()
      })
      const metrics = new MetricRegistry()
      const reviewToken = async (text: string): Promise<TokenHolder | undefined> => {
        const decoded = Buffer.from(text, 'base64').toString()
        return decoded.startsWith('{') ? (JSON.parse(decoded) as TokenHolder) : undefined
      }
      const server = await startPushServer({
        host: '127.0.0.1',
        port: 0,
        certificate,
        snapshots,
        reviewToken,
        metrics,
        log,
        limits: { closeGraceMs: 200, ...limits },
      })
      closing.push(() => server.close())
      return { snapshots, server, address: `127.0.0.1:${server.port}`, acks, scrape: () => metrics.render() }
    },
    pod: async (address, { refuse = [], ...options } = {}) => {
      const taken: Snapshot[] = []
      const client = startPushClient({
        address,
        serverName: SERVER_NAME,
        caFile,
        tokenFile: await token({ namespace: 'shop', serviceAccount: 'edge' }),
        gateway: GATEWAY,
        pod: 'edge-1',
        log,
        onSnapshot: async (snapshot) => {
          taken.push(snapshot)
          moments.happened()
          const keys = new Set(snapshot.resources.map(({ key }) => key))
          return { ...snapshot, refused: refuse.filter(({ key }) => keys.has(key)) }
        },
        limits: { maxBackoffMs: 20 },
        ...options,
      })
      closing.unshift(() => client.close())
      return { client, taken }
    },
    close: async () => {
      for (const close of closing) await close()
      await rm(folder, { recursive: true })
    },
  }
}

/** A backend that is told apart by its text. */
export function backend(name: string, text = ''): Resource {
  return sealed({
    kind: 'backend',
    key: `backend/shop/${name}`,
    resource: 'Backend',
    namespace: 'shop',
    name,
    body: { type: 'http', endpoints: [{ host: `${name}.example`, port: 80 }] },
    broken: { status: 500, message: text },
  })
}

export function snapshotOf(resources: readonly Resource[], hold: readonly string[] = [], gateway = GATEWAY): Snapshot {
  const sorted = [...resources].sort((a, b) => (a.key < b.key ? -1 : 1))
  return { gateway, version: versionOf(sorted, hold), resources: sorted, hold: [...hold] }
}
