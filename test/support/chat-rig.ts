import type { AiProvider, BackendResource, CredentialResource } from '../../contract/snapshot.ts'
import { CollectBudget } from '../../dataplane/http/collect-budget.ts'
import { UpstreamPools, type UpstreamPoolsOptions } from '../../dataplane/http/upstream-pools.ts'
import { type ChatHandlerOptions, createChatHandler } from '../../dataplane/llm/chat-handler.ts'
import { backendOf, type Rig, type RigOptions, startRig } from './gateway-rig.ts'

/** The body of an AI backend. */
export type AiBody = Extract<BackendResource['body'], { type: 'ai' }>

/** A provider at a port of this machine that speaks OpenAI's dialect, with what the test says instead. */
export function providerAt(port: number, overrides: Partial<AiProvider> = {}): AiProvider {
  return { name: `at-${port}`, provider: 'openai', host: '127.0.0.1', port, ...overrides }
}

export interface ChatRigOptions {
  /** In order of priority. */
  readonly groups: readonly (readonly AiProvider[])[]
  readonly body?: Partial<AiBody>
  /** Tokens by the keys of their credentials. */
  readonly tokens?: Readonly<Record<string, string>>
  readonly handler?: Partial<ChatHandlerOptions>
  readonly upstreams?: UpstreamPoolsOptions
  readonly rig?: Partial<RigOptions>
}

export interface ChatRig extends Rig {
  readonly budget: CollectBudget
  readonly pools: UpstreamPools
  close(): Promise<void>
}

/** A gateway on a free port that takes every request to one AI backend; all real but telemetry. */
export async function startChatRig(options: ChatRigOptions): Promise<ChatRig> {
  const budget = new CollectBudget(64 * 1024 * 1024)
  const pools = new UpstreamPools(options.upstreams)
  const body: AiBody = {
    type: 'ai',
    groups: options.groups.map((providers) => ({ providers: [...providers] })),
    includeUsage: 'Auto',
    maxRequestBytes: 32 * 1024 * 1024,
    ...options.body,
  }
  const backend = backendOf({ resource: 'Backend', body })
  const credentials = (key: string): CredentialResource['body'] | undefined => {
    const token = options.tokens?.[key]
    return token === undefined ? undefined : { type: 'token', token }
  }
  const handler = createChatHandler({ backend, credentials, upstreams: pools, budget, ...options.handler })
  const rig = await startRig({ handler, backend, ...options.rig })
  return {
    ...rig,
    budget,
    pools,
    close: async () => {
      await rig.server.close(0)
      handler.close()
      pools.close()
    },
  }
}
