import { type AckFrame, distinctRefusals, type RefusedResource } from '../../contract/frames.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import type { GatewayAck } from '../api/verdict.ts'
import { deltaOf, partsOf } from './delta.ts'

/** What one pod that has a stream said of the newest version that it acked. */
export interface PodAck extends GatewayAck {
  /** The pod's name. */
  readonly pod: string
}

/** One pod's end of its stream, as the registry uses it. */
export interface PodChannel {
  /** `namespace/name`. */
  readonly gateway: string
  readonly pod: string
  /** What the pod has, as its Hello says. */
  readonly has: Readonly<Record<string, string>>
  /** Sends frames in this order; takes the next one when the one before is on its way. Asked again after an ack only. */
  send(frames: Iterable<Buffer>): void
}

/** What holds a pod's place in the registry. */
export interface Attachment {
  /** @returns why the ack fits no push, when it does not */
  ack(frame: AckFrame): string | undefined
  /** The stream is over. What was acked stays known. */
  detach(): void
}

/**
 * What each Gateway's pods should run, what each pod that has a stream has, and what it acked. At most one push of a
 * stream is without an ack; the next one brings the newest snapshot, whatever was between.
 */
export class SnapshotRegistry {
  readonly #snapshots = new Map<string, Snapshot>()
  readonly #pods = new Map<string, Set<Pod>>()
  /** The newest ack of each Gateway, so that what is known outlives the streams. */
  readonly #lastAcks = new Map<string, GatewayAck>()
  readonly #onAck: (ack: PodAck) => void

  /** @param onAck called after each ack, also for one that a Hello stands for */
  constructor(onAck: (ack: PodAck) => void = () => {}) {
    this.#onAck = onAck
  }

  /** Replaces all snapshots, and pushes what is new. A Gateway that is not among them gets nothing any more. */
  update(snapshots: readonly Snapshot[]): void {
    const named = new Set(snapshots.map(({ gateway }) => gateway))
    for (const gateway of this.#snapshots.keys()) {
      if (named.has(gateway)) continue
      this.#snapshots.delete(gateway)
      this.#lastAcks.delete(gateway)
    }
    for (const snapshot of snapshots) {
      this.#snapshots.set(snapshot.gateway, snapshot)
      for (const pod of this.#pods.get(snapshot.gateway) ?? []) this.#advance(pod)
    }
  }

  /** A pod has said Hello: it gets what it lacks, now and whenever there is something new. */
  attach(channel: PodChannel): Attachment {
    const pod: Pod = {
      channel,
      known: new Map(Object.entries(channel.has)),
      tooLarge: new Map(),
      nonce: 0,
      inFlight: undefined,
      acked: undefined,
    }
    const pods = this.#pods.get(channel.gateway) ?? new Set()
    this.#pods.set(channel.gateway, pods.add(pod))
    this.#advance(pod)
    return {
      ack: (frame) => this.#ack(pod, frame),
      detach: () => {
        pods.delete(pod)
        if (pods.size === 0 && this.#pods.get(channel.gateway) === pods) this.#pods.delete(channel.gateway)
      },
    }
  }

  /**
   * One for each Gateway of which some pod acked something: the newest version if a pod that has a stream runs it, with
   * all that is refused by one of those that do; else what was acked last.
   */
  acks(): GatewayAck[] {
    return [...this.#snapshots.values()].flatMap(({ gateway, version }) => {
      const running = this.podAcks(gateway).filter((ack) => ack.version === version)
      if (running.length > 0)
        return { gateway, version, refused: distinctRefusals(running.flatMap(({ refused }) => refused)) }
      return this.#lastAcks.get(gateway) ?? []
    })
  }

  /** What each pod that has a stream acked last, of one Gateway or of all. */
  podAcks(gateway?: string): PodAck[] {
    const sets = gateway === undefined ? [...this.#pods.values()] : [this.#pods.get(gateway) ?? []]
    return sets.flatMap((pods) => [...pods].flatMap(({ acked }) => acked ?? []))
  }

  /** Sends the pod what it lacks of the newest snapshot, unless it has yet to answer. */
  #advance(pod: Pod): void {
    const snapshot = this.#snapshots.get(pod.channel.gateway)
    if (snapshot === undefined || pod.inFlight !== undefined || pod.acked?.version === snapshot.version) return
    const { version } = snapshot
    const delta = deltaOf(pod.known, snapshot)
    note(pod, snapshot, delta.tooLarge)
    const isFirst = pod.acked === undefined && pod.nonce === 0
    if (isFirst && pod.known.size > 0 && delta.upsert.length === 0 && delta.remove.length === 0)
      return this.#settle(pod, version, [])
    pod.nonce += 1
    pod.inFlight = { nonce: pod.nonce, version }
    pod.channel.send(partsOf(delta, version, pod.nonce))
  }

  #ack(pod: Pod, { nonce, version, refused }: AckFrame): string | undefined {
    if (pod.inFlight?.nonce !== nonce) return `an ack of push ${nonce}, which awaits none`
    if (pod.inFlight.version !== version) return `an ack of push ${nonce} for another version than was pushed`
    pod.inFlight = undefined
    this.#settle(pod, version, refused)
    this.#advance(pod)
    return undefined
  }

  #settle(pod: Pod, version: string, refused: readonly RefusedResource[]): void {
    const { gateway, pod: name } = pod.channel
    const ack: PodAck = { gateway, pod: name, version, refused: [...refused, ...pod.tooLarge.values()] }
    pod.acked = ack
    const newest = this.#snapshots.get(gateway)?.version
    // A pod that lags behind takes nothing back of what another one said.
    if (newest !== undefined && (version === newest || this.#lastAcks.get(gateway)?.version !== newest))
      this.#lastAcks.set(gateway, { gateway, version, refused: ack.refused })
    this.#onAck(ack)
  }
}

interface Pod {
  readonly channel: PodChannel
  /** Digests by key that the pod has once it has read everything that was sent. */
  readonly known: Map<string, string>
  /** By key: what could not be sent of the snapshot that was sent last. */
  readonly tooLarge: Map<string, RefusedResource>
  nonce: number
  inFlight: { readonly nonce: number; readonly version: string } | undefined
  acked: PodAck | undefined
}

/** What the pod will have of the snapshot; what is held stays as it is. */
function note(pod: Pod, snapshot: Snapshot, tooLarge: readonly RefusedResource[]): void {
  const digests = new Map(snapshot.resources.map(({ key, digest }) => [key, digest]))
  for (const key of pod.tooLarge.keys()) {
    if (digests.get(key) !== pod.known.get(key)) pod.tooLarge.delete(key)
  }
  for (const refusal of tooLarge) pod.tooLarge.set(refusal.key, refusal)
  const held = new Set(snapshot.hold)
  for (const key of pod.known.keys()) if (!digests.has(key) && !held.has(key)) pod.known.delete(key)
  for (const [key, digest] of digests) pod.known.set(key, digest)
}
