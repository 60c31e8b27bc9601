import { z } from 'zod'
import { key, plannedKey, requiredKey } from './key.ts'
import { expression, expressions, texts } from './scalars.ts'
import { plannedExporterTransport } from './transport-keys.ts'

const exporter = z.strictObject({
  name: requiredKey(z.string(), 'Name of this exporter in metrics and messages.'),
  kinds: key(z.array(z.enum(['access', 'runtime'])), 'Which logs it gets.'),
  ...plannedExporterTransport,
})

const LEVEL_MESSAGE =
  'must be trace, debug, info, warn, error or off, or directives such as `info,request=off`, as text or list'

const DIRECTIVE = String.raw`\s*([\w:./-]+=)?(trace|debug|info|warn|error|off)\s*`

/** `info`, or the documented list form `info,request=off`; directives for parts that weir does not have mean nothing. */
const directives = z.string().regex(new RegExp(`^${DIRECTIVE}(,${DIRECTIVE})*$`, 'i'), LEVEL_MESSAGE)

const level = z.union([directives, z.array(directives)], { error: LEVEL_MESSAGE })

/** `config.logging`: the access log, and the level of weir's own. */
export const loggingSchema = z.strictObject({
  filter: key(
    expression,
    'A line is written only where this is true; where it fails, none is. Default: every exchange has its line.',
  ),
  fields: key(
    z.strictObject({
      add: key(expressions, 'Fields to add after the built-in ones, in this order: name to CEL expression.'),
      remove: key(texts, 'Names of built-in fields to leave out.'),
    }),
    'Fields of a line. They never touch spans.',
  ),
  level: key(
    level,
    "Level of weir's own log: trace, debug, info, warn, error or off; `request=off` silences the access log. `--log-level` beats it.",
    {
      default: 'info',
    },
  ),
  format: key(z.enum(['text', 'json']), 'Form of the access log. Default: what `--log-format` says.', {
    default: 'text',
  }),
  exporters: plannedKey(z.array(exporter), 'OTLP destinations of logs.'),
  traceIdFormats: plannedKey(z.array(z.enum(['w3c', 'datadog'])), 'Forms in which a line has the trace id.', ['w3c']),
  database: key(z.unknown(), 'Store of request logs for a web page that weir does not have.', { state: 'noEffect' }),
})
