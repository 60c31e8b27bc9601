import type { KubeObject } from './inventory.ts'

/** A part of an object that weir hands on to the API server as it is. */
export interface KubeMap {
  readonly [field: string]: unknown
}

/** A map of texts: labels, annotations, a node selector. */
export interface Texts {
  readonly [key: string]: string
}

/** What is read of GatewayParameters (gateway.kgateway.dev/v1alpha1): exactly one of the two. */
export interface GatewayParametersSpec {
  readonly kube?: KubeParameters
  readonly selfManaged?: object
}

/** `spec.kube`: how a gateway is deployed. Class and Gateway may both have one, see compile's mergeParameters. */
export interface KubeParameters {
  readonly deployment?: DeploymentParameters
  readonly podTemplate?: PodParameters
  readonly service?: ServiceParameters
  readonly serviceAccount?: ExtraMeta
  readonly agentgateway?: ContainerParameters
  readonly horizontalPodAutoscaler?: AutoscalerParameters
  readonly podDisruptionBudget?: DisruptionParameters
  /** No uid, gid or fsGroup of weir's: the platform chooses them. */
  readonly floatingUserId?: boolean
  /** No security context of weir's at all, but for the sysctl without which port 80 could not be opened. */
  readonly omitDefaultSecurityContext?: boolean
}

/** More labels and annotations for one object. */
export interface ExtraMeta {
  readonly extraLabels?: Texts
  readonly extraAnnotations?: Texts
}

export interface DeploymentParameters {
  readonly replicas?: number
  /** `replicas` is somebody else's to set, whatever a class says. */
  readonly omitReplicas?: boolean
  /** apps/v1 DeploymentStrategy. */
  readonly strategy?: KubeMap
}

/** The fields that are maps or lists of maps are core/v1's own. */
export interface PodParameters extends ExtraMeta {
  readonly securityContext?: KubeMap
  readonly imagePullSecrets?: readonly KubeMap[]
  readonly nodeSelector?: Texts
  readonly affinity?: KubeMap
  readonly tolerations?: readonly KubeMap[]
  readonly gracefulShutdown?: { readonly enabled?: boolean; readonly sleepTimeSeconds?: number }
  readonly terminationGracePeriodSeconds?: number
  readonly readinessProbe?: KubeMap
  readonly livenessProbe?: KubeMap
  readonly startupProbe?: KubeMap
  readonly topologySpreadConstraints?: readonly KubeMap[]
  readonly extraVolumes?: readonly KubeMap[]
}

export interface ServiceParameters extends ExtraMeta {
  /** Default: LoadBalancer. */
  readonly type?: string
  readonly clusterIP?: string
  /** Node ports for ports of the listeners; other ports have no effect. */
  readonly ports?: readonly { readonly port: number; readonly nodePort?: number }[]
  readonly externalTrafficPolicy?: string
  readonly loadBalancerClass?: string
  readonly loadBalancerIP?: string
  readonly loadBalancerSourceRanges?: readonly string[]
}

export interface ContainerParameters {
  readonly enabled?: boolean
  readonly logLevel?: string
  readonly image?: ImageParameters
  readonly securityContext?: KubeMap
  readonly resources?: KubeMap
  /** core/v1 EnvVar. */
  readonly env?: readonly ({ readonly name: string } & KubeMap)[]
  /** core/v1 VolumeMount. */
  readonly extraVolumeMounts?: readonly KubeMap[]
  readonly customConfigMapName?: string
}

/** What stands in for parts of weir's own image reference. */
export interface ImageParameters {
  readonly registry?: string
  readonly repository?: string
  readonly tag?: string
  readonly digest?: string
  readonly pullPolicy?: string
}

/** autoscaling/v2; the target is the gateway's Deployment. */
export interface AutoscalerParameters {
  readonly minReplicas?: number
  readonly maxReplicas: number
  readonly metrics?: readonly KubeMap[]
  readonly behavior?: KubeMap
}

/** policy/v1; the selector is the gateway's pods. At most one of the first two. */
export interface DisruptionParameters {
  readonly minAvailable?: number | string
  readonly maxUnavailable?: number | string
  readonly unhealthyPodEvictionPolicy?: string
}

/** GatewayParameters. */
export type GatewayParameters = KubeObject<GatewayParametersSpec>
