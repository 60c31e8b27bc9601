import { SCOPE_NAME } from '../../../contract/names.ts'
import { type Environment, resourceVariable } from './environment.ts'
import type { ResourceAttribute } from './trace-batch.ts'

/** Who exports: the Gateway that is served, and the process that serves it. */
export interface Identity {
  /** The Gateway's. */
  readonly namespace: string
  /** The Gateway's. */
  readonly name: string
  /** weir's. */
  readonly version: string
  readonly env: Environment
}

/** What tells this process from others where the environment names no pod. */
export interface ProcessIdentity {
  readonly hostName: string
  readonly instanceId: string
}

/** Variables of the pod template, and the attributes that they become. */
const POD_ATTRIBUTES = [
  ['k8s.namespace.name', 'POD_NAMESPACE'],
  ['k8s.pod.name', 'POD_NAME'],
  ['k8s.pod.uid', 'POD_UID'],
  ['k8s.pod.ip', 'INSTANCE_IP'],
  ['k8s.node.name', 'NODE_NAME'],
] as const

/**
 * The attributes of the OTLP resource, each key once. What is configured wins over OTEL_SERVICE_NAME, that over
 * OTEL_RESOURCE_ATTRIBUTES, and that over what weir knows by itself: the service is the Gateway. An empty value takes
 * an attribute out.
 */
export function resourceAttributes(
  configured: readonly ResourceAttribute[],
  identity: Identity,
  process: ProcessIdentity,
): ResourceAttribute[] {
  const { env, namespace, name, version } = identity
  const podName = env['POD_NAME']
  const values = new Map<string, string | undefined>([
    ['service.name', name || SCOPE_NAME],
    ['service.namespace', namespace],
    ['service.version', version],
    ['service.instance.id', podName ? `${env['POD_NAMESPACE'] || namespace}.${podName}` : process.instanceId],
    ['host.name', process.hostName],
    ...POD_ATTRIBUTES.map(([key, variable]): [string, string | undefined] => [key, env[variable]]),
    ['telemetry.sdk.name', SCOPE_NAME],
    ['telemetry.sdk.language', 'nodejs'],
    ['telemetry.sdk.version', version],
    ...(resourceVariable(env) ?? []),
  ])
  if (env['OTEL_SERVICE_NAME']) values.set('service.name', env['OTEL_SERVICE_NAME'])
  for (const attribute of configured) values.set(attribute.name, attribute.value)
  return [...values].flatMap(([key, value]) => (value ? [{ name: key, value }] : []))
}
