import { randomBytes } from 'node:crypto'
import { formatHostPort } from '../runtime/address.ts'
import { pause } from '../runtime/backoff.ts'
import type { Log } from '../runtime/log.ts'
import { MetricRegistry } from '../runtime/metrics.ts'
import { CertificateStore } from './certificate-store.ts'
import { Deployer } from './deploy/deployer.ts'
import { kubeWorkloadClient } from './deploy/kube-workload-client.ts'
import type { ClusterAccess } from './kube/client/cluster-access.ts'
import { KubeClient } from './kube/client/kube-client.ts'
import { type InventorySource, kubeInventorySource } from './kube/watch/inventory-source.ts'
import { EventWriter } from './kube/write/event-writer.ts'
import { type LeaseElection, startLeaseElection } from './kube/write/lease.ts'
import { StatusWriter } from './kube/write/status-writer.ts'
import { type Certificates, type KeyPair, trustBundle } from './push/certificate-authority.ts'
import { type PushServer, startPushServer } from './push/push-server.ts'
import { SnapshotRegistry } from './push/snapshot-registry.ts'
import { createTokenReview } from './push/token-review.ts'
import { Reconciler } from './reconciler.ts'
import { type ControllerSettings, pushServerName } from './settings.ts'

/** How often the certificates are looked at: whether they are due, or were renewed by another replica. */
const CERTIFICATES_MS = 60_000
const RETRY_MS = 1_000

/**
 * One replica of the controller. Each follows the cluster and compiles; the one that holds the Lease pushes, deploys and
 * writes statuses, and the others send pods on to it. While the API server is away nobody leads, and pods go on with what
 * they have.
 */
export class Controller {
  readonly metrics = new MetricRegistry()
  readonly #settings: ControllerSettings
  readonly #log: Log
  readonly #client: KubeClient
  readonly #source: InventorySource
  readonly #snapshots: SnapshotRegistry
  readonly #events: EventWriter
  readonly #reconciler: Reconciler
  readonly #store: CertificateStore
  readonly #closing = new AbortController()
  #election: LeaseElection | undefined
  #push: PushServer | undefined
  /** PEM of the certificate that the push port has now. */
  #served: string | undefined
  #using: Promise<void> = Promise.resolve()
  #following: Promise<void> = Promise.resolve()
  /** Aborts when this replica does not lead any more. */
  #term: AbortSignal | undefined

