import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DROP_REASONS, noCounts } from '../dataplane/telemetry/otlp/export-counts.ts'
import { TelemetryMetrics } from '../dataplane/telemetry/telemetry-metrics.ts'
import { TrafficMetrics } from '../dataplane/telemetry/traffic-metrics.ts'
import { MetricRegistry } from '../runtime/metrics.ts'

const text = readFileSync(join(import.meta.dirname, '../docs/telemetry.md'), 'utf8')

/** What stands in code in the first cells of the table that begins with this line. */
function firstCells(head: string): (string | undefined)[] {
  const from = text.indexOf(`\n${head}\n`) + 1
  expect(from).toBeGreaterThan(0)
  const table = text.slice(from, text.indexOf('\n\n', from))
  return [...table.matchAll(/^\| `([^`]+)`/gm)].map((row) => row[1])
}

describe('docs/telemetry.md', () => {
  it('explains every reason for which spans are dropped, and no other', () => {
    expect(firstCells('| reason | means | what helps |')).toEqual([...DROP_REASONS])
  })

  it('lists the metrics of traffic and telemetry with their types', () => {
    const registry = new MetricRegistry()
    new TrafficMetrics(registry, '0')
    new TelemetryMetrics(registry, { accessLogDropped: () => 0, exporters: () => [{ name: 'e', counts: noCounts() }] })
    const kept = [...registry.render().matchAll(/^# TYPE (\S+) (\S+)$/gm)].map((found) => `${found[1]} ${found[2]}`)
    const written = [...text.matchAll(/^\| `((?:agentgateway|weir)_\w+)` \| (\w+) \|/gm)]
    expect(written.map((row) => `${row[1]} ${row[2]}`)).toEqual(expect.arrayContaining(kept))
  })
})
