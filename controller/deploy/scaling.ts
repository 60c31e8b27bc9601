import type { AutoscalerParameters, DisruptionParameters, KubeMap, Texts } from '../api/gateway-parameters.ts'

const CPU_PERCENT = 70

/** Upwards at once; downwards slowly, because a pod that leaves must wait for its streams. */
const BEHAVIOR = {
  scaleDown: { stabilizationWindowSeconds: 300, policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] },
}

/** The spec of an autoscaler for the Deployment of that name. */
export function autoscalerSpec(deployment: string, parameters: AutoscalerParameters): KubeMap {
  const { minReplicas = 1, maxReplicas, metrics, behavior } = parameters
  return {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: deployment },
    minReplicas,
    maxReplicas,
    metrics: metrics ?? [
      {
        type: 'Resource',
        resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: CPU_PERCENT } },
      },
    ],
    behavior: behavior ?? BEHAVIOR,
  }
}

/** The spec of a disruption budget for the pods with these labels. */
export function disruptionBudgetSpec(matchLabels: Texts, parameters: DisruptionParameters): KubeMap {
  const { minAvailable, maxUnavailable, unhealthyPodEvictionPolicy = 'AlwaysAllow' } = parameters
  return {
    selector: { matchLabels },
    // A pod that is not ready serves nobody: it must not keep a node from being emptied.
    unhealthyPodEvictionPolicy,
    ...(minAvailable === undefined ? { maxUnavailable: maxUnavailable ?? 1 } : { minAvailable }),
  }
}
