import type { Resource } from '../contract/snapshot.ts'
import type { Plan } from './plan.ts'

const REDACTED = '<redacted>'

/** What runs, as plain data for people: every resource in its running form, nothing secret in it. */
export function configDump(plan: Plan): readonly unknown[] {
  return [...plan.resources.values()].map(withoutSecrets).sort((a, b) => (a.key < b.key ? -1 : 1))
}

/** Credentials have no body, exporter headers no values, and endpoints no query. */
function withoutSecrets(resource: Resource): { readonly key: string } {
  if (resource.kind === 'credential')
    return { ...resource, body: { type: resource.body.type, value: REDACTED } } as { key: string }
  if (resource.kind !== 'telemetry' || resource.config.tracing === undefined) return resource
  const exporters = resource.config.tracing.exporters.map((exporter) => ({
    ...exporter,
    otlpEndpoint: exporter.otlpEndpoint.replace(/\?.*$/, `?${REDACTED}`),
    headers: exporter.headers.map(({ name }) => ({ name, value: REDACTED })),
  }))
  return { ...resource, config: { ...resource.config, tracing: { ...resource.config.tracing, exporters } } } as {
    key: string
  }
}
