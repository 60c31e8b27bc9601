import { celHeaders } from '../../contract/cel/data.ts'
import type { CelVariables } from '../../contract/cel/program.ts'
import { parseDurationText } from '../../contract/cel/time.ts'
import { epochMs } from '../../runtime/clock.ts'
import type { Capture, Exchange } from '../exchange.ts'
import { bindName, plainAddress, timePerOutputTokenMs, timeToFirstTokenMs } from './exchange-facts.ts'
import { redactHeaders, redactTarget } from './redaction.ts'

/** What expressions may know of the process, as `env`. */
export interface EnvironmentFacts {
  readonly podName?: string
  readonly namespace?: string
  readonly gateway?: string
}

/** Yields one variable of an exchange; undefined when it is not known. */
type Read = (exchange: Exchange, environment: EnvironmentFacts) => unknown

type Section = { readonly [field: string]: Read }

/** Ints of CEL are bigint. */
function int(value: number | undefined): bigint | undefined {
  return value === undefined || !Number.isSafeInteger(value) ? undefined : BigInt(value)
}

/** A span of time, as contract/cel hands it to programs. */
function duration(ms: number | undefined): unknown {
  return ms === undefined ? undefined : parseDurationText(`${(ms / 1000).toFixed(6)}s`)
}

function between(fromMs: number | undefined, toMs: number | undefined): unknown {
  return fromMs === undefined || toMs === undefined ? undefined : duration(Math.max(0, toMs - fromMs))
}

function gatewayOf(exchange: Exchange): { namespace: string; name: string } | undefined {
  const [namespace, name] = exchange.listener?.gateway.split('/') ?? []
  return namespace === undefined || name === undefined ? undefined : { namespace, name }
}

function routeOf({ route }: Exchange): object | undefined {
  if (route === undefined) return undefined
  const named = { namespace: route.namespace, name: route.name, kind: 'HTTPRoute' }
  return route.rule === undefined ? named : { ...named, rule: route.rule }
}

/** `type` and `protocol` of variable `backend`. */
function backendKind({ backend }: Exchange): { type: string; protocol: string } | undefined {
  switch (backend?.body.type) {
    case undefined:
      return undefined
    case 'ai':
      return { type: 'ai', protocol: 'llm' }
    case 'mcp':
      return { type: 'mcp', protocol: 'mcp' }
    case 'http':
      return { type: backend?.resource === 'Service' ? 'service' : 'static', protocol: 'http' }
  }
}

/**
 * How each variable of contract/cel/environment.ts that is built is read off an exchange. Values that clients wrote are
 * strings, bytes or what dataplane/llm made of strings, which evaluation can take as they are.
 */
const SECTIONS: { readonly [root: string]: Section } = {
  request: {
    method: ({ request }) => request.method,
    uri: ({ request }) => `${request.scheme}://${request.authority}${redactTarget(request.target)}`,
    host: ({ request }) => request.host,
    scheme: ({ request }) => request.scheme,
    path: ({ request }) => request.path,
    pathAndQuery: ({ request }) => redactTarget(request.target),
    version: ({ request }) => `HTTP/${request.httpVersion}`,
    headers: ({ request }) => celHeaders(redactHeaders(request.rawHeaders)),
    body: ({ request }) => request.body,
    bodyPrefix: ({ request }) => request.body,
    startTime: ({ startMs }) => new Date(epochMs(startMs)),
    endTime: ({ outcome }) => outcome && new Date(epochMs(outcome.endMs)),
  },
  response: {
    code: ({ response }) => int(response?.status),
    headers: ({ response }) => response && celHeaders(redactHeaders(response.rawHeaders)),
    body: ({ response }) => response?.body,
    bodyPrefix: ({ response }) => response?.body,
  },
  llm: {
    streaming: ({ llm }) => llm?.streaming,
    requestModel: ({ llm }) => llm?.requestModel,
    responseModel: ({ llm }) => llm?.responseModel,
    provider: ({ llm }) => llm?.provider,
    serviceTier: ({ llm }) => llm?.serviceTier,
    inputTokens: ({ llm }) => int(llm?.inputTokens),
    outputTokens: ({ llm }) => int(llm?.outputTokens),
    totalTokens: ({ llm }) => int(llm?.totalTokens),
    cachedInputTokens: ({ llm }) => int(llm?.cachedInputTokens),
    cacheCreationInputTokens: ({ llm }) => int(llm?.cacheCreationInputTokens),
    reasoningTokens: ({ llm }) => int(llm?.reasoningTokens),
    inputAudioTokens: ({ llm }) => int(llm?.inputAudioTokens),
    outputAudioTokens: ({ llm }) => int(llm?.outputAudioTokens),
    timeToFirstToken: (exchange) => duration(timeToFirstTokenMs(exchange)),
    timePerOutputToken: (exchange) => duration(timePerOutputTokenMs(exchange)),
    prompt: ({ llm }) => llm?.prompt,
    completion: ({ llm }) => llm?.completion,
    toolCalls: ({ llm }) => llm?.toolCalls,
    params: ({ llm }) => llm?.params,
  },
  source: {
    address: ({ request }) => plainAddress(request.peer.address),
    port: ({ request }) => int(request.peer.port),
    rawAddress: ({ request }) => plainAddress(request.peer.address),
    rawPort: ({ request }) => int(request.peer.port),
  },
  destination: {
    address: ({ request }) => plainAddress(request.local.address),
    port: ({ request }) => int(request.local.port),
  },
  backend: {
    name: ({ backend }) => backend?.name,
    type: (exchange) => backendKind(exchange)?.type,
    protocol: (exchange) => backendKind(exchange)?.protocol,
  },
  proxy: {
    bind: bindName,
    gateway: gatewayOf,
    listener: ({ listener }) => listener && { name: listener.name },
    route: routeOf,
    requestProcessingDuration: ({ startMs, attempts }) => between(startMs, attempts[0]?.startMs),
    upstreamDuration: ({ attempts }) => between(attempts[0]?.startMs, attempts.at(-1)?.endMs),
    responseProcessingDuration: ({ attempts, outcome }) => between(attempts.at(-1)?.endMs, outcome?.endMs),
  },
  env: {
    podName: (_exchange, environment) => environment.podName,
    namespace: (_exchange, environment) => environment.namespace,
    gateway: (_exchange, environment) => environment.gateway,
  },
}

