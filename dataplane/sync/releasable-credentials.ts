import type { Socket } from 'node:net'
import { ChannelCredentials, credentials } from '@grpc/grpc-js'

type Connect = ChannelCredentials['_createSecureConnector']

/**
 * TLS credentials that can give their connections back. grpc-js has no limit for a TLS handshake and leaves one that is
 * under way alone when its client is closed: a peer that accepts connections and says nothing would gather one more with
 * each attempt.
 */
export class ReleasableCredentials extends ChannelCredentials {
  readonly #tls: ChannelCredentials
  readonly #sockets = new Set<Socket>()
  #released = false

  /** @param ca PEM certificates; nothing else is trusted */
  constructor(ca: Buffer) {
    super()
    this.#tls = credentials.createSsl(ca)
  }

  /** Cuts all connections, those under way included, and lets none come after. */
  release(): void {
    this.#released = true
    for (const socket of this.#sockets) socket.destroy()
  }

  override _isSecure(): boolean {
    return true
  }

  override _equals(other: ChannelCredentials): boolean {
    return other === this
  }

  override _createSecureConnector(...args: Parameters<Connect>): ReturnType<Connect> {
    const connector = this.#tls._createSecureConnector(...args)
    return {
      connect: async (socket) => {
        // grpc-js cuts the socket of a connector that rejects.
        if (this.#released) throw new Error('released')
        this.#sockets.add(socket)
        socket.once('close', () => this.#sockets.delete(socket))
        return await connector.connect(socket)
      },
      waitForReady: () => connector.waitForReady(),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => connector.destroy(),
    }
  }
}
