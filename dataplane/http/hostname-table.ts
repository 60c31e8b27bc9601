import { normalHost } from '../../runtime/address.ts'

/**
 * Values by hostname, as Gateway API compares hostnames: exact names, wildcards `*.x` (one or more labels in front of
 * x, never x itself) and one for any host; the more specific comes first, the longer wildcard before the shorter.
 */
export class HostnameTable<T> {
  readonly #exact = new Map<string, T>()
  /** By suffix: `*.example.com` stands as `.example.com`. */
  readonly #wildcard = new Map<string, T>()
  #any: T | undefined

  /** @param hostname undefined: any host */
  set(hostname: string | undefined, value: T): void {
    if (hostname === undefined) this.#any = value
    else if (hostname.startsWith('*.')) this.#wildcard.set(normalHost(hostname.slice(1)), value)
    else this.#exact.set(normalHost(hostname), value)
  }

  /** The value that was set for exactly this hostname. */
  get(hostname: string | undefined): T | undefined {
    if (hostname === undefined) return this.#any
    if (hostname.startsWith('*.')) return this.#wildcard.get(normalHost(hostname.slice(1)))
    return this.#exact.get(normalHost(hostname))
  }

  /** The values for a host (lower case), the most specific first, until `accept` takes one. */
  find<R>(host: string, accept: (value: T) => R | undefined): R | undefined {
    const exact = this.#exact.get(host)
    if (exact !== undefined) {
      const accepted = accept(exact)
      if (accepted !== undefined) return accepted
    }
    if (this.#wildcard.size > 0) {
      for (let dot = host.indexOf('.', 1); dot >= 0; dot = host.indexOf('.', dot + 1)) {
        const wildcard = this.#wildcard.get(host.slice(dot))
        const accepted = wildcard === undefined ? undefined : accept(wildcard)
        if (accepted !== undefined) return accepted
      }
    }
    return this.#any === undefined ? undefined : accept(this.#any)
  }

  /** The value for a host (lower case) that is the most specific. */
  best(host: string): T | undefined {
    return this.find(host, (value) => value)
  }

  /** All values, in no order. */
  values(): T[] {
    const values = [...this.#exact.values(), ...this.#wildcard.values()]
    return this.#any === undefined ? values : [...values, this.#any]
  }
}
