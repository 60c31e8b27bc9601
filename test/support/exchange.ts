import type { BackendResource, ListenerResource, RouteResource } from '../../contract/snapshot.ts'
import { type Attempt, Exchange, type LlmFacts, type RequestFacts } from '../../dataplane/exchange.ts'
import { nowMs } from '../../runtime/clock.ts'

/** Parts of the exchange of the Gemini document: what its sample log line and span were made of. */

export const LISTENER: ListenerResource = {
  kind: 'listener',
  key: 'listener/http',
  digest: '',
  gateway: 'kgateway-system/agentgateway',
  name: 'http',
  port: 80,
  protocol: 'HTTP',
}

export const ROUTE: RouteResource = {
  kind: 'route',
  key: 'route/google',
  digest: '',
  listener: LISTENER.key,
  namespace: 'kgateway-system',
  name: 'google',
  ruleIndex: 0,
  creationTimestamp: '2025-09-24T18:00:00Z',
  hostnames: [],
  matches: [{ path: { type: 'PathPrefix', value: '/gemini' }, headers: [], queryParams: [] }],
  filters: [],
  timeouts: {},
  backendRefs: [],
}

export const BACKEND: BackendResource = {
  kind: 'backend',
  key: 'backend/google',
  digest: '',
  resource: 'Backend',
  namespace: 'kgateway-system',
  name: 'google',
  body: {
    type: 'ai',
    groups: [{ providers: [{ name: 'google', provider: 'gemini' }] }],
    includeUsage: 'Auto',
    maxRequestBytes: 1024,
  },
}

export function request(over: Partial<RequestFacts> = {}): RequestFacts {
  return {
    method: 'POST',
    target: '/gemini',
    path: '/gemini',
    host: 'localhost',
    authority: 'localhost:8080',
    scheme: 'http',
    httpVersion: '1.1',
    rawHeaders: ['Host', 'localhost:8080', 'User-Agent', 'curl/8.5.0', 'Content-Type', 'application/json'],
    peer: { address: '127.0.0.1', port: 49576 },
    local: { address: '127.0.0.1', port: 80 },
    bodyBytes: 120,
    body: undefined,
    ...over,
  }
}

export function llmFacts(over: Partial<LlmFacts> = {}): LlmFacts {
  return {
    provider: 'gemini',
    requestModel: '',
    upstreamModel: 'gemini-1.5-flash-latest',
    streaming: false,
    operation: 'chat',
    responseModel: 'gemini-1.5-flash-latest',
    responseId: 'chatcmpl-1',
    finishReasons: ['stop'],
    serviceTier: undefined,
    inputTokens: 8,
    outputTokens: 313,
    totalTokens: 321,
    cachedInputTokens: undefined,
    cacheCreationInputTokens: undefined,
    reasoningTokens: undefined,
    inputAudioTokens: undefined,
    outputAudioTokens: undefined,
    firstTokenMs: undefined,
    prompt: undefined,
    completion: undefined,
    toolCalls: undefined,
    params: undefined,
    ...over,
  }
}

export function attempt(startMs: number, over: Partial<Attempt> = {}): Attempt {
  return {
    endpoint: 'generativelanguage.googleapis.com:443',
    host: 'generativelanguage.googleapis.com',
    port: 443,
    method: 'POST',
    spanId: 'a1a1a1a1a1a1a1a1',
    startMs,
    headMs: startMs + 3000,
    endMs: startMs + 3100,
    status: 200,
    error: undefined,
    ...over,
  }
}

/** An exchange whose request was just read. */
export function begun(over: Partial<RequestFacts> = {}, startMs = nowMs()): Exchange {
  const exchange = new Exchange(startMs, request(over))
  exchange.listener = LISTENER
  return exchange
}

/** Has an exchange answered as in the Gemini document: 200 after 3165.4 ms. */
export function answered(exchange: Exchange, llm: LlmFacts = llmFacts()): Exchange {
  exchange.route = ROUTE
  exchange.backend = BACKEND
  exchange.attempts.push(attempt(exchange.startMs + 1))
  exchange.llm = llm
  exchange.response = {
    status: 200,
    rawHeaders: ['Content-Type', 'application/json'],
    headMs: exchange.startMs + 3100,
    bodyBytes: 2048,
    body: undefined,
  }
  exchange.outcome = { endMs: exchange.startMs + 3165.4, error: undefined, cut: undefined }
  return exchange
}
