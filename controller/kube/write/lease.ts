import { pause } from '../../../runtime/backoff.ts'
import { nowMs } from '../../../runtime/clock.ts'
import type { Log } from '../../../runtime/log.ts'
import type { KubeClient } from '../client/kube-client.ts'
import { hasStatus, KubeError } from '../client/kube-error.ts'
import { resourcePath } from '../client/resource-path.ts'

export interface LeaseTimes {
  /** How long others wait for a holder that no longer renews. */
  readonly leaseDurationMs: number
  /** A holder that could not renew for this long stops leading; shorter than `leaseDurationMs`, or two would lead. */
  readonly renewDeadlineMs: number
  /** Between two tries to acquire or to renew. */
  readonly retryPeriodMs: number
}

export const LEASE_TIMES: LeaseTimes = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2000 }

export interface LeaseOptions {
  readonly client: KubeClient
  readonly log: Log
  readonly namespace: string
  readonly name: string
  /** Who one is, unlike all others; followers read it, so that it may carry an address. */
  readonly identity: string
  /** One leads; the signal aborts as soon as one no longer does, before anybody else can. */
  readonly onLeading: (signal: AbortSignal) => void
  /** One led and does not any more, for good or for a while. */
  readonly onLost: () => void
  /** Another holder than before is seen; undefined: nobody. */
  readonly onHolder?: (identity: string | undefined) => void
  readonly times?: LeaseTimes
}

/** A part in the election, for as long as it is not closed. */
export interface LeaseElection {
  readonly isLeading: boolean
  /** Who leads, as far as one knows; undefined when the lease is free or nobody has renewed it in time. */
  holder(): string | undefined
  /** Stops; a lease that one holds is given back, so that the next need not wait for it to run out. */
  close(): Promise<void>
}

/** What is read of a Lease (coordination.k8s.io/v1). Times are RFC 3339 with microseconds. */
interface Lease {
  readonly metadata: { readonly resourceVersion: string }
  readonly spec?: LeaseSpec
}

interface LeaseSpec {
  readonly holderIdentity?: string
  readonly leaseDurationSeconds?: number
  readonly acquireTime?: string
  readonly renewTime?: string
  readonly leaseTransitions?: number
}

const LEASES = { apiVersion: 'coordination.k8s.io/v1', plural: 'leases', namespaced: true }

/** Takes part in the election of a leader, from now on. */
export function startLeaseElection(options: LeaseOptions): LeaseElection {
  const election = new Election(options)
  election.start()
  return election
}

/**
 * Leader election by a Lease, by the rules that client-go has: no clock is compared with another machine's. Whether the
 * holder is alive is told by whether the Lease has changed within its duration, by one's own monotonic clock; and who
 * leads gives up by the same clock, counted from when the last renewal that worked was sent.
 */
class Election implements LeaseElection {
  readonly #options: LeaseOptions
  readonly #times: LeaseTimes
  readonly #closing = new AbortController()
  #running: Promise<void> = Promise.resolve()
  /** The Lease as seen last, and when it was first seen so. */
  #seen: { readonly lease: Lease; readonly sinceMs: number } | undefined
  #told: string | undefined
  #leading: { readonly term: AbortController; renewedMs: number; timer: NodeJS.Timeout } | undefined

  constructor(options: LeaseOptions) {
    this.#options = options
    this.#times = options.times ?? LEASE_TIMES
    const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = this.#times
    if (!(leaseDurationMs > renewDeadlineMs && renewDeadlineMs > retryPeriodMs)) {
      throw new RangeError('a lease lasts longer than the time to renew it, and that longer than the retry period')
    }
  }

  start(): void {
    this.#running = this.#run()
  }

  get isLeading(): boolean {
    // The timer may be late; the clock is not.
    return this.#leading !== undefined && nowMs() - this.#leading.renewedMs < this.#times.renewDeadlineMs
  }

