import type { ExtraMeta, Texts } from '../api/gateway-parameters.ts'
import type { Problem } from '../api/problem.ts'
import type { Workload } from '../api/verdict.ts'
import type { Manifest, OwnerReference } from './manifest.ts'
import { objectName, ownLabels, selectorLabels } from './object-names.ts'
import { podTemplate } from './pod-template.ts'
import { autoscalerSpec, disruptionBudgetSpec } from './scaling.ts'
import { serviceSpec } from './service.ts'
import type { DeploySettings } from './settings.ts'

/** What one Gateway needs in the cluster. */
export interface RenderedWorkload {
  /** In the order in which they are applied. */
  readonly objects: readonly Manifest[]
  /** Kinds that are not in `objects` and stay all the same if they are there. */
  readonly kept: readonly string[]
  /** The number of pods is somebody else's to set: it stays what it is when weir no longer says it. */
  readonly leavesReplicas: boolean
  /** What the parameters say in vain; everything else of them counts. */
  readonly warnings: readonly Problem[]
}

/** Surge first, so that no moment has fewer pods than were asked for. */
const STRATEGY = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }

/**
 * The objects of a Gateway: ServiceAccount, ConfigMap with the controller's CAs, Service, Deployment and, on request,
 * autoscaler and disruption budget. Nothing for `selfManaged`. Pure: equal workloads and settings give equal objects.
 */
export function renderWorkload(workload: Workload, settings: DeploySettings): RenderedWorkload {
  if (workload.selfManaged) return { objects: [], kept: [], leavesReplicas: false, warnings: [] }
  const parameters = workload.parameters ?? {}
  const { deployment, serviceAccount, service, horizontalPodAutoscaler, podDisruptionBudget } = parameters
  const name = objectName(workload.gateway.name)
  const caConfigMap = `${name}-controller-ca`
  const { template, taken } = podTemplate(workload, settings, caConfigMap)
  const leavesReplicas = deployment?.omitReplicas === true || horizontalPodAutoscaler !== undefined
  const make = maker(workload)
  return {
    objects: [
      // Named exactly like the Gateway whatever its length: by this name the controller knows whose pod calls.
      make('v1', 'ServiceAccount', workload.gateway.name, { automountServiceAccountToken: false }, serviceAccount),
      make('v1', 'ConfigMap', caConfigMap, { data: { 'ca.crt': settings.caCertificates } }),
      // A Service must have ports. Its address is worth more than that it vanishes while no listener is right.
      ...(workload.ports.length === 0 ? [] : [make('v1', 'Service', name, { spec: serviceSpec(workload) }, service)]),
      make('apps/v1', 'Deployment', name, {
        spec: {
          ...(leavesReplicas || deployment?.replicas === undefined ? {} : { replicas: deployment.replicas }),
          strategy: deployment?.strategy ?? STRATEGY,
          selector: { matchLabels: selectorLabels(workload) },
          template,
        },
      }),
      ...(horizontalPodAutoscaler === undefined
        ? []
        : [
            make('autoscaling/v2', 'HorizontalPodAutoscaler', name, {
              spec: autoscalerSpec(name, horizontalPodAutoscaler),
            }),
          ]),
      ...(podDisruptionBudget === undefined
        ? []
        : [
            make('policy/v1', 'PodDisruptionBudget', name, {
              spec: disruptionBudgetSpec(selectorLabels(workload), podDisruptionBudget),
            }),
          ]),
    ],
    kept: workload.ports.length === 0 ? ['Service'] : [],
    leavesReplicas,
    warnings: [...takenNames(workload, taken), ...takenLabels(workload)],
  }
}

type Make = (
  apiVersion: string,
  kind: string,
  name: string,
  body: Pick<Manifest, 'spec' | 'data' | 'automountServiceAccountToken'>,
  extra?: ExtraMeta,
) => Manifest

/** Makes objects with what all of them have: namespace, owner, labels and annotations of the infrastructure. */
function maker(workload: Workload): Make {
  const { gateway, labels, annotations } = workload
  const owners = ownersOf(workload)
  return (apiVersion, kind, name, body, extra) => {
    const allAnnotations = { ...annotations, ...extra?.extraAnnotations }
    return {
      apiVersion,
      kind,
      metadata: {
        name,
        namespace: gateway.namespace,
        labels: { ...labels, ...extra?.extraLabels, ...ownLabels(workload) },
        ...(Object.keys(allAnnotations).length === 0 ? {} : { annotations: allAnnotations }),
        ...(owners.length === 0 ? {} : { ownerReferences: owners }),
      },
      ...body,
    }
  }
}

/**
 * Kubernetes removes what a Gateway owns when the Gateway goes. One from a file owns nothing. No object holds up the
 * deletion of its Gateway: saying so would take a right on Gateways' finalizers.
 */
function ownersOf({ gateway, uid }: Workload): readonly OwnerReference[] {
  if (uid === undefined) return []
  const { apiVersion, kind, name } = gateway
  return [{ apiVersion, kind, name, uid, controller: true }]
}

const PARAMETERS_PATH = 'spec.infrastructure.parametersRef'

function takenNames({ gateway }: Workload, taken: readonly { field: string; name: string }[]): readonly Problem[] {
  return taken.map(({ field, name }) => ({
    kind: 'NotSupported',
    severity: 'warning',
    at: gateway,
    path: PARAMETERS_PATH,
    message: `spec.kube.${field}: '${name}' is set by weir: no effect`,
  }))
}

/** Labels that weir needs for itself, wherever they are given. */
function takenLabels(workload: Workload): readonly Problem[] {
  const { parameters, labels } = workload
  const own = ownLabels(workload)
  const inVain = (given: Texts | undefined): readonly string[] =>
    Object.entries(given ?? {}).flatMap(([key, value]) => (own[key] === undefined || own[key] === value ? [] : [key]))
  const holders: readonly (readonly [string, ExtraMeta | undefined])[] = [
    ['podTemplate', parameters?.podTemplate],
    ['service', parameters?.service],
    ['serviceAccount', parameters?.serviceAccount],
  ]
  return [
    ...inVain(labels).map(
      (key): Problem => ({
        kind: 'NotSupported',
        severity: 'warning',
        at: workload.gateway,
        path: `spec.infrastructure.labels["${key}"]`,
        message: 'this label is set by weir: no effect',
      }),
    ),
    ...holders.flatMap(([holder, extra]) =>
      takenNames(
        workload,
        inVain(extra?.extraLabels).map((name) => ({ field: `${holder}.extraLabels`, name })),
      ),
    ),
  ]
}
