import { z } from 'zod'
import { key, plannedKey, requiredKey } from './key.ts'
import { expression, expressions, texts } from './scalars.ts'
import { spool, tracingTransport } from './transport-keys.ts'

export const profile = z.enum(['documented', 'semconv'])

const PRESET_NAMES = [
  'otel-genai@1.41',
  'openinference@1',
  'langfuse@1',
  'openllmetry@1',
  'openllmetry-legacy@1',
  'agentgateway@0.9',
  'kong@3.14',
  'krakend@2',
] as const

const preset = z.enum(PRESET_NAMES)

/** `fields`, as `tracing` and each of its exporters have it. */
export const spanFields = {
  add: key(
    expressions,
    'Attributes to add, in this order: name to CEL expression. A name of a built-in attribute replaces it. An expression that yields nothing adds nothing; `flatten` and `flattenRecursive` add one attribute for each entry. `span.name` names the span.',
  ),
  remove: key(texts, 'Names of built-in attributes to leave out.'),
}

const exporterFields = z.strictObject({
  ...spanFields,
  on: plannedKey(z.array(z.enum(['root', 'model', 'attempt', 'message'])), 'Kinds of spans that the fields go to.', [
    'root',
    'model',
  ]),
})

const limits = z.strictObject({
  attributes: key(z.int().positive(), 'Most attributes of a span; more are left out and counted.', { default: 256 }),
  attributeBytes: key(z.int().positive(), 'Most bytes of one attribute; longer text is cut.', { default: 65_536 }),
  batchBytes: key(z.int().positive(), 'Most bytes of one export.', { default: 3_145_728 }),
  queueBytes: key(
    z.int().positive(),
    'Most bytes that wait or are on their way; beyond, spans are dropped and counted.',
    {
      default: 67_108_864,
    },
  ),
})

const content = z.strictObject({
  capture: key(z.boolean(), 'Whether prompts and completions are recorded.', { default: false }),
  maxBytes: key(z.int().positive(), 'Most bytes of one message.', { default: 16_384 }),
  form: key(z.enum(['json', 'flat']), 'One attribute of JSON, or one attribute for each part.'),
  redact: key(texts, 'What to blot out: `email`, `apiKey`, or regular expressions (RE2).'),
  headers: key(z.strictObject({ allow: key(texts, 'Names of headers that may be recorded.') }), 'Headers.'),
})

/** One destination of spans. */
export const exporterSchema = z.strictObject({
  name: requiredKey(
    z
      .string()
      .regex(/^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?$/, 'must be 1 to 63 letters, digits, `-`, `_`, `.`'),
    'Name of this exporter in metrics and messages. `default` is the one that the keys of `tracing` itself describe.',
  ),
  ...tracingTransport,
  profile: key(profile, 'Which conventions shape the spans of this exporter. Default: `tracing.profile`.'),
  attempts: key(
    z.enum(['onRetry', 'always']),
    'Whether each try at an upstream has a span of its own only when there was more than one, or always. Default: `onRetry` in profile documented, `always` in semconv.',
  ),
  fields: key(exporterFields, 'Attributes of this exporter alone, in place of `tracing.fields`.'),
  limits: key(limits, 'Bounds of what is kept.'),
  preset: plannedKey(preset, 'A named, versioned set of settings for one kind of backend.'),
  also: plannedKey(
    z.strictObject({
      preset: requiredKey(preset, 'A second preset.'),
      until: key(z.string(), 'Date from which it is no longer written.'),
    }),
    'Attributes of a second preset beside those of the first, while backends move from one to the other.',
  ),
  filter: plannedKey(expression, 'Spans are exported where this is true; it may read the answer.'),
  layout: plannedKey(
    z.enum(['wide', 'tree']),
    'Whether data of the model call sits on the root span or on a child of its own.',
    'wide',
  ),
  content: plannedKey(content, 'What is recorded of prompts, completions and headers.'),
  spool: plannedKey(spool, 'A queue on disk, for long outages.'),
})
