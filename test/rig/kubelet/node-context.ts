import type { ApiClient } from '../api-client.ts'
import type { AddressPool } from '../network/address-plan.ts'
import type { ConfigMap, Pod, Secret, Service } from './cluster-objects.ts'
import type { ImageTable } from './images.ts'
import type { ObjectStore } from './object-store.ts'
import type { RestartBackoff } from './pod-container.ts'
import type { PodEvents } from './pod-events.ts'

/** What all pods of a node share. */
export interface NodeContext {
  readonly nodeName: string
  readonly capacity: Readonly<Record<string, string>>
  /** Pods' files and logs. */
  readonly folder: string
  readonly api: ApiClient
  readonly events: PodEvents
  readonly images: ImageTable
  readonly addresses: AddressPool
  readonly backoff: RestartBackoff
  /** PEM of CAs that containers trust beside the system's. */
  readonly trustedCertificates: readonly string[]
  readonly pods: ObjectStore<Pod>
  readonly services: ObjectStore<Service>
  readonly configMaps: ObjectStore<ConfigMap>
  readonly secrets: ObjectStore<Secret>
}
