import { z } from 'zod'

/**
 * The body of the `telemetry` resource: what a tracing ConfigMap means once it is checked. It differs from the YAML
 * (contract/config-schema.ts) in that every expression compiles, defaults are filled in, and ordered maps are lists,
 * because attribute order is visible to users and JSON objects do not keep the order of all keys.
 */

/** A span, log or label key and the CEL expression for its value. */
const field = z.object({ name: z.string(), expression: z.string() })

const fields = z.object({ add: z.array(field).default([]), remove: z.array(z.string()).default([]) })

export const profile = z.enum(['documented', 'semconv'])

const queue = z.object({
  maxBatchSize: z.int().positive().default(512),
  /** Seconds. */
  maxCoalescingDelay: z.number().positive().default(1),
  maxRetryTime: z.number().nonnegative().default(60),
  initialRetryDelay: z.number().positive().default(0.01),
  maxRetryDelay: z.number().positive().default(60),
  maxEntries: z.int().positive().default(10_000),
})

const limits = z.object({
  attributes: z.int().positive().default(256),
  attributeBytes: z.int().positive().default(65_536),
  batchBytes: z.int().positive().default(3_145_728),
  queueBytes: z.int().positive().default(67_108_864),
})

const exporter = z.object({
  name: z.string(),
  /** Empty only for `default`: the environment has to name it, or the exporter is left out. */
  otlpEndpoint: z.string(),
  otlpProtocol: z.enum(['grpc', 'http', 'http/json']).default('grpc'),
  /** The file names no protocol; in profile `semconv` the environment may (`otlpProtocol` has the default). */
  otlpProtocolDefaulted: z.literal(true).optional(),
  /** OTLP/HTTP path when the endpoint has none; `/v1/traces` when absent. */
  path: z.string().optional(),
  /** Literal; sent with both protocols. Order as written. */
  headers: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
  profile: profile.default('documented'),
  attempts: z.enum(['onRetry', 'always']).optional(),
  fields: fields.prefault({}),
  limits: limits.prefault({}),
  queue: queue.prefault({}),
})

/** A decision: a constant, a probability from 0 to 1, or a CEL expression that yields either. */
const sampling = z.union([z.boolean(), z.number(), z.string()])

export const telemetryConfig = z.object({
  tracing: z
    .object({
      /** Decides when the request carries no trace context. */
      randomSampling: sampling.default(false),
      /** Decides when it does. */
      clientSampling: sampling.default(true),
      profile: profile.default('documented'),
      /** Attributes of the OTLP resource, beside those that weir sets. */
      resource: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
      /** The documented top-level keys are the first one, named `default`. */
      exporters: z.array(exporter),
    })
    .optional(),
  logging: z
    .object({
      filter: z.string().optional(),
      fields: fields.prefault({}),
      level: z.string().optional(),
      format: z.enum(['text', 'json']).optional(),
    })
    .prefault({}),
  metrics: z.object({ add: z.array(field).default([]), remove: z.array(z.string()).default([]) }).prefault({}),
})

export type TelemetryConfig = z.infer<typeof telemetryConfig>
export type TracingConfig = NonNullable<TelemetryConfig['tracing']>
export type ExporterConfig = z.infer<typeof exporter>
export type FieldConfig = z.infer<typeof field>
export type Sampling = z.infer<typeof sampling>
export type Profile = z.infer<typeof profile>
