import { nowMs } from '../../runtime/clock.ts'
import { Exchange, type Recorder, type RequestFacts } from '../exchange.ts'
import { type ErrorDialect, GatewayError, TEXT_ERRORS } from '../fault.ts'
import { parseAuthority } from './address.ts'
import type { Redirect, ResponseFilter } from './filters.ts'
import type { Call } from './handler.ts'
import { forwardableHeaders, headerValue } from './headers.ts'
import { type BugReport, RecordedInbound } from './recorded-inbound.ts'
import type { Matched, Router } from './router.ts'
import type { Rule } from './rule.ts'
import type { InboundRequest, RequestHead } from './transport.ts'

/** What a request needs of a plan; it keeps the parts that it got, whatever plan comes after. */
export interface RequestPlan {
  readonly recorder: Recorder
  readonly router: Router<Rule>
}

export interface PipelineOptions {
  /** The newest plan; asked once for each request. */
  readonly plan: () => RequestPlan
  /** Something was thrown that is no GatewayError: to be logged with its stack, and counted. */
  readonly onBug: BugReport
}

/** The way of a request through the data plane, to be given to a server as its `onRequest`. */
export function createPipeline(options: PipelineOptions): (inbound: InboundRequest) => void {
  return (inbound) => {
    const { recorder, router } = options.plan()
    const exchange = new Exchange(nowMs(), requestFacts(inbound))
    new RequestRun(exchange, inbound, recorder, options.onBug).start(router)
  }
}

/** One request from its head to its outcome. */
class RequestRun implements Call {
  readonly exchange: Exchange
  readonly inbound: RecordedInbound
  readonly recorder: Recorder
  head: RequestHead
  attemptMs = 0
  readonly #onBug: BugReport
  readonly #actions: (() => void)[] = []
  #errors: ErrorDialect = TEXT_ERRORS
  #responseFilters: ResponseFilter[] | undefined
  #timer: NodeJS.Timeout | undefined
  #error: GatewayError | undefined
  #cut: 'upstream' | undefined
  #stopped = false
  /** Who still has something to add to the record. */
  #holds = 0

  constructor(exchange: Exchange, inbound: InboundRequest, recorder: Recorder, onBug: BugReport) {
    this.exchange = exchange
    this.recorder = recorder
    this.head = inbound.head
    this.inbound = new RecordedInbound(inbound, exchange, (bug) => this.fail(GatewayError.from(bug)))
    this.#onBug = onBug
    inbound.reply.onDone = (how) => this.#finish(how)
  }

  start(router: Router<Rule>): void {
    try {
      this.#serve(this.#route(router))
    } catch (thrown) {
      this.fail(GatewayError.from(thrown))
    }
  }

