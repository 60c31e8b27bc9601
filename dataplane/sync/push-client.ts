import { readFile } from 'node:fs/promises'
import type { RefusedResource } from '../../contract/frames.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { pause } from '../../runtime/backoff.ts'
import { nowMs } from '../../runtime/clock.ts'
import type { Log } from '../../runtime/log.ts'
import type { Ack } from './plan-holder.ts'
import { PushAssembly } from './push-assembly.ts'
import { PushStream, type StreamEnd } from './push-stream.ts'

/** Where a pod finds the controller, and by what the two know each other. */
export interface ControllerEndpoint {
  /** `host:port` of the controller's Service. */
  readonly address: string
  /** The DNS name that the controller's certificate is for, whichever replica is dialled. */
  readonly serverName: string
  /** PEM certificates of the controller's CA, one or more; read again at each connect. */
  readonly caFile: string
  /** A ServiceAccount token of the audience `weir`; read again at each connect. */
  readonly tokenFile: string
}

export interface PushClientOptions extends ControllerEndpoint {
  /** `namespace/name`. */
  readonly gateway: string
  /** The pod's name. */
  readonly pod: string
  readonly log: Log
  /** What runs already (from the cache), and what of it was refused. Held keys stand in it with the form that is here. */
  readonly running?: { readonly snapshot: Snapshot; readonly refused: readonly RefusedResource[] } | undefined
  /**
   * Takes a snapshot up. Called for one at a time; the next is asked for once this one's promise is settled. Rejects only
   * when weir has a bug: then nothing is acked, and the snapshot comes again.
   *
   * `resources` has, for each key of `hold`, the form that was here before, if any, so that a process that starts later
   * has it too; a plan that runs keeps its own.
   */
  readonly onSnapshot: (snapshot: Snapshot) => Promise<Ack>
  readonly limits?: Partial<PushClientLimits>
}

export interface PushClientLimits {
  /** From dialling until the controller takes the stream. */
  readonly acceptTimeoutMs: number
  /** The longest time between two attempts. */
  readonly maxBackoffMs: number
  readonly keepaliveMs: number
}

const LIMITS: PushClientLimits = { acceptTimeoutMs: 15_000, maxBackoffMs: 5_000, keepaliveMs: 20_000 }
const FIRST_BACKOFF_MS = 200
/** Redirects that are followed one after the other before the Service is asked again. */
const MAX_REDIRECTS = 3

export interface PushClient {
  /** A controller that leads has taken the stream, and it stands. */
  readonly connected: boolean
  /** Ends the stream, and waits for a snapshot that is being taken up. */
  close(): Promise<void>
}

/** Keeps a stream to the controller that leads, for ever, and hands every snapshot that comes to `onSnapshot`. */
export function startPushClient(options: PushClientOptions): PushClient {
  return new ReconnectingClient(options)
}

class ReconnectingClient implements PushClient {
  readonly #options: PushClientOptions
  readonly #limits: PushClientLimits
  readonly #assembly: PushAssembly
  readonly #closing = new AbortController()
  readonly #running: Promise<void>
  #stream: PushStream | undefined
  /** The failure that the log told last; the same again is worth a debug line only. */
  #told: string | undefined

  constructor(options: PushClientOptions) {
    this.#options = options
    this.#limits = { ...LIMITS, ...options.limits }
    this.#assembly = new PushAssembly(options.gateway, options.running)
    this.#running = this.#run()
  }

  get connected(): boolean {
    return this.#stream?.connected ?? false
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#stream?.cancel()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    let address = this.#options.address
    let redirects = 0
    let failures = 0
    while (!signal.aborted) {
      const { end, worked } = await this.#once(address)
      if (end.kind === 'redirect' && redirects < MAX_REDIRECTS) {
        redirects += 1
        address = end.address
        this.#options.log.debug({ address }, 'the controller sent the pod on to the replica that leads')
        continue
      }
      failures = worked ? 0 : failures + 1
      if (!signal.aborted) this.#tell(address, end)
      redirects = 0
      address = this.#options.address
      await pause(this.#backoffMs(failures), signal)
    }
  }

  /** One stream. It worked when a snapshot of it was taken up, or when it stood longer than any backoff. */
  async #once(address: string): Promise<{ end: StreamEnd; worked: boolean }> {
    try {
      const { caFile, tokenFile, serverName, gateway, pod, log, onSnapshot } = this.#options
      const [ca, token] = await Promise.all([readCa(caFile), readToken(tokenFile)])
      if (this.#closing.signal.aborted) return failed('closed')
      let acceptedAtMs: number | undefined
      const onAccepted = (): void => {
        acceptedAtMs = nowMs()
        this.#told = undefined
        log.info({ address }, 'the controller answers')
      }
      const stream = new PushStream(
        { address, serverName, ca, token, gateway, pod, log, onAccepted, onSnapshot, ...this.#limits },
        this.#assembly,
      )
      this.#stream = stream
      const end = await stream.ended
      const stood = acceptedAtMs !== undefined && nowMs() - acceptedAtMs > this.#limits.maxBackoffMs
      return { end, worked: stream.applied > 0 || stood }
    } catch (error) {
      return failed((error as Error).message)
    } finally {
      this.#stream = undefined
    }
  }

  #tell(address: string, end: StreamEnd): void {
    const message = end.kind === 'failed' ? end.message : `sent on more than ${MAX_REDIRECTS} times`
    if (message === this.#told) this.#options.log.debug({ address }, `no stream to the controller: ${message}`)
    else this.#options.log.warn({ address }, `no stream to the controller, trying again: ${message}`)
    this.#told = message
  }

  /** Doubles up to the longest; all of it is random, so that the pods of a controller that went do not come as one. */
  #backoffMs(failures: number): number {
    return Math.random() * Math.min(this.#limits.maxBackoffMs, FIRST_BACKOFF_MS * 2 ** Math.min(failures, 16))
  }
}

function failed(message: string): { end: StreamEnd; worked: boolean } {
  return { end: { kind: 'failed', message }, worked: false }
}

/** Without a certificate in it, gRPC would fall back to the system's roots. */
async function readCa(path: string): Promise<Buffer> {
  const ca = await readFile(path)
  if (!ca.includes('-----BEGIN CERTIFICATE-----')) throw new Error(`${path}: no certificate in it`)
  return ca
}

/** Checked here, because an HTTP library would quote a bad one in its error. */
async function readToken(path: string): Promise<string> {
  const token = (await readFile(path, 'utf8')).trim()
  if (!/^[\x21-\x7e]+$/.test(token)) throw new Error(`${path}: no token in it`)
  return token
}
