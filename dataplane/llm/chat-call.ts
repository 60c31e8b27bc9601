import type { LlmFacts } from '../exchange.ts'
import { GatewayError, type GatewayErrorCode } from '../fault.ts'
import type { CollectedBody } from '../http/collect.ts'
import type { Call } from '../http/handler.ts'
import { headerValue, withoutHeaders } from '../http/headers.ts'
import { relay } from '../http/relay.ts'
import type { Upstream } from '../http/transport.ts'
import { requestFacts } from './chat-facts.ts'
import { ChatTap } from './chat-tap.ts'
import type { UnreadReason } from './decoded-copy.ts'
import { authHeaders, type Credentials, type ProviderTarget } from './provider-target.ts'
import { editRequest } from './request-edit.ts'
import type { RequestScan } from './request-scan.ts'

/** One provider of a Backend, and the connections to it. */
export interface ChatRoute {
  readonly target: ProviderTarget
  readonly upstream: Upstream
}

/** A Backend made ready to run. */
export interface ChatPlan {
  /** In order of priority; a provider that cannot be used is the reason why. */
  readonly groups: readonly (readonly (ChatRoute | GatewayError)[])[]
  readonly credentials: Credentials
  /** Whether to ask for usage in a stream when the client does not. */
  readonly asksForUsage: boolean
  readonly onUnread: (reason: UnreadReason) => void
  readonly random: () => number
}

/** A provider that this request can be sent to. */
interface Candidate extends ChatRoute {
  readonly auth: readonly string[]
  readonly model: string
}

/** Failures that are the provider's, before it answered: another one may do better. */
const FAILS_OVER: ReadonlySet<GatewayErrorCode> = new Set([
  'upstream_connect_failed',
  'upstream_tls_failed',
  'upstream_reset',
  'upstream_protocol_error',
  'upstream_timeout',
  'overloaded',
])
/** Replaced by the gateway's own. */
const REPLACED = ['host', 'content-length', 'accept-encoding']
/** What a client may have shown to the gateway is not for the provider, unless the Backend says so. */
const CREDENTIALS = ['authorization', 'api-key', 'x-api-key', 'x-goog-api-key']
const WITHOUT_CREDENTIALS = new Set([...REPLACED, ...CREDENTIALS])
const WITH_CREDENTIALS = new Set(REPLACED)

/** One chat completion on its way: providers are tried in order until one answers; the last answer is the client's. */
export class ChatCall {
  readonly #call: Call
  readonly #plan: ChatPlan
  readonly #scan: RequestScan
  readonly #asksForUsage: boolean
  /** Given up when the answer passes: nothing will be sent again. */
  #body: CollectedBody | undefined
  #facts: LlmFacts | undefined
  #candidates: readonly Candidate[] = []
  #tap: ChatTap | undefined

  constructor(call: Call, plan: ChatPlan, body: CollectedBody, scan: RequestScan) {
    this.#call = call
    this.#plan = plan
    this.#body = body
    this.#scan = scan
    this.#asksForUsage = plan.asksForUsage && scan.stream && !scan.includeUsage
  }

  start(): void {
    const { exchange } = this.#call
    const routes = inOrder(this.#plan)
    const found = routes.map((route) => (route instanceof GatewayError ? route : this.#candidate(route)))
    this.#candidates = found.filter((candidate): candidate is Candidate => !(candidate instanceof GatewayError))
    const first = this.#candidates[0] ?? routes.find((route): route is ChatRoute => !(route instanceof GatewayError))
    if (first !== undefined && this.#body !== undefined) {
      this.#facts = requestFacts(this.#body.body, this.#scan, first.target.row.name, exchange.capture)
      exchange.llm = this.#facts
    }
    if (this.#candidates.length === 0) {
      const why = found.find((candidate) => candidate instanceof GatewayError)
      return this.#call.fail(why ?? new GatewayError('invalid_backend', 'the backend has no provider'))
    }
    this.#call.whenOver(() => this.#tap?.close())
    this.#attempt(0)
  }

  /** Whether a provider can be sent this request: it needs a model and, where one is named, a credential. */
  #candidate(route: ChatRoute): Candidate | GatewayError {
    const { row, provider, model: fixed } = route.target
    const auth = authHeaders(route.target, this.#plan.credentials)
    if (auth instanceof GatewayError) return auth
    const model = fixed ?? (this.#scan.model || row.impliedModel?.(provider))
    return model === undefined || model === ''
      ? new GatewayError('model_not_specified', 'the request names no model, and the backend has none of its own')
      : { ...route, auth, model }
  }

  #attempt(index: number): void {
    const candidate = this.#candidates[index]
    const body = this.#body
    if (candidate === undefined || body === undefined || this.#facts === undefined) return
    const { target, upstream } = candidate
    const call = this.#call
    const facts: LlmFacts = { ...this.#facts, provider: target.row.name, upstreamModel: candidate.model }
    call.exchange.llm = facts
    this.#tap = new ChatTap({
      facts,
      capture: call.exchange.capture,
      provider: target.provider.name,
      mayDiscard: index + 1 < this.#candidates.length,
      removal: this.#asksForUsage ? { besideChoices: target.row.usageOnlyOnRequest } : undefined,
      onPass: () => this.#giveUpBody(),
      onUnread: this.#plan.onUnread,
      holdRecord: () => call.holdRecord(),
    })
    const pieces = editRequest(body.body, this.#scan, target.model, this.#asksForUsage)
    const rawHeaders = this.#headers(candidate)
    relay(call, upstream, { method: 'POST', target: target.path, rawHeaders, body: pieces }, this.#tap, (result) => {
      if (result === 'sent' || result === 'cut') return
      if ('discarded' in result) return this.#attempt(index + 1)
      const another = index + 1 < this.#candidates.length && FAILS_OVER.has(result.failed.code)
      if (another) this.#attempt(index + 1)
      else call.fail(result.failed)
    })
  }

  #headers({ target, auth }: Candidate): string[] {
    const passes = target.provider.auth?.kind === 'passthrough'
    const client = withoutHeaders(this.#call.head.rawHeaders, passes ? WITH_CREDENTIALS : WITHOUT_CREDENTIALS)
    const headers = ['host', target.authority, ...client, ...auth]
    if (headerValue(client, 'content-type') === undefined) headers.push('content-type', 'application/json')
    headers.push('accept-encoding', 'identity')
    return headers
  }

  #giveUpBody(): void {
    this.#body?.release()
    this.#body = undefined
  }
}

/** Group by group; inside a group a random one first, then the others in turn. */
function inOrder({ groups, random }: ChatPlan): readonly (ChatRoute | GatewayError)[] {
  const [first] = groups
  if (first !== undefined && groups.length === 1 && first.length === 1) return first
  return groups.flatMap((group) => {
    const start = Math.floor(random() * group.length)
    return [...group.slice(start), ...group.slice(0, start)]
  })
}