  constructor(settings: ControllerSettings, access: ClusterAccess, log: Log) {
    this.#settings = settings
    this.#log = log
    const client = new KubeClient({ access })
    this.#client = client
    const { watchNamespaces, podName, clusterDomain } = settings
    this.#source = kubeInventorySource({
      client,
      log,
      namespaces: watchNamespaces,
      onChange: () => this.#reconciler.trigger(),
    })
    this.#snapshots = new SnapshotRegistry(() => this.#reconciler.trigger())
    this.#events = new EventWriter({ client, log, instance: podName })
    this.#reconciler = new Reconciler({
      source: this.#source,
      snapshots: this.#snapshots,
      statuses: new StatusWriter({ client, current: (at) => this.#source.current(at) }),
      events: this.#events,
      clusterDomain,
      log,
    })
    this.#store = new CertificateStore({
      client,
      namespace: settings.namespace,
      name: settings.caSecret,
      dnsNames: [pushServerName(settings)],
    })
    this.#observe()
  }

  /** Why this replica is of no use yet; undefined when it is. Followers are ready too: they know who leads. */
  notReady(): string | undefined {
    if (this.#closing.signal.aborted) return 'shutting down'
    if (!this.#source.synced) return 'the cluster has not been read yet'
    if (this.#push === undefined) return 'there is no certificate for the push port yet'
    return undefined
  }

  /** Resolves when it takes part: the cluster has been read, and the push port listens. Earlier when it is closed. */
  async start(): Promise<void> {
    await this.#source.start()
    if (this.#closing.signal.aborted) return
    this.#reconciler.refresh()
    const { client, log } = { client: this.#client, log: this.#log }
    const { namespace, leaseName, podName, podIp, pushPort } = this.#settings
    const address = formatHostPort(podIp, pushPort)
    this.#election = startLeaseElection({
      client,
      log,
      namespace,
      name: leaseName,
      // Pods are sent to the address; a container that was restarted is another candidate than the one before.
      identity: `${podName}_${randomBytes(4).toString('hex')}/${address}`,
      onLeading: (signal) => void this.#lead(signal),
      onLost: () => this.#lose(),
      onHolder: (identity) => this.#follow(identity),
    })
    this.#following = this.#followCertificates()
    while (this.#push === undefined && !this.#closing.signal.aborted) await pause(100, this.#closing.signal)
  }

  /** Gives the Lease back, so that another replica leads at once, and ends what runs. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#reconciler.close()
    await this.#election?.close()
    await this.#push?.close()
    await Promise.all([this.#following, this.#source.close(), this.#events.close()])
    this.#client.close()
  }

  /** Looks after the certificates as long as it leads: a Secret that somebody deletes is made again. */
  async #lead(signal: AbortSignal): Promise<void> {
    this.#term = signal
    let bundle: string | undefined
    while (!signal.aborted) {
      try {
        const { certificates, changes, renewAt } = await this.#store.renew()
        if (signal.aborted) return
        for (const change of changes) this.#log.info(`certificates: ${change}`)
        await this.#use(certificates)
        if (signal.aborted) return
        if (bundle !== trustBundle(certificates)) {
          bundle = trustBundle(certificates)
          this.#reconciler.refresh()
          this.#push?.lead()
          this.#reconciler.lead({ signal, deployer: this.#deployer(bundle) })
        }
        await pause(Math.min(CERTIFICATES_MS, Math.max(RETRY_MS, renewAt.getTime() - Date.now())), signal)
      } catch (error) {
        this.#log.warn({ err: error }, 'the certificates of the push port cannot be kept up to date')
        await pause(RETRY_MS, signal)
      }
    }
  }

  #lose(): void {
    this.#term = undefined
    this.#log.info('leading no more')
    this.#reconciler.lead(undefined)
    this.#follow(this.#election?.holder())
  }

  #follow(identity: string | undefined): void {
    if (this.#term !== undefined && !this.#term.aborted) return
    this.#push?.follow(identity?.slice(identity.indexOf('/') + 1))
  }

  /** Followers serve the leader's certificate; so does a leader that another one has written after. */
  async #followCertificates(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      const stored = await this.#store.read().catch((error: unknown) => {
        this.#log.warn({ err: error }, 'the certificates of the push port cannot be read')
        return undefined
      })
      if (stored !== undefined && !signal.aborted) await this.#use(stored)
      await pause(this.#push === undefined ? RETRY_MS : CERTIFICATES_MS, signal)
    }
  }

  /** Serves these certificates from now on, one call after the other. */
  #use({ server }: Certificates): Promise<void> {
    const done = this.#using.then(() => this.#serve(server))
    this.#using = done.catch(() => undefined)
    return done
  }

  async #serve(server: KeyPair): Promise<void> {
    if (this.#push !== undefined) {
      if (this.#served !== server.certificate) this.#push.replaceCertificate(server)
      this.#served = server.certificate
      return
    }
    this.#push = await startPushServer({
      host: '::',
      port: this.#settings.pushPort,
      certificate: server,
      snapshots: this.#snapshots,
      reviewToken: createTokenReview(this.#client),
      metrics: this.metrics,
      log: this.#log,
    })
    this.#served = server.certificate
    this.#follow(this.#election?.holder())
  }

  #deployer(caCertificates: string): Deployer {
    const { image, imagePullPolicy, imagePullSecrets, pushPort, clusterDomain } = this.#settings
    const serverName = pushServerName(this.#settings)
    return new Deployer(kubeWorkloadClient(this.#client), {
      image,
      ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
      imagePullSecrets,
      controllerAddress: formatHostPort(serverName, pushPort),
      controllerServerName: serverName,
      caCertificates,
      clusterDomain,
    })
  }

  #observe(): void {
    const gauge = (name: string, help: string, read: () => number): void =>
      void this.metrics.observed({ name, help, type: 'gauge', labels: [], read: () => [{ labels: [], value: read() }] })
    const counter = (name: string, help: string, read: () => number): void =>
      void this.metrics.observed({
        name,
        help,
        type: 'counter',
        labels: [],
        read: () => [{ labels: [], value: read() }],
      })
    gauge('weir_controller_leading', '1 while this replica leads.', () => (this.#election?.isLeading ? 1 : 0))
    gauge('weir_controller_synced', '1 when the cluster has been read.', () => (this.#source.synced ? 1 : 0))
    counter('weir_controller_rounds_total', 'Rounds of the loop.', () => this.#reconciler.counts.rounds)
    counter(
      'weir_controller_bugs_total',
      "Rounds that ended by an error of weir's own.",
      () => this.#reconciler.counts.bugs,
    )
    counter('weir_controller_events_sent_total', 'Events written.', () => this.#events.counts.sent)
    counter('weir_controller_events_dropped_total', 'Events that were too many.', () => this.#events.counts.dropped)
    this.metrics.observed({
      name: 'weir_controller_problems',
      help: 'What is wrong with the resources that are followed, by severity.',
      type: 'gauge',
      labels: ['severity'],
      read: () => [...this.#reconciler.problems].map(([severity, value]) => ({ labels: [severity], value })),
    })
  }
}
