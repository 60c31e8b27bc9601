import type { KubeMap } from '../api/gateway-parameters.ts'
import type { Workload } from '../api/verdict.ts'
import { drainTimes } from './drain-times.ts'
import { CACHE_FOLDER, CONTROLLER_FOLDER } from './pod-volumes.ts'
import type { DeploySettings } from './settings.ts'

/** Of the same process, but not weir's to render: other ports than these would not be found by probes and scrapers. */
const FIXED: readonly string[] = ['READINESS_ADDR', 'STATS_ADDR']

/** The container's environment, and the names that the parameters gave in vain because they are weir's own. */
export function environmentOf(
  workload: Workload,
  settings: DeploySettings,
): { readonly env: readonly KubeMap[]; readonly taken: readonly string[] } {
  const own = ownVariables(workload, settings)
  const names = new Set([...own.map(({ name }) => name), ...FIXED])
  const given = workload.parameters?.agentgateway?.env ?? []
  return {
    // Kubernetes replaces $(NAME) in a value by what stands before it in the list.
    env: [...own, ...given.filter(({ name }) => !names.has(name))],
    taken: given.map(({ name }) => name).filter((name) => names.has(name)),
  }
}

/** What `weir dataplane` reads; docs/cli.md has the table. */
function ownVariables({ gateway, parameters }: Workload, settings: DeploySettings): { name: string }[] {
  const { drainSeconds, waitSeconds } = drainTimes(parameters?.podTemplate)
  const logLevel = parameters?.agentgateway?.logLevel
  return [
    { name: 'GATEWAY', value: `${gateway.namespace}/${gateway.name}` },
    fromField('POD_NAME', 'metadata.name'),
    fromField('POD_NAMESPACE', 'metadata.namespace'),
    // Whole CPUs, rounded up; the node's own where there is no limit.
    { name: 'CPU_LIMIT', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1' } } },
    { name: 'CONTROLLER_ADDRESS', value: settings.controllerAddress },
    { name: 'CONTROLLER_SERVER_NAME', value: settings.controllerServerName },
    { name: 'CONTROLLER_CA', value: `${CONTROLLER_FOLDER}/ca.crt` },
    { name: 'CONTROLLER_TOKEN', value: `${CONTROLLER_FOLDER}/token` },
    { name: 'SNAPSHOT_CACHE', value: `${CACHE_FOLDER}/snapshot.json` },
    { name: 'TERMINATION_GRACE_PERIOD_SECONDS', value: String(drainSeconds) },
    { name: 'DRAIN_WAIT_SECONDS', value: String(waitSeconds) },
    ...(logLevel === undefined ? [] : [{ name: 'WEIR_LOG', value: logLevel }]),
  ]
}

function fromField(name: string, fieldPath: string): { name: string } & KubeMap {
  return { name, valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath } } }
}
