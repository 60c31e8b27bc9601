import type { ExporterConfig } from '../../../contract/telemetry-config.ts'

/** RFC 9110 5.6.2: token. */
const HTTP_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i
/** RFC 9110 5.5: visible characters, space, tab, and the upper half of Latin-1. */
const HTTP_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
/** gRPC over HTTP/2: Custom-Metadata; `grpc-` is reserved. */
const GRPC_NAME = /^(?!grpc-)[0-9a-z_.-]+$/i
const GRPC_VALUE = /^[\x20-\x7e]*$/

/** What is wrong with an exporter's headers, so that no request could carry them; nothing when they are good. */
export function headerError({
  headers,
  otlpProtocol,
}: Pick<ExporterConfig, 'headers' | 'otlpProtocol'>): string | undefined {
  const [names, values] = otlpProtocol === 'grpc' ? [GRPC_NAME, GRPC_VALUE] : [HTTP_NAME, HTTP_VALUE]
  for (const { name, value } of headers) {
    if (!names.test(name)) return `header '${name}': ${otlpProtocol} cannot carry this name`
    if (!values.test(value)) return `header '${name}': its value has characters that ${otlpProtocol} cannot carry`
  }
  return undefined
}
