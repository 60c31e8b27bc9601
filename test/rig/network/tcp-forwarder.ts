import { connect, createServer, type Server, type Socket } from 'node:net'

/** One place that a connection may be forwarded to. */
export interface Endpoint {
  readonly address: string
  readonly port: number
}

/** What a forwarder listens on. */
export type ForwardedAddress = Endpoint

/**
 * Forwards connections of one address to endpoints in turn, as kube-proxy would: the choice is made once for each
 * connection, a change of the endpoints cuts none, and a connection that its endpoint refuses is reset, not tried
 * elsewhere, so that the rig hides no race between an endpoint's end and the news of it.
 */
export class TcpForwarder {
  readonly #listen: ForwardedAddress
  #endpoints: readonly Endpoint[]
  #turn = 0
  #server: Server | undefined
  readonly #sockets = new Set<Socket>()

  constructor(listen: ForwardedAddress, endpoints: readonly Endpoint[]) {
    this.#listen = listen
    this.#endpoints = endpoints
  }

  /** Begins to listen. Rejects when the address cannot be had. */
  start(): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#forward(socket))
    this.#server = server
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host: this.#listen.address, port: this.#listen.port, backlog: 1024 }, () => {
        server.off('error', reject)
        resolve()
      })
    })
  }

  /** The endpoints of connections to come. */
  set endpoints(endpoints: readonly Endpoint[]) {
    this.#endpoints = endpoints
  }

  /** Stops listening: new connections are refused by the kernel, those that exist go on. */
  close(): void {
    this.#server?.close()
  }

  /** Stops listening and cuts every connection. */
  destroy(): void {
    this.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #forward(client: Socket): void {
    const endpoint = this.#endpoints[this.#turn++ % Math.max(this.#endpoints.length, 1)]
    this.#watch(client)
    if (endpoint === undefined) {
      client.resetAndDestroy()
      return
    }
    const upstream = connect({ host: endpoint.address, port: endpoint.port, allowHalfOpen: true, noDelay: true })
    this.#watch(upstream)
    // A reset on one side is a reset on the other; an orderly end stays one, for each direction on its own.
    client.on('error', () => upstream.resetAndDestroy())
    upstream.on('error', () => client.resetAndDestroy())
    client.pipe(upstream)
    upstream.pipe(client)
  }

  #watch(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
  }
}
