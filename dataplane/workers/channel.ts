/** The end of a pipe between two processes, as node:child_process gives it to both. */
export interface ProcessPipe {
  readonly connected: boolean
  // node's own declarations of these two differ between `process` and a child.
  send?(message: unknown, handle: undefined, options: undefined, done: (error: Error | null) => void): boolean
  on(event: 'message', listener: (message: unknown) => void): unknown
  once(event: 'disconnect', listener: () => void): unknown
}

/** What one side answers: functions of at most one argument, by name. What they take and give is plain data. */
type Calls = { readonly [name: string]: (request: never) => Promise<unknown> }

type RequestOf<F> = F extends (...given: infer A) => unknown ? (A extends [infer R] ? R : undefined) : never
type ReplyOf<F> = F extends (request: never) => Promise<infer R> ? R : never

/** What a process of weir says to another one: a question, or the answer to one. */
type Message =
  | { readonly weir: 'call'; readonly id: number; readonly name: string; readonly request: unknown }
  | { readonly weir: 'reply'; readonly id: number; readonly reply: unknown }
  | { readonly weir: 'failure'; readonly id: number; readonly message: string }

/** The other process is gone, or does not answer in time. */
export class ChannelError extends Error {
  readonly reason: 'gone' | 'late'

  constructor(reason: 'gone' | 'late', message: string) {
    super(message)
    this.name = 'ChannelError'
    this.reason = reason
  }
}

interface Waiting {
  readonly resolve: (reply: unknown) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout | undefined
}

/**
 * Questions and answers between the primary and a worker, both ways: `Theirs` is what the other side answers.
 * A question is answered, fails as the other side failed, or is given up with a {@link ChannelError}.
 */
export class Channel<Theirs> {
  readonly #pipe: ProcessPipe
  readonly #ours: Calls
  readonly #waiting = new Map<number, Waiting>()
  #nextId = 1

  /** @param ours what this side answers */
  constructor(pipe: ProcessPipe, ours: Calls) {
    this.#pipe = pipe
    this.#ours = ours
    pipe.on('message', (message) => void this.#heard(message))
    pipe.once('disconnect', () => {
      for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(gone())
    })
  }

  /** @param limitMs how long the answer may take; absent: as long as the other side lives */
  call<K extends keyof Theirs & string>(
    name: K,
    request: RequestOf<Theirs[K]>,
    limitMs?: number,
  ): Promise<ReplyOf<Theirs[K]>> {
    const id = this.#nextId++
    return new Promise<unknown>((resolve, reject) => {
      const late = (): void =>
        this.#settle(id)?.reject(new ChannelError('late', `no answer to '${name}' within ${limitMs} ms`))
      const timer = limitMs === undefined ? undefined : setTimeout(late, limitMs)
      this.#waiting.set(id, { resolve, reject, timer })
      if (!this.#send({ weir: 'call', id, name, request })) this.#settle(id)?.reject(gone())
    }) as Promise<ReplyOf<Theirs[K]>>
  }

  async #heard(message: unknown): Promise<void> {
    if (!isOurs(message)) return
    if (message.weir === 'reply') this.#settle(message.id)?.resolve(message.reply)
    else if (message.weir === 'failure') this.#settle(message.id)?.reject(new Error(message.message))
    else this.#send(await this.#answer(message.id, message.name, message.request))
  }

  async #answer(id: number, name: string, request: unknown): Promise<Message> {
    const call = this.#ours[name]
    if (call === undefined) return { weir: 'failure', id, message: `'${name}' is not answered here` }
    try {
      return { weir: 'reply', id, reply: await call(request as never) }
    } catch (error) {
      return { weir: 'failure', id, message: error instanceof Error ? (error.stack ?? error.message) : String(error) }
    }
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    clearTimeout(waiting?.timer)
    return waiting
  }

  /** @returns false when nobody is there; a pipe that breaks while we write says so by 'disconnect' */
  #send(message: Message): boolean {
    if (!this.#pipe.connected || this.#pipe.send === undefined) return false
    this.#pipe.send(message, undefined, undefined, () => {})
    return true
  }
}

function gone(): ChannelError {
  return new ChannelError('gone', 'the other process is gone')
}

function isOurs(message: unknown): message is Message {
  return typeof message === 'object' && message !== null && 'weir' in message
}
