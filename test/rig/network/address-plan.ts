/**
 * The addresses of the rig. All of them exist only inside the suite's private network namespace; the ranges are those
 * that clusters use by habit, and for load-balancers the documentation range of RFC 5737.
 */
export const ADDRESS_PLAN = {
  /** The node: the bridge's own address, the pods' default gateway, and where the kubelet's server listens. */
  node: '10.244.0.1',
  podPrefix: '10.244',
  podRange: '10.244.0.0/16',
  serviceRange: '10.96.0.0/16',
  loadBalancerPrefix: '203.0.113',
  loadBalancerRange: '203.0.113.0/24',
  dns: '10.96.0.10',
  kubeletPort: 10250,
} as const

/** Hands out addresses `PREFIX.x.y` (or `PREFIX.y` for a prefix of three numbers), each to one owner at a time. */
export class AddressPool {
  readonly #prefix: string
  readonly #count: number
  readonly #first: number
  readonly #owners = new Map<string, string>()
  #next: number

  /** @param first the first number handed out, counted from the start of the range */
  constructor(prefix: string, first: number) {
    this.#prefix = prefix
    this.#count = prefix.split('.').length === 3 ? 255 : 65_535
    this.#first = first
    this.#next = first
  }

  /** The owner's address, a new one if it has none. Addresses are reused as late as possible. Throws when none is left. */
  take(owner: string): string {
    for (const [address, holder] of this.#owners) if (holder === owner) return address
    for (let tries = this.#first; tries < this.#count; tries++) {
      const number = this.#next
      this.#next = number + 1 < this.#count ? number + 1 : this.#first
      const address = this.#address(number)
      if (!this.#owners.has(address) && (number & 255) !== 255) {
        this.#owners.set(address, owner)
        return address
      }
    }
    throw new Error(`no address is left in ${this.#prefix}`)
  }

  /** Takes this very address. @returns whether it lies in the range and was free, or the owner's already */
  claim(address: string, owner: string): boolean {
    if (!address.startsWith(`${this.#prefix}.`)) return false
    const holder = this.#owners.get(address)
    if (holder !== undefined) return holder === owner
    for (const [held, other] of this.#owners) if (other === owner) this.#owners.delete(held)
    this.#owners.set(address, owner)
    return true
  }

  /** Gives the owner's address back. */
  release(owner: string): void {
    for (const [address, holder] of this.#owners) if (holder === owner) this.#owners.delete(address)
  }

  #address(number: number): string {
    return this.#count === 255 ? `${this.#prefix}.${number}` : `${this.#prefix}.${number >> 8}.${number & 255}`
  }
}
