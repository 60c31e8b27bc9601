/** What the controller's own installation decides about every gateway's pods. */
export interface DeploySettings {
  /** Reference of weir's image, whose entry point takes the verb: `registry/repository:tag`, with or without digest. */
  readonly image: string
  /** Undefined: Kubernetes' own default. */
  readonly imagePullPolicy?: string
  /** Names of Secrets in the gateways' namespaces. */
  readonly imagePullSecrets: readonly string[]
  /** Where pods dial the controller: `host:port` of its Service. */
  readonly controllerAddress: string
  /** The DNS name in the controller's certificate. */
  readonly controllerServerName: string
  /** PEM of the CAs by which pods know the controller; two while they are rotated. */
  readonly caCertificates: string
  /** `cluster.local`, as a rule. */
  readonly clusterDomain: string
}
