import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls'
import { nowMs } from '../../../runtime/clock.ts'
import { type TlsBinding, TlsContexts } from '../tls-contexts.ts'
import type { InboundRequest } from '../transport.ts'
import { ClientConnection } from './client-connection.ts'

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
  const server = new Http1Server(options)
  await server.listen(options.host, options.port)
  return server
}

/** How often the server looks for requests that take too long. */
const TIMEOUT_CHECK_MS = 1_000

class Http1Server implements HttpServer {
  readonly listenerPort: number
  readonly encrypted: boolean
  readonly #server: Server | TlsServer
  readonly #options: ServerOptions
  readonly #limits: ServerLimits
  /** All sockets, those in the TLS handshake included. */
  readonly #sockets = new Set<Socket>()
  readonly #connections = new Set<ClientConnection>()
  readonly #timeouts: NodeJS.Timeout
  #contexts: TlsContexts | undefined
  #draining = false
  #onLastClosed: (() => void) | undefined

  constructor(options: ServerOptions) {
    this.#options = options
    this.#limits = { ...DEFAULT_SERVER_LIMITS, ...options.limits }
    this.listenerPort = options.listenerPort
    this.encrypted = options.tls !== undefined
    // A client that has sent all may say so and still wait for its answer to what is wrong with it.
    const shared = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }
    if (options.tls === undefined) {
      this.#server = createTcpServer(shared)
    } else {
      this.#server = createTlsServer({
        ...shared,
        handshakeTimeout: this.#limits.handshakeTimeoutMs,
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
    this.#listenForClients()
    this.#timeouts = setInterval(() => this.#checkTimeouts(), TIMEOUT_CHECK_MS).unref()
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0
  }

  get connections(): number {
    return this.#sockets.size
  }

  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const onError = (error: Error): void => {
        clearInterval(this.#timeouts)
        reject(error)
      }
      this.#server.once('error', onError)
      this.#server.listen({ host, port, backlog: 4096 }, () => {
        this.#server.off('error', onError)
        resolve()
      })
    })
  }

  setTls(bindings: readonly TlsBinding[]): void {
    if (!this.encrypted) throw new Error(`port ${this.listenerPort} does not speak TLS`)
    const contexts = new TlsContexts(bindings)
    const { fallback } = contexts
    // For clients without SNI. Without any certificate their handshake fails, as it should.
    ;(this.#server as TlsServer).setSecureContext(
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
      this.#server.close(() => {
        clearTimeout(deadline)
        clearInterval(this.#timeouts)
        // A server is closed before its last sockets have told that they are.
        if (this.#sockets.size === 0) resolve()
        else this.#onLastClosed = resolve
      })
      for (const connection of this.#connections) connection.closeIfIdle()
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
    if (!this.encrypted) return
    server.on('secureConnection', (socket: TLSSocket) => this.#connect(socket))
    server.on('tlsClientError', (_error: Error, socket: TLSSocket) => socket.destroy())
  }

  #connect(socket: Socket | TLSSocket): void {
    const connection = new ClientConnection(socket, {
      listenerPort: this.listenerPort,
      encrypted: this.encrypted,
      limits: this.#limits,
      draining: () => this.#draining,
      onRequest: this.#options.onRequest,
      onFault: (error) => this.#options.onFault?.(error),
    })
    this.#connections.add(connection)
    this.#options.onConnection?.()
    socket.once('close', () => this.#connections.delete(connection))
  }

  #checkTimeouts(): void {
    const now = nowMs()
    for (const connection of this.#connections) connection.checkTimeouts(now)
  }
}
