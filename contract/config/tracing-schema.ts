import { z } from 'zod'
import { exporterSchema, profile, spanFields } from './exporter-schema.ts'
import { key, plannedKey } from './key.ts'
import { expression, headers, texts, urlPath } from './scalars.ts'
import { ENDPOINT_DOC, HEADERS_DOC, otlpProtocol, PROTOCOL_DOC } from './transport-keys.ts'

/** A sampling decision: yes or no, a probability, or an expression that yields either. */
const sampling = z
  .union([z.boolean(), z.number(), z.string()], {
    error: 'must be true, false, a probability from 0 to 1, or a CEL expression',
  })
  .meta({ title: 'true, false, a number from 0 to 1, or an expression that yields one of these' })

const FORMATS = ['w3c', 'b3', 'b3-single', 'jaeger', 'datadog', 'ot', 'aws', 'gcp', 'instana'] as const

const propagationFormat = z.enum(FORMATS)

const propagation = z.strictObject({
  extract: key(z.array(propagationFormat), "Formats in which a caller's context is looked for, in this order.", {
    default: ['w3c'],
  }),
  inject: key(z.array(z.enum(['preserve', ...FORMATS])), 'Formats that upstreams get; `preserve`: the one found.', {
    default: ['w3c'],
  }),
  clear: key(texts, 'Headers to take off before the request goes on.'),
  default: key(propagationFormat, 'Format for `preserve` when the caller sent no context.', { default: 'w3c' }),
  baggage: key(
    z.strictObject({
      toAttributes: key(texts, 'Baggage keys that become attributes; `*` at the end stands for any rest.'),
    }),
    'W3C Baggage.',
  ),
})

const keep = z.strictObject({
  rules: key(z.array(expression), 'Traces for which one of these is true are kept.'),
  otherwise: key(z.number().min(0).max(1), 'Share of the others that is kept.'),
  spansPerSecond: key(z.number().positive(), 'Most spans a second; beyond, the others go first.'),
})

const layer = z.strictObject({
  traces: key(z.boolean(), 'Whether this layer makes spans.'),
  metrics: key(z.boolean(), 'Whether this layer makes metrics.'),
  skip: key(texts, 'Paths without either.'),
  attributes: key(z.record(z.string(), z.string()), 'Literal attributes of its spans.'),
  metricAttributes: key(z.record(z.string(), z.string()), 'Literal labels of its metrics.'),
  reportHeaders: key(z.boolean(), 'Whether headers are recorded.'),
  roundTrip: key(z.boolean(), 'Whether the round trip is a span of its own.'),
  readPayload: key(z.boolean(), 'Whether reading the body is a span of its own.'),
  connection: key(z.boolean(), 'Whether connecting is recorded: DNS, TCP, TLS.'),
})

const layers = z.strictObject({
  gateway: key(layer, 'The whole request.'),
  route: key(layer, 'The route.'),
  backend: key(layer, 'Calls of upstreams.'),
})

/** What the environment has to say about a key of the exporter `default`. */
function environmentDoc(variable: string): string {
  return `In profile documented \`${variable}\` and OpenTelemetry's variable for the same beat the file, in semconv the file beats them.`
}

/** `config.tracing`. */
export const tracingSchema = z.strictObject({
  otlpEndpoint: key(z.string(), `${ENDPOINT_DOC} ${environmentDoc('OTLP_ENDPOINT')}`),
  otlpProtocol: key(otlpProtocol, `${PROTOCOL_DOC} ${environmentDoc('OTLP_PROTOCOL')}`, { default: 'grpc' }),
  headers: key(headers, `${HEADERS_DOC} ${environmentDoc('OTLP_HEADERS')} They are merged by name.`),
  path: key(urlPath, 'OTLP/HTTP path, where the endpoint names none.', {
    default: '/v1/traces',
  }),
  fields: key(z.strictObject(spanFields), 'Attributes, for every exporter that has no `fields` of its own.'),
  randomSampling: key(
    sampling,
    "Decides when the request carries no trace context. Expressions may read what is known when the request's head is there.",
    {
      default: false,
    },
  ),
  clientSampling: key(sampling, 'Decides when it does, whatever its sampled flag says.', { default: true }),
  profile: key(
    profile,
    "Which conventions shape the spans: `documented`, as the documents for agentgateway show them, or `semconv`, OpenTelemetry's stable HTTP names and GenAI v1.41.",
    { default: 'documented' },
  ),
  resource: key(
    z.record(z.string().min(1, 'a name must not be empty'), z.string()),
    'Literal attributes of the OTLP resource, over those that weir sets itself (`service.name` …).',
  ),
  exporters: key(
    z.array(exporterSchema).max(16),
    'Destinations, each with its own form. The keys above describe one more, named `default`, when `otlpEndpoint` is given.',
  ),
  propagation: plannedKey(propagation, 'Formats of trace context, besides W3C.'),
  parenting: plannedKey(
    z.enum(['parent', 'link', 'both', 'restart']),
    "Whether the caller's span becomes the parent, a link, both, or neither.",
    'parent',
  ),
  parentStrategy: plannedKey(
    z.enum(['obey', 'parentDropProbabilityFallback', 'parentProbabilityFallback']),
    "What the caller's sampled flag decides; profile semconv only.",
    'obey',
  ),
  trustedProxies: plannedKey(texts, 'Networks (CIDR) whose `X-Forwarded-For` is believed for `client.address`.'),
  keep: plannedKey(keep, 'Which traces to keep, decided when they have ended.'),
  layers: plannedKey(layers, 'What each layer of a request records.'),
  responseHeader: plannedKey(z.string(), 'Answers carry the trace id in this header.'),
})
