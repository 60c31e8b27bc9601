import type { EndpointSlice, Service } from '../kubelet/cluster-objects.ts'
import type { ObjectStore } from '../kubelet/object-store.ts'
import { forwardingTable } from './forwarding-table.ts'
import { type Endpoint, TcpForwarder } from './tcp-forwarder.ts'

/** Makes the addresses of Services work, for pods and for the suite, by a forwarder on each (see forwarding-table.ts). */
export class ServiceProxy {
  readonly #services: ObjectStore<Service>
  readonly #slices: ObjectStore<EndpointSlice>
  readonly #apiServer: Endpoint
  readonly #say: (line: string) => void
  readonly #forwarders = new Map<string, TcpForwarder>()
  #due = false

  /** @param say gets a line for an address that cannot be listened on */
  constructor(
    services: ObjectStore<Service>,
    slices: ObjectStore<EndpointSlice>,
    apiServer: Endpoint,
    say: (line: string) => void,
  ) {
    this.#services = services
    this.#slices = slices
    this.#apiServer = apiServer
    this.#say = say
  }

  /** Follows Services and EndpointSlices from now on; addresses that are known already are listened on when it resolves. */
  async start(): Promise<void> {
    this.#services.onChange(() => this.#changed())
    this.#slices.onChange(() => this.#changed())
    await this.#update()
  }

  /** Cuts every connection. */
  close(): void {
    for (const forwarder of this.#forwarders.values()) forwarder.destroy()
    this.#forwarders.clear()
  }

  /** One update for all changes that are known by the end of this turn. */
  #changed(): void {
    if (this.#due) return
    this.#due = true
    setImmediate(() => {
      this.#due = false
      void this.#update()
    })
  }

  async #update(): Promise<void> {
    const table = forwardingTable(this.#services.values(), this.#slices.values(), this.#apiServer)
    for (const [key, forwarder] of this.#forwarders) {
      if (table.has(key)) continue
      this.#forwarders.delete(key)
      forwarder.close()
    }
    const starts: Promise<void>[] = []
    for (const [key, { listen, endpoints }] of table) {
      const known = this.#forwarders.get(key)
      if (known !== undefined) {
        known.endpoints = endpoints
        continue
      }
      const forwarder = new TcpForwarder(listen, endpoints)
      this.#forwarders.set(key, forwarder)
      starts.push(
        forwarder.start().catch((error: Error) => {
          this.#say(`service address ${key}: ${error.message}`)
          if (this.#forwarders.get(key) === forwarder) this.#forwarders.delete(key)
        }),
      )
    }
    await Promise.all(starts)
  }
}
