import type { Gateway } from './api/gateway.ts'
import type { GatewayStatus } from './api/status.ts'
import type { GatewayState, Workload } from './api/verdict.ts'
import { gatewayAddresses } from './deploy/addresses.ts'
import type { DeployResult } from './deploy/deployer.ts'
import { objectName } from './deploy/object-names.ts'
import { ownershipOf } from './deploy/ownership.ts'
import type { InventorySource } from './kube/watch/inventory-source.ts'
import type { StoredObject } from './kube/watch/stored-object.ts'

export interface GatewayStatesOptions {
  readonly source: Pick<InventorySource, 'current'>
  readonly workloads: readonly Workload[]
  readonly results: readonly DeployResult[]
  /** Gateways (`namespace/name`) that have a pod with a stream: how pods are known that weir did not deploy. */
  readonly connected: ReadonlySet<string>
  readonly clusterDomain: string
}

/** How each Gateway stands in the cluster, by what the API server says and not by what streams are open. */
export function gatewayStates(options: GatewayStatesOptions): readonly GatewayState[] {
  const { source, workloads, results, connected, clusterDomain } = options
  return workloads.map((workload): GatewayState => {
    const { namespace, name } = workload.gateway
    const key = `${namespace}/${name}`
    const named = { namespace, name: objectName(name) }
    const deployment = source.current({ kind: 'Deployment', ...named })
    const service = workload.selfManaged ? undefined : source.current({ kind: 'Service', ...named })
    const programmed = isProgrammed(source.current({ kind: 'Gateway', namespace, name }))
    const result = results.find(({ gateway }) => gateway.namespace === namespace && gateway.name === name)
    return {
      gateway: key,
      // Of pods that weir did not deploy, nobody says that they are gone: streams end for other reasons too.
      ready: workload.selfManaged ? connected.has(key) || programmed : readyReplicas(deployment) > 0,
      programmed,
      // Of somebody else's Service of that name nothing leads here.
      addresses: isOwn(service, workload) ? gatewayAddresses(service, clusterDomain) : [],
      problems: result?.problems ?? [],
    }
  })
}

function isOwn(service: StoredObject | undefined, workload: Workload): boolean {
  return service !== undefined && ownershipOf(service, workload) === 'own'
}

function readyReplicas(deployment: StoredObject | undefined): number {
  return (deployment?.status as { readonly readyReplicas?: number } | undefined)?.readyReplicas ?? 0
}

/** Whether its status says so of the generation that it has now. */
function isProgrammed(gateway: StoredObject | undefined): boolean {
  const { conditions = [] } = ((gateway as Gateway | undefined)?.status ?? {}) as Partial<GatewayStatus>
  return conditions.some(
    ({ type, status, observedGeneration }) =>
      type === 'Programmed' && status === 'True' && observedGeneration === gateway?.metadata.generation,
  )
}
