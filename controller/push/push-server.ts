import type { AddressInfo } from 'node:net'
import { createServer, type TLSSocket, type Server as TlsServer } from 'node:tls'
import { status as Code, type ConnectionInjector, Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js'
import {
  type AckFrame,
  type HelloFrame,
  MAX_PART_BYTES,
  MAX_UP_FRAME_BYTES,
  PUSH_METHOD,
  TOKEN_AUDIENCE,
} from '../../contract/frames.ts'
import type { Log } from '../../runtime/log.ts'
import type { MetricRegistry } from '../../runtime/metrics.ts'
import type { KeyPair } from './certificate-authority.ts'
import { endCall, type PodCall, PodStream, type PodStreamLimits } from './pod-stream.ts'
import { PushMetrics, type StreamRefusal } from './push-metrics.ts'
import type { Attachment, SnapshotRegistry } from './snapshot-registry.ts'
import type { ReviewToken, TokenHolder } from './token-review.ts'

export interface PushServerLimits extends PodStreamLimits {
  readonly connections: number
  readonly podsOfOneGateway: number
  readonly handshakeTimeoutMs: number
  /** A connection without a stream is closed after this. */
  readonly idleMs: number
  readonly keepaliveMs: number
}

const LIMITS: PushServerLimits = {
  connections: 10_000,
  podsOfOneGateway: 1_000,
  handshakeTimeoutMs: 10_000,
  idleMs: 30_000,
  keepaliveMs: 20_000,
  helloTimeoutMs: 10_000,
  ackTimeoutMs: 60_000,
  maxAgeMs: 3_600_000,
  closeGraceMs: 2_000,
}

export interface PushServerOptions {
  readonly host: string
  readonly port: number
  readonly certificate: KeyPair
  readonly snapshots: SnapshotRegistry
  readonly reviewToken: ReviewToken
  readonly metrics: MetricRegistry
  readonly log: Log
  readonly limits?: Partial<PushServerLimits>
}

/**
 * Serves the push stream over TLS. It begins as one that does not lead and knows no leader: {@link PushServer.lead} and
 * {@link PushServer.follow} say how it stands.
 * @returns once it listens; rejects when it cannot
 */
export async function startPushServer(options: PushServerOptions): Promise<PushServer> {
  const server = new PushServer(options)
  await server.listen(options.host, options.port)
  return server
}

const pass = (bytes: Buffer): Buffer => bytes

export class PushServer {
  readonly #snapshots: SnapshotRegistry
  readonly #reviewToken: ReviewToken
  readonly #log: Log
  readonly #limits: PushServerLimits
  readonly #metrics: PushMetrics
  readonly #tls: TlsServer
  readonly #grpc: GrpcServer
  readonly #injector: ConnectionInjector
  /** By the name of the peer, as a call knows it. */
  readonly #sockets = new Map<string, TLSSocket>()
  /** Those that have yet to say Hello, and those that are on their way out, included. */
  readonly #streams = new Set<PodStream>()
  /** By Gateway and pod: the streams that get pushes. */
  readonly #pods = new Map<string, Map<string, { stream: PodStream; attachment: Attachment }>>()
  #leading = false
  /** `host:port` of the replica that leads, when another one does. */
  #leader: string | undefined
  #closing = false
  #onEmpty: () => void = () => {}

  constructor(options: PushServerOptions) {
    this.#snapshots = options.snapshots
    this.#reviewToken = options.reviewToken
    this.#log = options.log
    this.#limits = { ...LIMITS, ...options.limits }
    this.#metrics = new PushMetrics(
      options.metrics,
      () => new Map([...this.#pods].map(([gateway, pods]) => [gateway, pods.size])),
    )
    this.#grpc = createGrpcServer(this.#limits, (call) => void this.#onCall(call))
    this.#injector = this.#grpc.createConnectionInjector(ServerCredentials.createInsecure())
    this.#tls = createServer({
      ...secureContext(options.certificate),
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['h2'],
      handshakeTimeout: this.#limits.handshakeTimeoutMs,
    })
    this.#tls.maxConnections = this.#limits.connections
    this.#tls.on('secureConnection', (socket) => this.#onConnection(socket))
    this.#tls.on('tlsClientError', (error) => this.#log.debug({ err: error }, 'no TLS with a client'))
  }

  /** The port that it listens on. */
  get port(): number {
    return (this.#tls.address() as AddressInfo).port
  }

  /** Resolves once it listens; for {@link startPushServer}. */
  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#tls.once('error', reject)
      this.#tls.listen(port, host, () => {
        this.#tls.off('error', reject)
        this.#tls.on('error', (error) => this.#log.error({ err: error }, 'the push port fails'))
        resolve()
      })
    })
  }

  /** From now on pods get pushes here. The snapshots of the registry are to be the newest before this is called. */
  lead(): void {
    this.#leading = true
    this.#leader = undefined
  }

  /**
   * From now on nobody gets a push here, and pods that have a stream are sent on.
   * @param leader `host:port` of the replica that leads; undefined when nobody is known to
   */
  follow(leader: string | undefined): void {
    this.#leading = false
    this.#leader = leader
    for (const pods of [...this.#pods.values()]) for (const { stream } of [...pods.values()]) this.#sendOn(stream)
  }

  /** Connections from now on get this certificate; those that stand go on. */
  replaceCertificate(certificate: KeyPair): void {
    this.#tls.setSecureContext(secureContext(certificate))
  }

  /** Ends all streams and the port. Pods come to another replica then, and keep what they have. */
  async close(): Promise<void> {
    this.#closing = true
    this.#leading = false
    const closed = new Promise<void>((resolve) => this.#tls.close(() => resolve()))
    const message = 'this replica of the controller is going'
    for (const stream of this.#streams) stream.end({ reason: 'closed', code: Code.UNAVAILABLE, message })
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve
      if (this.#streams.size === 0) resolve()
    })
    this.#injector.destroy()
    for (const socket of this.#sockets.values()) socket.destroy()
    this.#grpc.forceShutdown()
    await closed
  }

  #onConnection(socket: TLSSocket): void {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`
    this.#sockets.set(peer, socket)
    socket.on('error', (error) => this.#log.debug({ err: error }, 'a connection broke'))
    socket.on('close', () => this.#sockets.delete(peer))
    this.#injector.injectConnection(socket)
  }

  async #onCall(call: PodCall): Promise<void> {
    const holder = await this.#authenticate(call)
    if (holder === undefined || call.cancelled) return
    if (this.#closing) return this.#refuse(call, 'closed', Code.UNAVAILABLE, 'this replica is going')
    const stream = new PodStream({
      call,
      holder,
      limits: this.#limits,
      log: this.#log,
      onHello: (stream, hello) => this.#onHello(stream, hello),
      onAck: (stream, ack) => this.#onAck(stream, ack),
      onSent: (stream, bytes) => this.#metrics.sent(stream.hello?.gateway ?? '', bytes),
      onEnd: (stream, reason) => this.#onEnd(stream, reason),
      cut: () => this.#sockets.get(call.getPeer())?.destroy(),
    })
    this.#streams.add(stream)
  }

  /** Whose stream this is; a call that is nobody's has been ended. */
  async #authenticate(call: PodCall): Promise<TokenHolder | undefined> {
    const [header] = call.metadata.get('authorization')
    const token = /^Bearer ([\x21-\x7e]+)$/i.exec(String(header))?.[1]
    const wanted = `a ServiceAccount token of the audience ${TOKEN_AUDIENCE}`
    if (token === undefined) {
      this.#refuse(call, 'unauthenticated', Code.UNAUTHENTICATED, `there is no token; ${wanted} is needed`)
      return undefined
    }
    try {
      const holder = await this.#reviewToken(token)
      if (holder === undefined)
        this.#refuse(call, 'unauthenticated', Code.UNAUTHENTICATED, `the token is not ${wanted} that is valid`)
      return holder
    } catch (error) {
      this.#log.warn({ err: error }, "a pod's token cannot be reviewed")
      this.#refuse(call, 'unauthenticated', Code.UNAVAILABLE, 'the token cannot be reviewed now')
      return undefined
    }
  }

  #onHello(stream: PodStream, hello: HelloFrame): void {
    const { gateway, pod, has } = hello
    const fault = notAllowed(stream.holder, hello)
    if (fault !== undefined) return stream.end({ reason: 'forbidden', code: Code.PERMISSION_DENIED, message: fault })
    if (!this.#leading) return this.#sendOn(stream)
    const pods = this.#pods.get(gateway) ?? new Map()
    if (!pods.has(pod) && pods.size >= this.#limits.podsOfOneGateway) {
      const message = `${gateway} has ${pods.size} pods with a stream already`
      return stream.end({ reason: 'too_many', code: Code.RESOURCE_EXHAUSTED, message })
    }
    this.#detach(gateway, pod, 'a newer stream of the pod is here')
    this.#pods.set(gateway, pods)
    stream.accept()
    const send = (frames: Iterable<Buffer>): void => {
      this.#metrics.pushed(gateway)
      stream.send(frames)
    }
    pods.set(pod, { stream, attachment: this.#snapshots.attach({ gateway, pod, has, send }) })
  }

  /** Of one pod one stream gets pushes: the one that came last, as the one before may be dead without knowing it. */
  #detach(gateway: string, pod: string, message: string): void {
    const before = this.#pods.get(gateway)?.get(pod)
    before?.attachment.detach()
    before?.stream.end({ reason: 'superseded', code: Code.ABORTED, message })
  }

  #onAck(stream: PodStream, ack: AckFrame): string | undefined {
    const { gateway = '', pod = '' } = stream.hello ?? {}
    const known = this.#pods.get(gateway)?.get(pod)
    if (known?.stream !== stream) return undefined
    const fault = known.attachment.ack(ack)
    if (fault === undefined) this.#metrics.acked(gateway, ack.refused.length)
    return fault
  }

  #sendOn(stream: PodStream): void {
    this.#drop(stream)
    if (this.#leader !== undefined) return stream.redirect(this.#leader)
    const message = 'no replica of the controller is known to lead'
    stream.end({ reason: 'not_leading', code: Code.UNAVAILABLE, message })
  }

  #onEnd(stream: PodStream, reason: StreamRefusal | undefined): void {
    this.#streams.delete(stream)
    this.#drop(stream)
    if (reason !== undefined) this.#metrics.ended(reason)
    if (this.#streams.size === 0) this.#onEmpty()
  }

  /** The stream gets no pushes any more. */
  #drop(stream: PodStream): void {
    const { gateway = '', pod = '' } = stream.hello ?? {}
    const pods = this.#pods.get(gateway)
    const known = pods?.get(pod)
    if (pods === undefined || known?.stream !== stream) return
    known.attachment.detach()
    pods.delete(pod)
    if (pods.size === 0) this.#pods.delete(gateway)
  }

  #refuse(call: PodCall, reason: StreamRefusal, code: Code, message: string): void {
    this.#metrics.ended(reason)
    endCall(call, code, message)
  }
}

/** A pod gets its own Gateway only: its ServiceAccount is named exactly like the Gateway, in the same namespace. */
function notAllowed({ namespace, serviceAccount, pod }: TokenHolder, hello: HelloFrame): string | undefined {
  if (hello.gateway !== `${namespace}/${serviceAccount}`)
    return `the token of the ServiceAccount ${namespace}/${serviceAccount} is not good for the Gateway ${hello.gateway}`
  if (pod !== undefined && hello.pod !== pod) return `the token of the pod ${pod} is not good for the pod ${hello.pod}`
  return undefined
}

function secureContext({ certificate, privateKey }: KeyPair): { cert: string; key: string } {
  return { cert: certificate, key: privateKey }
}

function createGrpcServer({ idleMs, keepaliveMs }: PushServerLimits, onCall: (call: PodCall) => void): GrpcServer {
  const server = new GrpcServer({
    'grpc.max_receive_message_length': MAX_UP_FRAME_BYTES,
    'grpc.max_send_message_length': MAX_PART_BYTES,
    'grpc.max_concurrent_streams': 4,
    'grpc.max_connection_idle_ms': idleMs,
    'grpc.keepalive_time_ms': keepaliveMs,
    'grpc.keepalive_timeout_ms': keepaliveMs,
  })
  server.register(PUSH_METHOD, onCall, pass, pass, 'bidi')
  return server
}
