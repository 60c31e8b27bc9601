import type { RefusedResource } from '../contract/frames.ts'
import type { CredentialResource, ListenerResource } from '../contract/snapshot.ts'
import type { Log } from '../runtime/log.ts'
import { type HttpServer, startServer } from './http/http1/server.ts'
import type { TlsBinding } from './http/tls-contexts.ts'
import type { InboundRequest } from './http/transport.ts'

export interface PortsOptions {
  readonly gateway: string
  readonly bindHost: string
  /** Port in the manifest → port that is listened on. */
  readonly portMap: ReadonlyMap<number, number>
  readonly drainMs: number
  readonly onRequest: (inbound: InboundRequest) => void
  readonly onConnection: (listenerPort: number, protocol: 'HTTP' | 'HTTPS') => void
  readonly log: Log
}

/** The ports that one Gateway's listeners listen on; follows the plan without touching what stays. */
export class Ports {
  readonly #options: PortsOptions
  readonly #servers = new Map<number, HttpServer>()
  readonly #closing = new Set<Promise<void>>()

  constructor(options: PortsOptions) {
    this.#options = options
  }

  /** Connections that are open, all ports together. */
  get connections(): number {
    let sum = 0
    for (const server of this.#servers.values()) sum += server.connections
    return sum
  }

  /** Where a port of the manifests really listens; undefined when it does not. */
  localPort(listenerPort: number): number | undefined {
    return this.#servers.get(listenerPort)?.port
  }

  /**
   * Opens what is new, gives open TLS ports their certificates, drains what is gone.
   * @returns the listeners that do not listen, and why
   */
  async follow(
    listeners: readonly ListenerResource[],
    credentials: ReadonlyMap<string, CredentialResource>,
  ): Promise<readonly RefusedResource[]> {
    const byPort = Map.groupBy(listeners, (listener) => listener.port)
    for (const [port, server] of this.#servers) {
      const encrypted = byPort.get(port)?.[0]?.protocol === 'HTTPS'
      if (byPort.has(port) && server.encrypted === encrypted) continue
      this.#servers.delete(port)
      this.#drain(server)
      this.#options.log.info({ gateway: this.#options.gateway, listenerPort: port }, 'stopped listening')
    }
    const refused: RefusedResource[] = []
    for (const [port, ofPort] of byPort) {
      const message = await this.#serve(port, ofPort, credentials)
      if (message !== undefined) refused.push(...ofPort.map(({ key }) => ({ key, path: 'port', message })))
    }
    return refused
  }

  /** Drains all ports: what is in flight may go on for so long. */
  async close(drainMs: number): Promise<void> {
    for (const server of this.#servers.values()) this.#drain(server, drainMs)
    this.#servers.clear()
    await Promise.all(this.#closing)
  }

  /** @returns why the port does not listen */
  async #serve(
    port: number,
    listeners: readonly ListenerResource[],
    credentials: ReadonlyMap<string, CredentialResource>,
  ): Promise<string | undefined> {
    const { gateway, bindHost, portMap, onRequest, onConnection, log } = this.#options
    const encrypted = listeners[0]?.protocol === 'HTTPS'
    const tls = encrypted ? listeners.map((listener) => bindingOf(listener, credentials)) : undefined
    try {
      const running = this.#servers.get(port)
      if (running !== undefined) {
        if (tls !== undefined) running.setTls(tls)
        return undefined
      }
      const server = await startServer({
        host: bindHost,
        port: portMap.get(port) ?? port,
        listenerPort: port,
        onRequest,
        onConnection: () => onConnection(port, encrypted ? 'HTTPS' : 'HTTP'),
        onFault: (error) => log.error({ gateway, listenerPort: port, err: error }, 'a connection failed'),
        ...(tls === undefined ? {} : { tls }),
      })
      this.#servers.set(port, server)
      log.info({ gateway, listenerPort: port, host: bindHost, port: server.port }, 'listening')
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }

  #drain(server: HttpServer, drainMs = this.#options.drainMs): void {
    const closing = server.close(drainMs).finally(() => this.#closing.delete(closing))
    this.#closing.add(closing)
  }
}

function bindingOf(listener: ListenerResource, credentials: ReadonlyMap<string, CredentialResource>): TlsBinding {
  const certificates = (listener.certificates ?? []).flatMap((key) => {
    const body = credentials.get(key)?.body
    return body?.type === 'certificate' ? [{ certificate: body.certificate, privateKey: body.privateKey }] : []
  })
  return { hostname: listener.hostname, certificates }
}
