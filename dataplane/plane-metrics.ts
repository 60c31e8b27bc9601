import type { MetricRegistry } from '../runtime/metrics.ts'
import type { DataPlane } from './data-plane.ts'

/** Gauges of the Gateways that a process serves; `planes` is asked at each scrape. */
export function observePlanes(registry: MetricRegistry, planes: () => readonly DataPlane[]): void {
  registry.observed({
    name: 'weir_superseded_parts',
    help: 'Generations of telemetry that were replaced and still have requests in flight.',
    type: 'gauge',
    labels: ['gateway'],
    read: () => planes().map((plane) => ({ labels: [plane.gateway], value: plane.supersededParts })),
  })
  registry.observed({
    name: 'weir_downstream_connections',
    help: 'Connections of clients that are open.',
    type: 'gauge',
    labels: ['gateway'],
    read: () => planes().map((plane) => ({ labels: [plane.gateway], value: plane.connections })),
  })
}
