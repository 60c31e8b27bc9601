import { MAX_PUSH_BYTES, type PushFrame, type RefusedResource, readResource, shortened } from '../../contract/frames.ts'
import type { Resource, Snapshot } from '../../contract/snapshot.ts'

/** What is here: the forms by key, and which of them were refused. */
interface Stock {
  readonly resources: ReadonlyMap<string, Resource>
  readonly refusedKeys: ReadonlySet<string>
}

/** A push that is whole. */
export interface Assembled {
  readonly nonce: number
  /**
   * Of the version's resources those that can be read here, sorted by key; for one that cannot, the last form that
   * could; and for each held key the form that is here, if there is one.
   */
  readonly snapshot: Snapshot
  /** Resources that this release cannot read. */
  readonly unreadable: readonly RefusedResource[]
}

/** What one more part made of the push. */
export type PartOutcome =
  | { readonly kind: 'more' }
  | { readonly kind: 'whole'; readonly push: Assembled }
  | { readonly kind: 'bad'; readonly message: string }

/**
 * Puts the parts of pushes together and adds them to what is here. A push changes nothing before it is whole and
 * {@link PushAssembly.settle} said that it was taken up.
 */
export class PushAssembly {
  readonly #gateway: string
  #stock: Stock
  #parts: PushFrame[] = []
  #bytes = 0
  #next: ReadonlyMap<string, Resource> | undefined
  /** Of this stream: what could not be read and is still in the version. */
  #unreadable = new Map<string, RefusedResource>()

  /** @param running what was taken up before there was a stream */
  constructor(gateway: string, running?: { snapshot: Snapshot; refused: readonly RefusedResource[] }) {
    this.#gateway = gateway
    this.#stock = {
      resources: new Map(running?.snapshot.resources.map((resource) => [resource.key, resource])),
      refusedKeys: new Set(running?.refused.map(({ key }) => key)),
    }
  }

  /**
   * Begins a stream: parts of the one before are dropped.
   * @returns the digest of each resource by key; none for what was refused, so that it comes again and is refused again
   */
  begin(): Record<string, string> {
    this.#dropParts()
    this.#next = undefined
    this.#unreadable = new Map()
    const { resources, refusedKeys } = this.#stock
    return Object.fromEntries(
      [...resources].map(([key, { digest }]) => [key, refusedKeys.has(key) ? '' : digest] as const),
    )
  }

  /** Forgets what is here, so that a controller can start from nothing. */
  forget(): void {
    this.#stock = { resources: new Map(), refusedKeys: new Set() }
  }

  /** @param bytes the length of the frame */
  add(frame: PushFrame, bytes: number): PartOutcome {
    const [first] = this.#parts
    if (this.#next !== undefined) return bad(`push ${frame.nonce} came before the ack of the one before`)
    if (frame.part !== this.#parts.length)
      return bad(`part ${frame.part} of push ${frame.nonce} came where ${this.#parts.length} was due`)
    if (first !== undefined && (first.nonce !== frame.nonce || first.version !== frame.version))
      return bad(`a part of push ${frame.nonce} came among those of push ${first.nonce}`)
    this.#bytes += bytes
    if (this.#bytes > MAX_PUSH_BYTES) return bad(`push ${frame.nonce} has more than ${MAX_PUSH_BYTES} bytes`)
    this.#parts.push(frame)
    if (!frame.last) return { kind: 'more' }
    const push = this.#assemble(frame)
    this.#dropParts()
    return { kind: 'whole', push }
  }

  /** The push that came last was taken up, but for these. */
  settle(refused: readonly RefusedResource[]): void {
    if (this.#next === undefined) return
    this.#stock = { resources: this.#next, refusedKeys: new Set(refused.map(({ key }) => key)) }
    this.#next = undefined
  }

  #assemble({ nonce, version }: PushFrame): Assembled {
    const resources = new Map(this.#stock.resources)
    for (const key of this.#parts.flatMap(({ remove }) => remove)) {
      resources.delete(key)
      this.#unreadable.delete(key)
    }
    for (const bare of this.#parts.flatMap(({ upsert }) => upsert)) {
      const read = readResource(bare)
      if (read.ok) {
        resources.set(bare.key, read.resource)
        this.#unreadable.delete(bare.key)
      } else this.#unreadable.set(bare.key, shortened(read.refusal))
    }
    const hold = this.#parts.flatMap(({ hold }) => hold)
    for (const key of hold) this.#unreadable.delete(key)
    this.#next = resources
    const sorted = [...resources.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
    return {
      nonce,
      snapshot: { gateway: this.#gateway, version, resources: sorted, hold },
      unreadable: [...this.#unreadable.values()],
    }
  }

  #dropParts(): void {
    this.#parts = []
    this.#bytes = 0
  }
}

function bad(message: string): PartOutcome {
  return { kind: 'bad', message }
}
