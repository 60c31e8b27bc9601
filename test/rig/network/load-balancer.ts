import type { ApiClient } from '../api-client.ts'
import type { Service } from '../kubelet/cluster-objects.ts'
import type { ObjectStore } from '../kubelet/object-store.ts'
import { ADDRESS_PLAN, AddressPool } from './address-plan.ts'

const AGAIN_MS = 500

/** Gives every Service of type LoadBalancer an address and writes it into its status; the service proxy forwards it. */
export class LoadBalancer {
  readonly #api: ApiClient
  readonly #services: ObjectStore<Service>
  readonly #pool = new AddressPool(ADDRESS_PLAN.loadBalancerPrefix, 1)
  readonly #timers = new Set<NodeJS.Timeout>()

  constructor(api: ApiClient, services: ObjectStore<Service>) {
    this.#api = api
    this.#services = services
  }

  /** Follows Services from now on. */
  start(): void {
    this.#services.onChange((key) => this.#consider(key))
    for (const { metadata } of [...this.#services.values()]) this.#consider(`${metadata.namespace}/${metadata.name}`)
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer)
  }

  #consider(key: string): void {
    const service = this.#services.get(key)
    const given = service?.status?.loadBalancer?.ingress?.[0]?.ip
    if (service?.spec.type !== 'LoadBalancer' || service.spec.loadBalancerClass !== undefined) {
      this.#pool.release(key)
      return
    }
    const address = this.#addressFor(key, service, given)
    if (address === undefined || address === given) return
    this.#write(service, address).catch(() => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer)
        this.#consider(key)
      }, AGAIN_MS)
      this.#timers.add(timer)
    })
  }

  /** The address that it asks for, the one it has, or a new one; none while the one it asks for is another's. */
  #addressFor(key: string, { spec }: Service, given: string | undefined): string | undefined {
    const wanted = spec.loadBalancerIP
    if (wanted !== undefined && wanted !== '') return this.#pool.claim(wanted, key) ? wanted : undefined
    if (given !== undefined && this.#pool.claim(given, key)) return given
    return this.#pool.take(key)
  }

  async #write({ metadata }: Service, ip: string): Promise<void> {
    const path = `/api/v1/namespaces/${metadata.namespace}/services/${metadata.name}/status`
    const { status } = await this.#api.request('PATCH', path, {
      body: { status: { loadBalancer: { ingress: [{ ip, ipMode: 'VIP' }] } } },
      contentType: 'application/merge-patch+json',
    })
    if (status >= 500) throw new Error(`status of service ${metadata.name}: ${status}`)
  }
}
