import { PROVIDER_NAMES } from '../../../contract/providers.ts'
import type { Exchange, LlmFacts } from '../../exchange.ts'
import type { Attributes } from '../attributes.ts'
import { timeToFirstTokenMs } from '../exchange-facts.ts'
import type { ValueStyle } from './attribute-values.ts'
import { put } from './documented-rows.ts'

/**
 * The attributes of a model call by the GenAI semantic conventions 1.41, on AI backends; what is not known is left out.
 * Messages are not among them: they are recorded only where the user asks.
 */
export function writeGenAi(to: Attributes, exchange: Exchange, hidden: ReadonlySet<string>, style: ValueStyle): void {
  const llm = exchange.llm
  if (llm === undefined) return
  const firstMs = timeToFirstTokenMs(exchange)
  const finished = llm.finishReasons.length > 0
  put(to, hidden, 'gen_ai.operation.name', 'string', llm.operation)
  put(to, hidden, 'gen_ai.provider.name', 'string', providerName(llm.provider))
  put(to, hidden, 'gen_ai.request.model', 'string', requestedModel(llm))
  put(to, hidden, 'gen_ai.response.model', 'string', llm.responseModel)
  put(to, hidden, 'gen_ai.response.id', 'string', llm.responseId)
  put(to, hidden, 'gen_ai.response.finish_reasons', 'strings', finished ? llm.finishReasons : undefined)
  put(to, hidden, 'gen_ai.usage.input_tokens', 'int', llm.inputTokens)
  put(to, hidden, 'gen_ai.usage.output_tokens', 'int', llm.outputTokens)
  put(to, hidden, 'gen_ai.usage.cache_read.input_tokens', 'int', llm.cachedInputTokens)
  put(to, hidden, 'gen_ai.usage.cache_creation.input_tokens', 'int', llm.cacheCreationInputTokens)
  put(to, hidden, 'gen_ai.usage.reasoning.output_tokens', 'int', llm.reasoningTokens)
  if (!llm.streaming) return
  if (style.booleans === 'bool') put(to, hidden, 'gen_ai.request.stream', 'bool', true)
  else put(to, hidden, 'gen_ai.request.stream', 'string', 'true')
  put(to, hidden, 'gen_ai.response.time_to_first_chunk', 'double', firstMs === undefined ? undefined : firstMs / 1000)
}

/** The model that the client asked for or, where it left the choice to the Backend, the Backend's. */
export function requestedModel(llm: LlmFacts): string | undefined {
  return llm.requestModel === undefined || llm.requestModel === '' ? llm.upstreamModel : llm.requestModel
}

function providerName(provider: string): string {
  return (PROVIDER_NAMES as { readonly [name: string]: string })[provider] ?? provider
}