/** The readers that a set of programs needs, by root. */
export type VariablePlan = ReadonlyMap<string, readonly (readonly [field: string, read: Read])[]>

/** Plans the reading of what programs mention (`Program.mentions`); a root alone or `*` means all that is below. */
export function planVariables(mentions: Iterable<string>): VariablePlan {
  const names = new Set(mentions)
  const plan = new Map<string, (readonly [string, Read])[]>()
  for (const [root, section] of Object.entries(SECTIONS)) {
    const all = names.has('*') || names.has(root)
    const fields = Object.entries(section).filter(([field]) => all || names.has(`${root}.${field}`))
    if (fields.length > 0) plan.set(root, fields)
  }
  return plan
}

/**
 * The variables of one exchange. A root is made when an expression first reads it, and holds only what the plan names:
 * what nobody mentions costs nothing. Only to be read while the exchange does not change.
 */
export function variablesOf(exchange: Exchange, plan: VariablePlan, environment: EnvironmentFacts): CelVariables {
  return new ExchangeVariables(exchange, plan, environment) as unknown as CelVariables
}

class ExchangeVariables {
  readonly #exchange: Exchange
  readonly #plan: VariablePlan
  readonly #environment: EnvironmentFacts
  readonly #made = new Map<string, object | undefined>()

  constructor(exchange: Exchange, plan: VariablePlan, environment: EnvironmentFacts) {
    this.#exchange = exchange
    this.#plan = plan
    this.#environment = environment
  }

  /** The fields of a root that have a value; undefined when none has. */
  section(root: string): object | undefined {
    if (this.#made.has(root)) return this.#made.get(root)
    let made: { [field: string]: unknown } | undefined
    for (const [field, read] of this.#plan.get(root) ?? []) {
      const value = read(this.#exchange, this.#environment)
      if (value === undefined) continue
      made ??= {}
      made[field] = value
    }
    this.#made.set(root, made)
    return made
  }
}

for (const root of Object.keys(SECTIONS)) {
  Object.defineProperty(ExchangeVariables.prototype, root, {
    enumerable: true,
    get(this: ExchangeVariables) {
      return this.section(root)
    },
  })
}

/** What of bodies and messages must be captured so that the programs with these mentions can be evaluated. */
export function captureFor(mentions: Iterable<string>): Capture {
  const names = new Set(mentions)
  const asks = (...paths: string[]): boolean => names.has('*') || paths.some((path) => names.has(path))
  return {
    prompt: asks('llm', 'llm.prompt'),
    completion: asks('llm', 'llm.completion'),
    toolCalls: asks('llm', 'llm.toolCalls'),
    params: asks('llm', 'llm.params'),
    requestBody: asks('request', 'request.body', 'request.bodyPrefix'),
    responseBody: asks('response', 'response.body', 'response.bodyPrefix'),
  }
}
