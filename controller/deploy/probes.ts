import { READINESS_PORT } from '../../contract/names.ts'
import type { KubeMap, PodParameters } from '../api/gateway-parameters.ts'

const READY_PATH = '/healthz/ready'
/** Answers as long as the process does: a pod without a plan, or one that drains, lives. */
const LIVE_PATH = '/healthz/live'

/** core/v1: a probe asks in exactly one of these ways. */
const WAYS: readonly string[] = ['httpGet', 'tcpSocket', 'exec', 'grpc']

/**
 * The container's probes. Neither start nor life depends on the controller: a pod that has no plan yet waits for one
 * unready, it is not restarted.
 */
export function probesOf({ readinessProbe, livenessProbe, startupProbe }: PodParameters): KubeMap {
  return {
    startupProbe: probe({ ...ask(LIVE_PATH), periodSeconds: 1, failureThreshold: 60 }, startupProbe),
    // Often, because a new Gateway is Programmed when its first pod is ready.
    readinessProbe: probe(
      { ...ask(READY_PATH), periodSeconds: 1, failureThreshold: 3, timeoutSeconds: 2 },
      readinessProbe,
    ),
    livenessProbe: probe(
      { ...ask(LIVE_PATH), periodSeconds: 10, failureThreshold: 6, timeoutSeconds: 5 },
      livenessProbe,
    ),
  }
}

function ask(path: string): KubeMap {
  return { httpGet: { path, port: READINESS_PORT, scheme: 'HTTP' } }
}

/** Given times count over weir's; a probe that asks in a way of its own is taken as it is. */
function probe(own: KubeMap, given: KubeMap | undefined): KubeMap {
  if (given === undefined) return own
  return WAYS.some((way) => given[way] !== undefined) ? given : { ...own, ...given }
}
