import { sealed, versionOf } from '../../contract/digest.ts'
import type { Resource, RouteResource, Snapshot } from '../../contract/snapshot.ts'
import { fullName } from './findings.ts'
import type { GatewayFindings } from './gateway/gateways.ts'
import { TELEMETRY_KEY } from './gateway/tracing-config-map.ts'
import type { RouteFindings } from './route/routes.ts'

/** What one Gateway's data plane should run: its listeners, the routes on them, and all that these lead to. */
export function snapshotOf(gateway: GatewayFindings, routes: readonly RouteFindings[]): Snapshot {
  const byKey = new Map<string, Resource>()
  const add = (...resources: readonly Resource[]): void => {
    for (const resource of resources) byKey.set(resource.key, resource)
  }
  for (const { resource, credentials } of gateway.listeners) {
    if (resource !== undefined) add(resource, ...credentials)
  }
  for (const route of routes) {
    const attached = attachedRoutes(gateway, route)
    add(...attached)
    if (attached.length === 0) continue
    for (const { resource, credentials } of route.rules.flatMap(({ backends }) => backends))
      add(resource, ...credentials)
  }
  if (gateway.telemetry.resource !== undefined) add(gateway.telemetry.resource)
  const resources = [...byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
  const hold = gateway.telemetry.resource === undefined ? [TELEMETRY_KEY] : []
  return { gateway: fullName(gateway.object), version: versionOf(resources, hold), resources, hold }
}

/** The rules of a route, once for each listener of the Gateway that takes it and is served. */
function attachedRoutes(gateway: GatewayFindings, { object, parents, rules }: RouteFindings): readonly RouteResource[] {
  const { namespace = '', name, creationTimestamp } = object.metadata
  return parents
    .filter((parent) => parent.gateway === gateway)
    .flatMap(({ attachments }) => attachments)
    .flatMap(({ listener, hostnames }) => {
      if (listener.resource === undefined) return []
      const { key, name: section } = listener.resource
      return rules.flatMap(({ body }): RouteResource[] =>
        body === undefined
          ? []
          : [
              sealed({
                kind: 'route',
                key: `route/${section}/${namespace}/${name}/${body.ruleIndex}`,
                listener: key,
                namespace,
                name,
                creationTimestamp,
                hostnames: [...hostnames],
                ...body,
              }),
            ],
      )
    })
}
