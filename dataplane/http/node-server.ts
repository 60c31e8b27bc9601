import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https'
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { ClientConnection } from './client-connection.ts'
import { refuseConnection } from './refusal.ts'
import { type TlsBinding, TlsContexts } from './tls-contexts.ts'
import type { InboundRequest } from './transport.ts'

export interface ServerLimits {
  /** A request's head; a larger one is answered 431. */
  readonly headerBytes: number
  /** Until the head is there. */
  readonly headersTimeoutMs: number
  /** Until the request is there whole; 408 then. */
  readonly requestTimeoutMs: number
  /** How long an idle connection is kept: longer than load balancers keep theirs. */
  readonly keepAliveMs: number
  readonly handshakeTimeoutMs: number
}

export const DEFAULT_SERVER_LIMITS: ServerLimits = {
  headerBytes: 64 * 1024,
  headersTimeoutMs: 15_000,
  requestTimeoutMs: 300_000,
  keepAliveMs: 75_000,
  handshakeTimeoutMs: 10_000,
}

export interface ServerOptions {
  /** Where to listen; port 0 is any free one. */
  readonly host: string
  readonly port: number
  /** The port in the manifest. */
  readonly listenerPort: number
  /** Given: the port speaks TLS. */
  readonly tls?: readonly TlsBinding[]
  readonly limits?: Partial<ServerLimits>
  readonly onRequest: (inbound: InboundRequest) => void
  /** A client opened a connection; over TLS: finished its handshake. */
  readonly onConnection?: () => void
  /**
   * Told what is no request's fault: a connection could not be accepted, or an answer was given with a head that
   * cannot be written. To be logged.
   */
  readonly onFault?: (error: unknown) => void
}

/** One port that takes requests. */
export interface HttpServer {
  /** The port that it really listens on. */
  readonly port: number
  readonly listenerPort: number
  readonly encrypted: boolean
  /** Connections that are open, handshakes included. */
  readonly connections: number
  /** From the next handshake on; connections that are open stay. @throws Error when a certificate cannot be used */
  setTls(bindings: readonly TlsBinding[]): void
  /**
   * Stops listening, closes idle connections, lets active requests end (with `connection: close`) and cuts those that
   * still run after `deadlineMs`. Resolves when no connection is left.
   */
  close(deadlineMs: number): Promise<void>
}

/** Listens on one port. @throws Error when it cannot (the port is taken) or when a certificate cannot be used */
export async function startServer(options: ServerOptions): Promise<HttpServer> {
  const server = new NodeServer(options)
  await server.listen(options.host, options.port)
  return server
}

/** How often node looks for requests that take too long. */
const TIMEOUT_CHECK_MS = 1_000

class NodeServer implements HttpServer {
  readonly listenerPort: number
  readonly encrypted: boolean
  readonly #server: Server | HttpsServer
  readonly #options: ServerOptions
  /** All sockets, those in the TLS handshake included. */
  readonly #sockets = new Set<Socket>()
  /** By the socket that requests name: the TLS one where there is one. */
  readonly #connections = new Map<Socket, ClientConnection>()
  #contexts: TlsContexts | undefined
  #draining = false
  /** Node calls a server closed before its last sockets have told that they are. */
  #onLastClosed: (() => void) | undefined

  constructor(options: ServerOptions) {
    this.#options = options
    this.listenerPort = options.listenerPort
    this.encrypted = options.tls !== undefined
    const limits = { ...DEFAULT_SERVER_LIMITS, ...options.limits }
    const shared = {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      // We answer ourselves, so that the client reads what is missing.
      requireHostHeader: false,
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
    }
    if (options.tls === undefined) {
      this.#server = createHttpServer(shared)
    } else {
      this.#server = createHttpsServer({
        ...shared,
        handshakeTimeout: limits.handshakeTimeoutMs,
        minVersion: 'TLSv1.2',
        ALPNProtocols: ['http/1.1'],
        SNICallback: (name, done) => {
          const context = this.#contexts?.select(name)
          if (context === undefined) done(new Error('no listener for the server name'))
          else done(null, context)
        },
      })
      this.setTls(options.tls)
    }
    // Node drops what is beyond the count without a word; the bytes are bounded already.
    this.#server.maxHeadersCount = 0
    this.#listenForClients()
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0
  }

  get connections(): number {
    return this.#sockets.size
  }

  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port, backlog: 4096 }, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
  }

  setTls(bindings: readonly TlsBinding[]): void {
    if (!this.encrypted) throw new Error(`port ${this.listenerPort} does not speak TLS`)
    const contexts = new TlsContexts(bindings)
    const { fallback } = contexts
    // For clients without SNI. Without any certificate their handshake fails, as it should.
    ;(this.#server as HttpsServer).setSecureContext(
      fallback === undefined ? {} : { cert: fallback.certificate, key: fallback.privateKey },
    )
    this.#contexts = contexts
  }

  close(deadlineMs: number): Promise<void> {
    this.#draining = true
    return new Promise((resolve) => {
      const deadline = setTimeout(() => {
        for (const socket of this.#sockets) socket.destroy()
      }, deadlineMs)
      // Not http's own close: that one cuts answers which are ended but still on their way to a slow client.
      NetServer.prototype.close.call(this.#server, () => {
        clearTimeout(deadline)
        // Ends node's watch for slow requests; there is nothing else left to close.
        this.#server.close(() => {
          if (this.#sockets.size === 0) resolve()
          else this.#onLastClosed = resolve
        })
      })
      for (const connection of this.#connections.values()) connection.closeIfIdle()
    })
  }

  #listenForClients(): void {
    const server = this.#server
    server.on('error', (error) => {
      if (server.listening) this.#options.onFault?.(error)
    })
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => {
        this.#sockets.delete(socket)
        if (this.#sockets.size === 0) this.#onLastClosed?.()
      })
      if (!this.encrypted) this.#connect(socket)
    })
    if (this.encrypted) server.on('secureConnection', (socket: TLSSocket) => this.#connect(socket))
    const onRequest = (message: IncomingMessage, response: ServerResponse) => {
      this.#connections.get(message.socket)?.accept(message, response, false)
    }
    server.on('request', onRequest)
    server.on('checkContinue', (message: IncomingMessage, response: ServerResponse) => {
      this.#connections.get(message.socket)?.accept(message, response, true)
    })
    server.on('connect', (_message: IncomingMessage, socket: Socket) => {
      refuseConnection(socket, 501, 'CONNECT is not supported')
    })
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
      const connection = this.#connections.get(socket)
      if (connection === undefined) socket.destroy()
      else connection.onProtocolError(error)
    })
  }

  #connect(socket: Socket | TLSSocket): void {
    const connection = new ClientConnection(socket, {
      listenerPort: this.listenerPort,
      encrypted: this.encrypted,
      draining: () => this.#draining,
      onRequest: this.#options.onRequest,
      onFault: (error) => this.#options.onFault?.(error),
    })
    this.#connections.set(socket, connection)
    this.#options.onConnection?.()
    socket.once('close', () => {
      this.#connections.delete(socket)
      connection.onClose()
    })
  }
}
