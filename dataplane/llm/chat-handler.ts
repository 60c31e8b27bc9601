import type { BackendResource } from '../../contract/snapshot.ts'
import { GatewayError } from '../fault.ts'
import { collectBody } from '../http/collect.ts'
import type { CollectBudget } from '../http/collect-budget.ts'
import type { Call, Handler } from '../http/handler.ts'
import { headerValue } from '../http/headers.ts'
import type { Upstream } from '../http/transport.ts'
import type { UpstreamPools } from '../http/upstream-pools.ts'
import { ChatCall, type ChatRoute } from './chat-call.ts'
import type { UnreadReason } from './decoded-copy.ts'
import { OPENAI_ERRORS } from './openai-errors.ts'
import { type Credentials, providerTarget } from './provider-target.ts'
import { scanRequest } from './request-scan.ts'

export interface ChatHandlerOptions {
  /** Its body is of type `ai`. */
  readonly backend: BackendResource
  /** Asked for each request, so that a rotated credential is used at once. */
  readonly credentials: Credentials
  readonly upstreams: UpstreamPools
  readonly budget: CollectBudget
  /** An encoded answer passed, but its facts could not be read: to be counted. */
  readonly onUnread?: (reason: UnreadReason) => void
  /** From 0 up to, not including, 1. */
  readonly random?: () => number
}

/** A handler that holds connections until it is closed; a request that still runs may go on. */
export interface ChatHandler extends Handler {
  close(): void
}

/** What serves an AI backend: OpenAI's chat completions in, the provider's out, whatever the request's path. */
export function createChatHandler(options: ChatHandlerOptions): ChatHandler {
  const { backend, credentials, upstreams, budget } = options
  const body = backend.body
  if (body.type !== 'ai') throw new Error(`backend ${backend.key} is no AI backend`)
  const acquired: Upstream[] = []
  const groups = body.groups.map((group) =>
    group.providers.map((provider): ChatRoute | GatewayError => {
      const target = providerTarget(provider)
      if (target instanceof GatewayError) return target
      const upstream = upstreams.acquire({ host: target.host, port: target.port }, target.tls)
      acquired.push(upstream)
      return { target, upstream }
    }),
  )
  const plan = {
    groups,
    credentials,
    asksForUsage: body.includeUsage === 'Auto',
    onUnread: options.onUnread ?? (() => undefined),
    random: options.random ?? Math.random,
  }
  return {
    errors: OPENAI_ERRORS,
    handle(call) {
      const refused = refusal(call)
      if (refused !== undefined) return call.fail(refused)
      collectBody(call, budget, body.maxRequestBytes, (collected) => {
        if (collected instanceof GatewayError) return call.fail(collected)
        const scan = collected.body.read(scanRequest)
        if (scan instanceof GatewayError) return call.fail(scan)
        new ChatCall(call, plan, collected, scan).start()
      })
    },
    close() {
      for (const upstream of acquired.splice(0)) upstreams.release(upstream)
    },
  }
}

/** What is no chat completion request by its head alone. */
function refusal({ head }: Call): GatewayError | undefined {
  if (head.method !== 'POST') {
    return new GatewayError('invalid_request', `a chat completion is asked for by POST, not ${head.method}`, {
      headers: ['allow', 'POST'],
    })
  }
  const encoding = headerValue(head.rawHeaders, 'content-encoding')?.trim().toLowerCase()
  if (encoding === undefined || encoding === 'identity' || encoding === '') return undefined
  return new GatewayError('invalid_request', `a request body with content-encoding '${encoding}' cannot be read`)
}
