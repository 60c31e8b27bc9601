import type { Exchange } from '../../exchange.ts'
import type { Attributes } from '../attributes.ts'
import { errorText } from '../exchange-facts.ts'
import { redactTarget } from '../redaction.ts'
import { StatusCode } from '../span.ts'
import { put, writeRows } from './documented-rows.ts'
import { writeGenAi } from './gen-ai.ts'
import type { RootSettings, RootShape, SpanStatus } from './root-shape.ts'

/**
 * Profile `documented`: the span that the documents of agentgateway v0.9.0 show (rows, order, types), then the
 * `gen_ai.*` built-ins. `url.scheme` is the real one, where v0.9.0 writes `http` whatever the listener speaks.
 */
export const documentedView: RootShape = {
  name: (exchange) => `${exchange.request.method} ${redactTarget(exchange.request.target)}`,

  write(to: Attributes, exchange: Exchange, settings: RootSettings): void {
    const { hidden } = settings
    const { scheme, httpVersion } = exchange.request
    writeRows(to, exchange, settings.gateway, hidden, 'span')
    put(to, hidden, 'url.scheme', 'string', scheme)
    put(to, hidden, 'network.protocol.version', 'string', SHOWN_VERSIONS[httpVersion])
    if (settings.genAi) writeGenAi(to, exchange, hidden, settings.style)
  },

  /** Unset unless the gateway itself failed; what an upstream answers is never the gateway's failure. */
  status({ outcome }: Exchange): SpanStatus {
    if (outcome?.error === undefined) return { code: StatusCode.unset, message: '' }
    return { code: StatusCode.error, message: errorText(outcome.error) }
  },

  isAttemptError: () => false,
}

/** The documents show these two versions and leave others out. */
const SHOWN_VERSIONS: { readonly [version: string]: string } = { '1.1': '1.1', '2.0': '2', '2': '2' }
