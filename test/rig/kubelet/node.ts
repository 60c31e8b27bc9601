import { mkdir, rm, writeFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { ApiClient } from '../api-client.ts'
import type { ClusterAddress } from '../kubeconfig.ts'
import { writeKubeconfig } from '../kubeconfig.ts'
import { ADDRESS_PLAN, AddressPool } from '../network/address-plan.ts'
import { type ClusterDns, type DnsHosts, startClusterDns } from '../network/cluster-dns.ts'
import { LoadBalancer } from '../network/load-balancer.ts'
import { createNodeNetwork, deleteNodeNetwork } from '../network/pod-network.ts'
import { ServiceProxy } from '../network/service-proxy.ts'
import { partFolder } from '../part-folder.ts'
import { type RigProcess, startRigProcess } from '../rig-process.ts'
import type { ClusterObject, ConfigMap, EndpointSlice, Pod, Secret, Service } from './cluster-objects.ts'
import type { ImageTable } from './images.ts'
import { serveKubelet } from './kubelet-server.ts'
import type { NodeContext } from './node-context.ts'
import { keepAlive, type NodeShape, registerNode } from './node-registration.ts'
import { ObjectStore } from './object-store.ts'
import type { RestartBackoff } from './pod-container.ts'
import { PodEvents } from './pod-events.ts'
import { PodManager } from './pod-manager.ts'
import { Scheduler } from './scheduler.ts'
import { WatchClient } from './watch.ts'

/** A certificate and its key, PEM. */
interface KeyPair {
  readonly certificate: string
  readonly privateKey: string
}

/** All that a node is made of; plain data, as it goes to a process of its own. */
export interface NodeSettings {
  readonly name: string
  /** Empty; kubeconfig, logs and pods' files are in it. */
  readonly folder: string
  readonly cluster: ClusterAddress
  /** Of the node as a client of the API server: a cluster administrator. */
  readonly identity: KeyPair
  /** Of the kubelet's server, for the node's address. */
  readonly server: KeyPair
  /** PEM of the CA of the API server's client certificate. */
  readonly clientAuthority: string
  readonly images: ImageTable
  readonly dnsHosts: DnsHosts
  readonly trustedCertificates: readonly string[]
  readonly backoff: RestartBackoff
  /** Whether the node binds pods itself; else a scheduler has to. */
  readonly schedules: boolean
}

const CAPACITY = { cpu: '64', memory: '64Gi', pods: '500', 'ephemeral-storage': '64Gi' }

/** A node of the cluster: registers itself, runs what is bound to it, and makes the cluster's addresses and names work. */
export class Node {
  readonly #settings: NodeSettings
  readonly #api: ApiClient
  readonly #watches: WatchClient
  readonly #stores: ObjectStore<ClusterObject>[] = []
  readonly #images: Record<string, ImageTable[string]>
  readonly #end = new AbortController()
  readonly #closers: (() => unknown)[] = []
  #pods: PodManager | undefined
  #dns: ClusterDns | undefined
  #stopped: Promise<void> | undefined

  constructor(settings: NodeSettings) {
    this.#settings = settings
    this.#images = { ...settings.images }
    this.#api = new ApiClient(settings.cluster, settings.identity)
    this.#watches = new WatchClient(settings.cluster, settings.identity)
  }

  /** Resolves when pods can run and names and addresses work. What was begun is undone by {@link stop} even if it rejects. */
  async start(say: (line: string) => void): Promise<void> {
    const { folder, cluster, identity, name, schedules } = this.#settings
    await mkdir(folder, { recursive: true, mode: 0o755 })
    this.#closers.push(deleteNodeNetwork)
    await createNodeNetwork()
    const node: NodeShape = { name, capacity: CAPACITY }
    await registerNode(this.#api, node)
    const alive = keepAlive(this.#api, node, this.#end.signal)
    this.#closers.push(() => alive)
    const context = await this.#context()
    const slices = await this.#store<EndpointSlice>('/apis/discovery.k8s.io/v1/endpointslices')
    const api = new URL(cluster.url)
    const proxy = new ServiceProxy(context.services, slices, { address: api.hostname, port: Number(api.port) }, say)
    this.#closers.push(() => proxy.close())
    await proxy.start()
    const loadBalancer = new LoadBalancer(this.#api, context.services)
    this.#closers.push(() => loadBalancer.close())
    loadBalancer.start()
    const kubeconfig = writeKubeconfig(join(folder, 'node.kubeconfig'), cluster, identity)
    this.#dns = await startClusterDns(folder, kubeconfig, this.#settings.dnsHosts)
    this.#closers.push(() => this.#dns?.stop())
    const pods = new PodManager(context)
    this.#pods = pods
    await this.#serve(pods)
    this.#closers.push(() => pods.close())
    pods.start()
    if (schedules) {
      const scheduler = new Scheduler(this.#api, context.pods, name)
      this.#closers.push(() => scheduler.close())
      scheduler.start()
    }
  }

  setDnsHosts(hosts: DnsHosts): void {
    this.#dns?.setHosts(hosts)
  }

  /** Adds images, or replaces those of the same name; containers that run keep theirs. */
  addImages(images: ImageTable): void {
    Object.assign(this.#images, images)
  }

  /** The process id of a container's program. @throws when it does not run */
  processId(namespace: string, pod: string, container: string): number {
    const pid = this.#pods?.find(namespace, pod)?.container(container)?.process?.pid
    if (pid === undefined) throw new Error(`container ${container} of pod ${namespace}/${pod} does not run`)
    return pid
  }

  /** Ends every pod at once and takes away what was made, in reverse order. The cluster's objects stay. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    this.#end.abort()
    for (const close of this.#closers.reverse()) await close()
    await this.#watches.close()
    for (const store of this.#stores) await store.close()
    await this.#api.close()
  }

  async #context(): Promise<NodeContext> {
    const { folder, name, backoff, trustedCertificates } = this.#settings
    return {
      nodeName: name,
      capacity: CAPACITY,
      folder,
      api: this.#api,
      events: new PodEvents(this.#api, name),
      images: this.#images,
      addresses: new AddressPool(ADDRESS_PLAN.podPrefix, 10),
      backoff,
      trustedCertificates,
      pods: await this.#store<Pod>('/api/v1/pods'),
      services: await this.#store<Service>('/api/v1/services'),
      configMaps: await this.#store<ConfigMap>('/api/v1/configmaps'),
      secrets: await this.#store<Secret>('/api/v1/secrets'),
    }
  }

  async #store<T extends ClusterObject>(path: string): Promise<ObjectStore<T>> {
    const store = new ObjectStore<T>({ api: this.#api, watches: this.#watches, path })
    this.#stores.push(store as unknown as ObjectStore<ClusterObject>)
    await store.start()
    return store
  }

  /** The kubelet's server: its door for the API server, and the kubelet behind it. */
  async #serve(pods: PodManager): Promise<void> {
    const { folder, server, clientAuthority } = this.#settings
    const socket = join(folder, 'kubelet.sock')
    await rm(socket, { force: true })
    const kubelet = await serveKubelet(socket, pods)
    this.#closers.push(() => closed(kubelet))
    const files = { certificate: server.certificate, key: server.privateKey, 'client-ca': clientAuthority }
    for (const [file, text] of Object.entries(files))
      await writeFile(join(folder, `${file}.pem`), text, { mode: 0o600 })
    const address = `${ADDRESS_PLAN.node}:${ADDRESS_PLAN.kubeletPort}`
    const flags = Object.keys(files).map((file) => `-${file}=${join(folder, `${file}.pem`)}`)
    const door = startRigProcess({
      name: 'streaming',
      folder,
      command: [join(partFolder('streaming'), 'streaming'), `-listen=${address}`, `-kubelet=${socket}`, ...flags],
    })
    this.#closers.push(() => door.stop())
    await untilListening(door, () => listens(ADDRESS_PLAN.node, ADDRESS_PLAN.kubeletPort))
  }
}

const LISTENS_WITHIN_MS = 10_000

async function untilListening(program: RigProcess, listening: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + LISTENS_WITHIN_MS
  while (!(await listening())) {
    if (!program.running || performance.now() > deadlineMs) throw new Error(`${program.name}:\n${program.logTail()}`)
    await wait(20)
  }
}

function listens(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
