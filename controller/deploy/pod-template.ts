import { READINESS_PORT, STATS_PORT } from '../../contract/names.ts'
import type { KubeMap, Texts } from '../api/gateway-parameters.ts'
import type { Workload } from '../api/verdict.ts'
import { drainTimes } from './drain-times.ts'
import { environmentOf } from './environment.ts'
import { imageReference } from './image.ts'
import { ownLabels, selectorLabels } from './object-names.ts'
import { podVolumes } from './pod-volumes.ts'
import { probesOf } from './probes.ts'
import { containerSecurityContext, podSecurityContext } from './security.ts'
import type { DeploySettings } from './settings.ts'

const CONTAINER = 'weir'

/**
 * When the parameters give no resources. The CPU limit decides how many workers there are; parameters that give any
 * resources give all of them, because a request above a limit that they do not name would be refused.
 */
const RESOURCES = { requests: { cpu: '100m', memory: '256Mi' }, limits: { cpu: '1', memory: '1Gi' } }

/** The lowest of annotations: whoever collects metrics otherwise can say so. */
const ANNOTATIONS: Texts = {
  'kubectl.kubernetes.io/default-container': CONTAINER,
  'prometheus.io/scrape': 'true',
  'prometheus.io/port': String(STATS_PORT),
  'prometheus.io/path': '/metrics',
}

/** A pod template, and what the parameters gave in vain: the field below `spec.kube` and the name that is weir's. */
export interface PodTemplate {
  readonly template: KubeMap
  readonly taken: readonly { readonly field: string; readonly name: string }[]
}

/**
 * What a Gateway's pods look like. Nothing in here may depend on listeners, routes or the number of pods: whatever
 * changes a template replaces every pod, and with it every stream.
 */
export function podTemplate(workload: Workload, settings: DeploySettings, caConfigMap: string): PodTemplate {
  const parameters = workload.parameters ?? {}
  const { podTemplate: pod = {} } = parameters
  const { env, taken } = environmentOf(workload, settings)
  const volumes = podVolumes(caConfigMap, parameters)
  const pullSecrets = pod.imagePullSecrets ?? settings.imagePullSecrets.map((name) => ({ name }))
  return {
    template: {
      metadata: {
        labels: { ...workload.labels, ...pod.extraLabels, ...ownLabels(workload) },
        annotations: { ...ANNOTATIONS, ...workload.annotations, ...pod.extraAnnotations },
      },
      spec: {
        serviceAccountName: workload.gateway.name,
        automountServiceAccountToken: false,
        securityContext: podSecurityContext(parameters),
        terminationGracePeriodSeconds: drainTimes(pod).graceSeconds,
        containers: [container(workload, settings, env, volumes.mounts)],
        volumes: volumes.volumes,
        topologySpreadConstraints: pod.topologySpreadConstraints ?? spread(selectorLabels(workload)),
        ...(pullSecrets.length === 0 ? {} : { imagePullSecrets: pullSecrets }),
        ...(pod.nodeSelector === undefined ? {} : { nodeSelector: pod.nodeSelector }),
        ...(pod.affinity === undefined ? {} : { affinity: pod.affinity }),
        ...(pod.tolerations === undefined ? {} : { tolerations: pod.tolerations }),
      },
    },
    taken: [...taken.map((name) => ({ field: 'agentgateway.env', name })), ...volumes.taken],
  }
}

function container(
  { parameters = {} }: Workload,
  settings: DeploySettings,
  env: readonly KubeMap[],
  volumeMounts: readonly KubeMap[],
): KubeMap {
  const { agentgateway = {}, podTemplate: pod = {} } = parameters
  const imagePullPolicy = agentgateway.image?.pullPolicy ?? settings.imagePullPolicy
  const securityContext = containerSecurityContext(parameters)
  return {
    name: CONTAINER,
    image: imageReference(settings.image, agentgateway.image),
    ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
    args: ['dataplane'],
    env,
    ports: [
      { name: 'metrics', containerPort: STATS_PORT, protocol: 'TCP' },
      { name: 'readiness', containerPort: READINESS_PORT, protocol: 'TCP' },
    ],
    resources: agentgateway.resources ?? RESOURCES,
    ...(securityContext === undefined ? {} : { securityContext }),
    ...probesOf(pod),
    volumeMounts,
  }
}

/** Over zones, then nodes, as far as there are any. It says nothing where there is one pod, so that scaling rolls none. */
function spread(matchLabels: Texts): readonly KubeMap[] {
  return ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
    topologyKey,
    maxSkew: 1,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels },
    matchLabelKeys: ['pod-template-hash'],
  }))
}
