import { GATEWAY_API_GROUP, WEIR_GROUP } from '../../contract/names.ts'
import type { Resource, Snapshot } from '../../contract/snapshot.ts'
import type { ObjectRef, Problem } from '../api/problem.ts'
import type { GatewayAck } from '../api/verdict.ts'

/** One refused resource, and the Problem of the user's resource that it comes from. */
export interface Refusal {
  readonly resource: Resource
  readonly problem: Problem
}

/**
 * What a data plane refused of a snapshot, as Problems of the user's resources. An ack of another version says nothing
 * about this one.
 */
export function refusalsOf(snapshot: Snapshot, ack: GatewayAck | undefined): readonly Refusal[] {
  if (ack === undefined || ack.version !== snapshot.version) return []
  return ack.refused.flatMap(({ key, path, message }) => {
    const resource = snapshot.resources.find((one) => one.key === key)
    if (resource === undefined) return []
    const { at, field } = originOf(resource, snapshot.gateway)
    const where = path === '' ? '' : `${path}: `
    const text = `refused by the data plane, which goes on with what it has: ${where}${message}`
    return { resource, problem: { kind: 'Refused', severity: 'error', at, path: field, message: text } }
  })
}

/** Whose mistake a resource would be. A credential is spoken of by the Gateway: its Secret has no status. */
function originOf(resource: Resource, gateway: string): { readonly at: ObjectRef; readonly field: string } {
  const [namespace = '', name = ''] = gateway.split('/')
  const ofGateway: ObjectRef = { apiVersion: `${GATEWAY_API_GROUP}/v1`, kind: 'Gateway', namespace, name }
  switch (resource.kind) {
    case 'listener':
      return { at: ofGateway, field: 'spec.listeners' }
    case 'route':
      return {
        at: {
          apiVersion: `${GATEWAY_API_GROUP}/v1`,
          kind: 'HTTPRoute',
          namespace: resource.namespace,
          name: resource.name,
        },
        field: `spec.rules[${resource.ruleIndex}]`,
      }
    case 'backend': {
      const apiVersion = resource.resource === 'Backend' ? `${WEIR_GROUP}/v1alpha1` : 'v1'
      return {
        at: { apiVersion, kind: resource.resource, namespace: resource.namespace, name: resource.name },
        field: 'spec',
      }
    }
    case 'credential':
      return { at: ofGateway, field: resource.key }
    case 'telemetry':
      return { at: ofGateway, field: 'spec.infrastructure.parametersRef' }
  }
}