  holder(): string | undefined {
    const { holderIdentity = '' } = this.#seen?.lease.spec ?? {}
    return holderIdentity === '' || this.#isRunOut() ? undefined : holderIdentity
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
    this.#lose('closed')
    if (this.holder() === this.#options.identity) await this.#release()
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      await this.#try()
      this.#tellHolder()
      const { retryPeriodMs } = this.#times
      // Those who wait are spread, so that they do not all write at once; who leads is punctual.
      await pause(this.#leading === undefined ? retryPeriodMs * (1 + Math.random() * 0.2) : retryPeriodMs, signal)
    }
  }

  async #try(): Promise<void> {
    const { log, identity } = this.#options
    // A try that hangs must leave time for another.
    const deadline = AbortSignal.timeout(this.#times.renewDeadlineMs / 2)
    const signal = AbortSignal.any([this.#closing.signal, deadline])
    const sentMs = nowMs()
    try {
      await this.#acquireOrRenew(signal, sentMs)
    } catch (error) {
      if (this.#closing.signal.aborted) return
      // Somebody else was faster; what they wrote is read in the next round.
      if (!hasStatus(error, 409)) log.warn({ identity, reason: (error as Error).message }, 'cannot renew the lease')
    }
  }

  async #acquireOrRenew(signal: AbortSignal, sentMs: number): Promise<void> {
    const lease = await this.#read(signal)
    if (lease === undefined) {
      this.#lead(await this.#create(signal), sentMs)
      return
    }
    this.#see(lease)
    const { identity } = this.#options
    const { holderIdentity = '' } = lease.spec ?? {}
    const isOwn = holderIdentity === identity
    if (!isOwn && this.#leading !== undefined) this.#lose(`${holderIdentity} holds the lease`)
    if (!isOwn && holderIdentity !== '' && !this.#isRunOut()) return
    // Held by this name, but not led: a former life of this process, which nobody else may have taken over meanwhile.
    this.#lead(await this.#write(lease, identity, signal), sentMs)
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    try {
      return await this.#options.client.get<Lease>(this.#path(), { signal })
    } catch (error) {
      if (hasStatus(error, 404)) return undefined
      throw error
    }
  }

  #create(signal: AbortSignal): Promise<Lease> {
    const { client, namespace, name, identity } = this.#options
    const now = microTime()
    const body = {
      apiVersion: LEASES.apiVersion,
      kind: 'Lease',
      metadata: { name, namespace },
      spec: { ...this.#heldBy(identity), acquireTime: now, renewTime: now, leaseTransitions: 0 },
    }
    return client.create<Lease>(resourcePath(LEASES, { namespace }), body, { signal })
  }

  #write(lease: Lease, identity: string, signal: AbortSignal): Promise<Lease> {
    const { acquireTime, leaseTransitions = 0, holderIdentity } = lease.spec ?? {}
    const now = microTime()
    const isSame = holderIdentity === identity
    const spec: LeaseSpec = {
      ...lease.spec,
      ...this.#heldBy(identity),
      acquireTime: isSame ? (acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: isSame || identity === '' ? leaseTransitions : leaseTransitions + 1,
    }
    // With the resourceVersion that was read: of two who try, one gets 409.
    return this.#options.client.replace<Lease>(this.#path(), { ...lease, spec }, { signal })
  }

  #heldBy(identity: string): LeaseSpec {
    const leaseDurationSeconds = Math.max(1, Math.round(this.#times.leaseDurationMs / 1000))
    return { holderIdentity: identity, leaseDurationSeconds }
  }

  /** @param sentMs when the write that worked was sent: others count from when they see it, which is later */
  #lead(lease: Lease, sentMs: number): void {
    this.#see(lease)
    if (this.#closing.signal.aborted) return
    const { log, identity, onLeading } = this.#options
    if (this.#leading !== undefined) {
      this.#leading.renewedMs = sentMs
      clearTimeout(this.#leading.timer)
      this.#leading.timer = this.#deadline(sentMs)
      return
    }
    // It took so long that it is over again.
    if (nowMs() - sentMs >= this.#times.renewDeadlineMs) return
    const term = new AbortController()
    this.#leading = { term, renewedMs: sentMs, timer: this.#deadline(sentMs) }
    log.info({ identity }, 'leading')
    onLeading(term.signal)
  }

  #deadline(renewedMs: number): NodeJS.Timeout {
    const leftMs = renewedMs + this.#times.renewDeadlineMs - nowMs()
    return setTimeout(() => this.#lose('not renewed in time'), Math.max(0, leftMs))
  }

  #lose(reason: string): void {
    const leading = this.#leading
    if (leading === undefined) return
    this.#leading = undefined
    clearTimeout(leading.timer)
    const { log, identity, onLost } = this.#options
    log.info({ identity, reason }, 'no longer leading')
    leading.term.abort(new Error(`no longer leading: ${reason}`))
    onLost()
  }

  async #release(): Promise<void> {
    const { log, identity } = this.#options
    const signal = AbortSignal.timeout(this.#times.retryPeriodMs)
    try {
      const lease = await this.#read(signal)
      if (lease?.spec?.holderIdentity === identity) await this.#write(lease, '', signal)
    } catch (error) {
      const reason = error instanceof KubeError ? error.message : String(error)
      log.warn({ identity, reason }, 'cannot give the lease back: the next leader waits until it runs out')
    }
  }

  #see(lease: Lease): void {
    if (this.#seen?.lease.metadata.resourceVersion === lease.metadata.resourceVersion) return
    this.#seen = { lease, sinceMs: nowMs() }
  }

  /** Nobody has touched the Lease for as long as it says that it lasts. */
  #isRunOut(): boolean {
    if (this.#seen === undefined) return true
    const { leaseDurationSeconds = this.#times.leaseDurationMs / 1000 } = this.#seen.lease.spec ?? {}
    return nowMs() - this.#seen.sinceMs >= leaseDurationSeconds * 1000
  }

  #tellHolder(): void {
    const holder = this.holder()
    if (holder === this.#told) return
    this.#told = holder
    this.#options.onHolder?.(holder)
  }

  #path(): string {
    const { namespace, name } = this.#options
    return resourcePath(LEASES, { namespace, name })
  }
}

/** meta/v1 MicroTime. */
function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z')
}
