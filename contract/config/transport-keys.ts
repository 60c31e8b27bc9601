import { z } from 'zod'
import { key, plannedKey, requiredKey } from './key.ts'
import { bytes, duration, expression, headers, urlPath } from './scalars.ts'

/** `grpc`, OTLP/HTTP with protobuf, and OTLP/HTTP with JSON. */
export const otlpProtocol = z.enum(['grpc', 'http', 'http/json'])

export const ENDPOINT_DOC =
  'Where to send. A URL, or `host:port`. `http`, `grpc` or no scheme: plaintext; `https`: TLS, trusting the system and `NODE_EXTRA_CA_CERTS`. Ports when none is given: http 80, https 443, grpc 4317.'

export const PROTOCOL_DOC =
  '`grpc`, `http` (protobuf) or `http/json`. OTLP/HTTP goes to port 4318 as a rule: name it, nothing is guessed from the port.'

export const HEADERS_DOC = 'Headers sent with every export, with all protocols. Values are literal, never expressions.'

const configMapRef = z.strictObject({ name: requiredKey(z.string(), 'Name of the object, in the same namespace.') })

const tls = z.strictObject({
  caConfigMapRef: key(configMapRef, 'ConfigMap whose key `ca.crt` holds the CA certificates to trust (PEM).'),
  clientSecretRef: key(configMapRef, 'Secret of type `kubernetes.io/tls` to identify with (mTLS).'),
  insecureSkipVerify: key(z.boolean(), 'Accept any certificate.', { default: false }),
})

const secretRef = z.strictObject({
  name: requiredKey(z.string(), 'Name of the Secret, in the same namespace.'),
  key: requiredKey(z.string(), 'Data key that holds the value.'),
})

const headerFrom = z.strictObject({
  name: requiredKey(z.string(), 'Name of the header.'),
  secretRef: key(secretRef, 'Take the value from a Secret.'),
  expression: key(expression, 'Take the value from the exchange; exchanges with different values are sent apart.'),
})

const queue = z.strictObject({
  maxBatchSize: key(z.int().positive(), 'Most spans in one export.', { default: 512 }),
  maxCoalescingDelay: key(z.number().positive(), 'Seconds that a span waits for others at most.', { default: 1 }),
  maxRetryTime: key(z.number().nonnegative(), 'Seconds after which a batch that cannot be delivered is dropped.', {
    default: 60,
  }),
  initialRetryDelay: key(z.number().positive(), 'Seconds before the first retry; doubled each time.', {
    default: 0.01,
  }),
  maxRetryDelay: key(z.number().positive(), 'Most seconds between two retries.', { default: 60 }),
  maxEntries: key(z.int().positive(), 'Most exchanges that wait or are on their way.', { default: 10_000 }),
})

const circuit = z.strictObject({
  failures: key(z.int().positive(), 'Failures in a row after which nothing is tried for a while.'),
  openFor: key(duration, 'How long that while is.'),
})

const timeouts = z.strictObject({
  connect: key(duration, 'Time to connect.', { default: '1s' }),
  send: key(duration, 'Time to send a batch.', { default: '5s' }),
  read: key(duration, 'Time to wait for the answer.', { default: '5s' }),
})

/** Keys of every exporter that say how to deliver, beside the queue: none is built yet. */
const plannedTransport = {
  headersFrom: plannedKey(z.array(headerFrom), 'Headers whose values come from Secrets or from the exchange.'),
  tls: plannedKey(tls, 'Certificates for `https`.'),
  compression: plannedKey(z.enum(['none', 'gzip']), 'Compression of what is sent.', 'none'),
  circuit: plannedKey(circuit, 'When to stop trying for a while.'),
  timeouts: plannedKey(timeouts, 'Limits of time of one export.'),
}

/** How an exporter of spans delivers. */
export const tracingTransport = {
  otlpEndpoint: requiredKey(z.string(), ENDPOINT_DOC),
  otlpProtocol: key(otlpProtocol, PROTOCOL_DOC, { default: 'grpc' }),
  path: key(urlPath, 'OTLP/HTTP path, where the endpoint names none.', {
    default: '/v1/traces',
  }),
  headers: key(headers, HEADERS_DOC),
  queue: key(queue, 'Batching and retries.'),
  ...plannedTransport,
}

/** How an exporter of metrics or logs delivers. Such exporters are planned as a whole. */
export const plannedExporterTransport = {
  otlpEndpoint: requiredKey(z.string(), ENDPOINT_DOC),
  otlpProtocol: key(otlpProtocol, PROTOCOL_DOC, { default: 'grpc' }),
  headers: key(headers, HEADERS_DOC),
  queue: key(queue, 'Batching and retries.'),
  ...plannedTransport,
}

/** A queue on disk. */
export const spool = z.strictObject({
  bytes: key(bytes, 'Room on disk.'),
  durability: key(duration, 'How long written data may be unsynced.'),
})
