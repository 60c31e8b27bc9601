import type { RefusedResource } from '../../contract/frames.ts'
import type { Snapshot } from '../../contract/snapshot.ts'

/** "This version runs here", but for what is refused. */
export interface Ack {
  readonly gateway: string
  readonly version: string
  readonly refused: readonly RefusedResource[]
}

/** Turns a snapshot into a plan that runs, beside the one that runs now. Throws only when weir has a bug. */
export type PlanBuilder<P> = (
  snapshot: Snapshot,
  current: P | undefined,
) => Promise<{ plan: P; refused: readonly RefusedResource[] }>

/**
 * Holds the plan that new requests are served by. Snapshots are taken up one after the other; one that waits is
 * overtaken by a newer one. A plan replaces its predecessor in one step, and a builder that throws leaves the
 * predecessor in place.
 */
export class PlanHolder<P> {
  readonly #build: PlanBuilder<P>
  #current: P | undefined
  #version: string | undefined
  #waiting: { snapshot: Snapshot; settle: ((ack: Ack | Error) => void)[] } | undefined
  #busy = false

  constructor(build: PlanBuilder<P>) {
    this.#build = build
  }

  get current(): P | undefined {
    return this.#current
  }

  /** The version that runs, once one does. */
  get version(): string | undefined {
    return this.#version
  }

  /**
   * Takes up a snapshot.
   * @returns the ack of the version that ran in its place: this one's, or that of a newer one which overtook it
   */
  apply(snapshot: Snapshot): Promise<Ack> {
    return new Promise((resolve, reject) => {
      const settle = (ack: Ack | Error): void => (ack instanceof Error ? reject(ack) : resolve(ack))
      this.#waiting = { snapshot, settle: [...(this.#waiting?.settle ?? []), settle] }
      if (!this.#busy) void this.#work()
    })
  }

  async #work(): Promise<void> {
    this.#busy = true
    for (let next = this.#waiting; next !== undefined; next = this.#waiting) {
      this.#waiting = undefined
      const { snapshot, settle } = next
      const outcome = await this.#takeUp(snapshot).catch((thrown: unknown) => thrown as Error)
      for (const one of settle) one(outcome)
    }
    this.#busy = false
  }

  async #takeUp(snapshot: Snapshot): Promise<Ack> {
    const { plan, refused } = await this.#build(snapshot, this.#current)
    this.#current = plan
    this.#version = snapshot.version
    return { gateway: snapshot.gateway, version: snapshot.version, refused }
  }
}
