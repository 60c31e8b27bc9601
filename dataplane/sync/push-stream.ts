import { Client, type ClientDuplexStream, status as Code, Metadata, type StatusObject } from '@grpc/grpc-js'
import {
  ACCEPTED_HEADER,
  decodeDownFrame,
  encodeFrame,
  MAX_PART_BYTES,
  MAX_REFUSALS,
  MAX_UP_FRAME_BYTES,
  PUSH_METHOD,
  type RefusedResource,
  shortened,
} from '../../contract/frames.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import type { Log } from '../../runtime/log.ts'
import type { Ack } from './plan-holder.ts'
import type { Assembled, PushAssembly } from './push-assembly.ts'
import { ReleasableCredentials } from './releasable-credentials.ts'

export interface PushStreamOptions {
  /** `host:port` to dial. */
  readonly address: string
  /** The name that the server's certificate must be for. */
  readonly serverName: string
  /** PEM certificates; nothing else is trusted. */
  readonly ca: Buffer
  readonly token: string
  /** `namespace/name`. */
  readonly gateway: string
  readonly pod: string
  readonly acceptTimeoutMs: number
  readonly keepaliveMs: number
  readonly log: Log
  readonly onAccepted: () => void
  readonly onSnapshot: (snapshot: Snapshot) => Promise<Ack>
}

/** How a stream ended. */
export type StreamEnd =
  | { readonly kind: 'redirect'; readonly address: string }
  | { readonly kind: 'failed'; readonly message: string }

const pass = (bytes: Buffer): Buffer => bytes

/** One stream to one replica of the controller, from dialling to its end. */
export class PushStream {
  /** Resolves, never rejects, once the stream is over and no snapshot of it is being taken up any more. */
  readonly ended: Promise<StreamEnd>
  readonly #options: PushStreamOptions
  readonly #assembly: PushAssembly
  readonly #call: ClientDuplexStream<Buffer, Buffer>
  readonly #acceptTimer: NodeJS.Timeout
  #accepted = false
  #standing = true
  #applied = 0
  #applying: Promise<void> | undefined
  /** Set when this side ended it. */
  #end: StreamEnd | undefined

  constructor(options: PushStreamOptions, assembly: PushAssembly) {
    this.#options = options
    this.#assembly = assembly
    const credentials = new ReleasableCredentials(options.ca)
    const client = connect(options, credentials)
    const metadata = new Metadata()
    metadata.set('authorization', `Bearer ${options.token}`)
    this.#call = client.makeBidiStreamRequest(PUSH_METHOD, pass, pass, metadata)
    this.#acceptTimer = setTimeout(
      () => this.#fail(`not accepted within ${options.acceptTimeoutMs} ms`),
      options.acceptTimeoutMs,
    )
    this.#call.on('metadata', (headers: Metadata) => this.#onHeaders(headers))
    this.#call.on('data', (bytes: Buffer) => this.#onFrame(bytes))
    // The status says the same; without a listener it would be thrown.
    this.#call.on('error', () => {})
    this.ended = new Promise<StatusObject>((resolve) => this.#call.on('status', resolve)).then(async (status) => {
      this.#standing = false
      clearTimeout(this.#acceptTimer)
      await this.#applying
      client.close()
      credentials.release()
      return this.#end ?? { kind: 'failed', message: describe(status) }
    })
    this.#sayHello()
  }

  /** The replica has taken the stream, and it stands. */
  get connected(): boolean {
    return this.#accepted && this.#standing && this.#end === undefined
  }

  /** Snapshots of this stream that were taken up. */
  get applied(): number {
    return this.#applied
  }

  cancel(): void {
    this.#fail('closed')
  }

  #sayHello(): void {
    const { gateway, pod } = this.#options
    let hello = encodeFrame({ frame: 'hello', gateway, pod, has: this.#assembly.begin() })
    if (hello.length > MAX_UP_FRAME_BYTES) {
      this.#assembly.forget()
      hello = encodeFrame({ frame: 'hello', gateway, pod, has: {} })
    }
    this.#call.write(hello)
  }

  #onHeaders(headers: Metadata): void {
    clearTimeout(this.#acceptTimer)
    if (headers.get(ACCEPTED_HEADER).length === 0) return
    this.#accepted = true
    this.#options.onAccepted()
  }

  #onFrame(bytes: Buffer): void {
    if (this.#end !== undefined) return
    const decoded = decodeDownFrame(bytes)
    if (!decoded.ok) return this.#fail(`the controller sent ${decoded.message}`)
    const { frame } = decoded
    if (frame === undefined) return
    if (frame.frame === 'redirect') return this.#endWith({ kind: 'redirect', address: frame.address })
    const outcome = this.#assembly.add(frame, bytes.length)
    if (outcome.kind === 'bad') return this.#fail(`the controller sent frames out of order: ${outcome.message}`)
    if (outcome.kind === 'more') return
    this.#call.pause()
    this.#applying = this.#takeUp(outcome.push).finally(() => {
      this.#call.resume()
    })
  }

  async #takeUp({ nonce, snapshot, unreadable }: Assembled): Promise<void> {
    try {
      const ack = await this.#options.onSnapshot(snapshot)
      if (ack.version !== snapshot.version) throw new Error(`${ack.version} was taken up in its place`)
      const refused = [...ack.refused, ...unreadable].map(shortened)
      this.#assembly.settle(refused)
      this.#applied += 1
      if (this.connected)
        this.#call.write(encodeFrame({ frame: 'ack', nonce, version: snapshot.version, refused: bounded(refused) }))
    } catch (error) {
      this.#options.log.error({ err: error, version: snapshot.version }, 'a snapshot was not taken up because of a bug')
      this.#fail('a snapshot was not taken up')
    }
  }

  #fail(message: string): void {
    this.#endWith({ kind: 'failed', message })
  }

  #endWith(end: StreamEnd): void {
    this.#end ??= end
    this.#call.cancel()
  }
}

function connect({ address, serverName, keepaliveMs }: PushStreamOptions, credentials: ReleasableCredentials): Client {
  return new Client(`dns:${address}`, credentials, {
    'grpc.ssl_target_name_override': serverName,
    'grpc.default_authority': serverName,
    'grpc.max_receive_message_length': MAX_PART_BYTES,
    'grpc.max_send_message_length': MAX_UP_FRAME_BYTES,
    'grpc.keepalive_time_ms': keepaliveMs,
    'grpc.keepalive_timeout_ms': keepaliveMs,
    // Attempts are counted one level up; a service config or a proxy from elsewhere would only surprise.
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.enable_http_proxy': 0,
    // A connection of its own, which ends with the client.
    'grpc.use_local_subchannel_pool': 1,
  })
}

/** The first refusals, and in place of those that an ack has no room for, their number. */
function bounded(refused: readonly RefusedResource[]): RefusedResource[] {
  if (refused.length <= MAX_REFUSALS) return [...refused]
  const rest = refused.length - MAX_REFUSALS + 1
  return [...refused.slice(0, MAX_REFUSALS - 1), { key: '', path: '', message: `and ${rest} more` }]
}

function describe({ code, details }: StatusObject): string {
  return code === Code.OK ? 'the controller ended the stream' : `${Code[code]}: ${details}`
}
