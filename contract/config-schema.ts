import { z } from 'zod'
import { foreignConfigKeys, foreignTopKeys } from './config/foreign-keys.ts'
import { key } from './config/key.ts'
import { loggingSchema } from './config/logging-schema.ts'
import { metricsSchema } from './config/metrics-schema.ts'
import { tracingSchema } from './config/tracing-schema.ts'

/**
 * The whole of config.yaml, the text that a tracing ConfigMap holds: every key with its description and its state
 * (contract/config/key.ts). docs/config.md and the editors' schema are made from it, and controller/compile checks with
 * it. It says what a user may write; what it comes to is contract/telemetry-config.ts.
 */
export const configSchema = z.strictObject({
  config: key(
    z.strictObject({
      tracing: key(tracingSchema, 'Spans. Without this key there are none.'),
      logging: key(loggingSchema, "The access log, and the level of weir's own log."),
      metrics: key(metricsSchema, 'Metrics for scrapers.'),
      ...foreignConfigKeys,
    }),
    'Everything that weir reads.',
  ),
  ...foreignTopKeys,
})

/** A config.yaml that the schema accepted. */
export type ConfigFile = z.infer<typeof configSchema>
