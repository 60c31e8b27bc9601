import type { KubeMap, ServiceParameters } from '../api/gateway-parameters.ts'
import type { Workload } from '../api/verdict.ts'
import { selectorLabels } from './object-names.ts'

const LOAD_BALANCER_FIELDS = ['loadBalancerClass', 'loadBalancerIP', 'loadBalancerSourceRanges'] as const

/**
 * The spec of a Gateway's Service: one port for each listener port, on the same port of the pods. Fields that make no
 * sense for the type are left out: a class may say them for load balancers, and a Gateway of it want none.
 */
export function serviceSpec(workload: Workload): KubeMap {
  const parameters: ServiceParameters = workload.parameters?.service ?? {}
  const { type = 'LoadBalancer', clusterIP, externalTrafficPolicy } = parameters
  const isReachedFromOutside = type !== 'ClusterIP'
  const nodePorts = new Map(parameters.ports?.map(({ port, nodePort }) => [port, nodePort]))
  return {
    type,
    selector: selectorLabels(workload),
    ports: workload.ports.map((port) => {
      const nodePort = isReachedFromOutside ? nodePorts.get(port) : undefined
      return {
        name: `port-${port}`,
        port,
        targetPort: port,
        protocol: 'TCP',
        ...(nodePort === undefined ? {} : { nodePort }),
      }
    }),
    ...(clusterIP === undefined || clusterIP === '' ? {} : { clusterIP }),
    ...(externalTrafficPolicy === undefined || !isReachedFromOutside ? {} : { externalTrafficPolicy }),
    ...(type === 'LoadBalancer' ? given(parameters) : {}),
  }
}

function given(parameters: ServiceParameters): KubeMap {
  return Object.fromEntries(
    LOAD_BALANCER_FIELDS.flatMap((field) => (parameters[field] === undefined ? [] : [[field, parameters[field]]])),
  )
}