  filterResponse(rawHeaders: readonly string[]): readonly string[] {
    let filtered = rawHeaders
    if (this.#responseFilters !== undefined) for (const filter of this.#responseFilters) filtered = filter(filtered)
    return filtered
  }

  fail(error: GatewayError): void {
    if (error.code === 'internal') this.#onBug(error.cause ?? error)
    if (this.exchange.outcome !== undefined || this.#error !== undefined) return
    this.#error = error
    this.#stop()
    const { reply } = this.inbound
    if (reply.headSent) {
      this.#cut = 'upstream'
      reply.destroy()
      return
    }
    const body = Buffer.from(this.#errors.body(error))
    reply.head(error.status, [
      'content-type',
      this.#errors.contentType,
      'content-length',
      `${body.length}`,
      ...error.headers,
    ])
    reply.end(body)
  }

  whenOver(action: () => void): void {
    if (this.#stopped) action()
    else this.#actions.push(action)
  }

  holdRecord(): () => void {
    this.#holds += 1
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#holds -= 1
      if (this.exchange.outcome !== undefined) this.#record()
    }
  }

  /** Listener, then rule; telemetry begins in between, so that it also sees requests that no rule takes. */
  #route(router: Router<Rule>): Matched<Rule> {
    const { exchange, inbound } = this
    const { method, target, path, host, rawHeaders } = exchange.request
    const routes = router.listener(inbound.listenerPort, inbound.encrypted, inbound.serverName, host)
    if (typeof routes === 'object') exchange.listener = routes.listener
    this.recorder.begin(exchange)
    if (routes === undefined) throw new GatewayError('route_not_found', 'listener not found')
    if (routes === 'misdirected') {
      throw new GatewayError('misdirected_request', 'this connection was opened for another host')
    }
    const matched = routes.match(host, { method, path, query: target.slice(path.length + 1), rawHeaders })
    if (matched === undefined) throw new GatewayError('route_not_found', 'route not found')
    exchange.route = matched.rule.resource
    return matched
  }

  #serve({ rule, prefix }: Matched<Rule>): void {
    if (rule.requestMs > 0) this.#timer = setTimeout(onRequestTimeout, rule.requestMs, this)
    if (rule.error !== undefined) throw rule.error
    if (rule.redirect !== undefined) return this.#redirect(rule.redirect, prefix)
    const choice = rule.choose(Math.random())
    if (choice.backend !== undefined) {
      this.exchange.backend = choice.backend.resource
      this.#errors = choice.backend.handler.errors
    }
    if (choice.error !== undefined || choice.backend === undefined) {
      throw choice.error ?? new GatewayError('invalid_backend', 'the backend of the route is not there')
    }
    refuseWebSocket(this.inbound.head)
    const { head } = this.inbound
    const forwarded: RequestHead = { ...head, rawHeaders: forwardableHeaders(head.rawHeaders) }
    const byRule = rule.requestFilter?.(forwarded, prefix) ?? forwarded
    this.head = choice.requestFilter?.(byRule, prefix) ?? byRule
    const responseFilters = [choice.responseFilter, rule.responseFilter].filter((filter) => filter !== undefined)
    if (responseFilters.length > 0) this.#responseFilters = responseFilters
    this.attemptMs = rule.attemptMs
    choice.backend.handler.handle(this)
  }

  #redirect(redirect: Redirect, prefix: string | undefined): void {
    const { scheme, host } = this.exchange.request
    const { head, listenerPort, reply } = this.inbound
    const location = redirect.location({ head, scheme, host, listenerPort, prefix })
    reply.head(redirect.statusCode, ['location', location, 'content-length', '0'])
    reply.end()
  }

  onTimeout(): void {
    this.fail(new GatewayError('upstream_timeout', 'the request took longer than its route allows'))
  }

  /** Nothing more is wanted: whatever runs for this request ends. */
  #stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    clearTimeout(this.#timer)
    for (const action of this.#actions) {
      try {
        action()
      } catch (bug) {
        this.#onBug(bug)
      }
    }
  }

  #finish(how: 'sent' | 'gone'): void {
    this.#stop()
    const cut = how === 'gone' ? (this.#cut ?? 'downstream') : undefined
    this.exchange.outcome = { endMs: nowMs(), error: this.#error, cut }
    this.#record()
    this.inbound.reply.onDone?.(how)
  }

  /** Hands the exchange to telemetry, unless somebody still has something to add. */
  #record(): void {
    if (this.#holds > 0) return
    try {
      this.recorder.end(this.exchange)
    } catch (bug) {
      this.#onBug(bug)
    }
  }
}

function onRequestTimeout(run: RequestRun): void {
  run.onTimeout()
}

/** Any other `Upgrade` is ignored, as a server may (RFC 9110 7.8); a WebSocket client cannot go on without. */
function refuseWebSocket(head: RequestHead): void {
  if (headerValue(head.rawHeaders, 'upgrade')?.toLowerCase() !== 'websocket') return
  throw new GatewayError('not_implemented', 'WebSocket is not supported', { headers: ['connection', 'close'] })
}

function requestFacts(inbound: InboundRequest): RequestFacts {
  const { method, target, httpVersion, rawHeaders } = inbound.head
  const authority = headerValue(rawHeaders, 'host') ?? ''
  const mark = target.indexOf('?')
  return {
    method,
    target,
    path: mark < 0 ? target : target.slice(0, mark),
    host: parseAuthority(authority)?.host ?? '',
    authority,
    scheme: inbound.encrypted ? 'https' : 'http',
    httpVersion,
    rawHeaders,
    peer: inbound.peer,
    local: inbound.local,
    bodyBytes: 0,
    body: undefined,
  }
}
