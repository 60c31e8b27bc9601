/** What the controller's installation decides; it stays while the process runs. */
export interface ControllerSettings {
  /** This replica's pod: its name, unlike that of the others, and the address at which pods can be sent to it. */
  readonly podName: string
  readonly podIp: string
  /** The namespace of the controller's own Lease, Service and CA Secret. */
  readonly namespace: string
  /** Namespaces that are followed; undefined: all. */
  readonly watchNamespaces: readonly string[] | undefined
  readonly leaseName: string
  readonly caSecret: string
  /** The Service by which pods dial the controller; its DNS names are in the certificate. */
  readonly pushService: string
  readonly pushPort: number
  readonly clusterDomain: string
  /** weir's image, for the pods of gateways. */
  readonly image: string
  /** Undefined: Kubernetes' own default. */
  readonly imagePullPolicy: string | undefined
  readonly imagePullSecrets: readonly string[]
}

/** The DNS name by which pods know the controller. */
export function pushServerName({ pushService, namespace, clusterDomain }: ControllerSettings): string {
  return `${pushService}.${namespace}.svc.${clusterDomain}`
}
