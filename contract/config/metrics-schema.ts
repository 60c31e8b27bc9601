import { z } from 'zod'
import { key, plannedKey, requiredKey } from './key.ts'
import { duration, expressions, port, texts } from './scalars.ts'
import { plannedExporterTransport } from './transport-keys.ts'

const exporter = z.strictObject({
  name: requiredKey(z.string(), 'Name of this exporter in metrics and messages.'),
  period: key(duration, 'How often it sends.', { default: '30s' }),
  ...plannedExporterTransport,
})

const prometheus = z.strictObject({
  listeners: key(
    z.array(
      z.strictObject({
        address: requiredKey(z.string(), 'Address to listen on.'),
        port: requiredKey(port, 'Port to listen on.'),
      }),
    ),
    'Where metrics are served, besides the stats port.',
  ),
  buckets: key(z.record(z.string(), z.array(z.number())), 'Bounds of the buckets of a histogram, by its name.'),
})

const labels = z.strictObject({
  add: key(expressions, 'Labels to add: name to CEL expression.'),
  limit: key(z.int().positive(), 'Most sets of label values of one metric.', { default: 2000 }),
})

/** `config.metrics`. */
export const metricsSchema = z.strictObject({
  fields: key(
    z.strictObject({
      add: key(
        expressions,
        'Labels to add to the metrics of requests: name to CEL expression; the value is `unknown` where it fails.',
      ),
    }),
    'Labels.',
  ),
  remove: key(texts, 'Names of metrics to leave out.'),
  exporters: plannedKey(z.array(exporter), 'OTLP destinations of metrics.'),
  prometheus: plannedKey(prometheus, 'How metrics are served to scrapers.'),
  labels: plannedKey(labels, 'Labels and their limit.'),
})
