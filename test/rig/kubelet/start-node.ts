import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ControlPlane } from '../control-plane.ts'
import { ADDRESS_PLAN } from '../network/address-plan.ts'
import type { DnsHosts } from '../network/cluster-dns.ts'
import type { ImageTable } from './images.ts'
import type { NodeCall, NodeReply } from './node-calls.ts'
import type { RestartBackoff } from './pod-container.ts'

export interface NodeOptions {
  readonly controlPlane: ControlPlane
  readonly images: ImageTable
  /** Outside names and the addresses that pods get for them. */
  readonly dnsHosts?: DnsHosts
  readonly name?: string
  /** PEM of CAs that containers trust beside the system's; also as `/run/rig-ca.crt` (for NODE_EXTRA_CA_CERTS). */
  readonly trustedCertificates?: readonly string[]
  /** Kubernetes' own times (10 s, 5 min) when not given. */
  readonly backoff?: RestartBackoff
  /** False where the control plane runs kube-scheduler. */
  readonly schedules?: boolean
}

/** A node of a control plane, in a process of its own, so that neither holds up the other. */
export interface RigNode {
  readonly name: string
  /** Logs of all containers, of CoreDNS and of the node. */
  readonly folder: string
  /** Replaces the table of outside names. */
  setDnsHosts(hosts: DnsHosts): Promise<void>
  /** Adds images, or replaces those of the same name; containers that run keep theirs. */
  addImages(images: ImageTable): Promise<void>
  /** The process id of a container's program, for suites that kill it or enter its namespaces. @throws when it does not run */
  processId(pod: { readonly namespace: string; readonly name: string; readonly container: string }): Promise<number>
  /** Ends all pods at once, and the node. The cluster's objects stay. */
  stop(): Promise<void>
}

const KUBERNETES_BACKOFF: RestartBackoff = { firstMs: 10_000, mostMs: 300_000 }

/**
 * Starts a node, with pod network, Service addresses, DNS and load-balancer. One at a time, inside the namespaces that
 * `test/rig/network/enter.ts` makes.
 * @throws with the reason when it cannot start, or when this is not such a namespace
 */
export async function startNode(options: NodeOptions): Promise<RigNode> {
  if (process.env['WEIR_RIG'] !== 'entered') {
    throw new Error(
      "the rig's node changes addresses and mounts: run the suite by 'make e2e' (test/rig/network/enter.ts)",
    )
  }
  const { controlPlane, images, name = 'rig' } = options
  const folder = join(controlPlane.folder, `node-${name}`)
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  const channel = new NodeChannel(folder)
  const { authority } = controlPlane.keys
  const settings = {
    name,
    folder,
    cluster: { url: controlPlane.url, authority: controlPlane.authority },
    identity: authority.issueClient('rig-node', 'system:masters'),
    server: authority.issue([ADDRESS_PLAN.node]),
    clientAuthority: authority.certificate,
    images,
    dnsHosts: options.dnsHosts ?? {},
    trustedCertificates: options.trustedCertificates ?? [],
    backoff: options.backoff ?? KUBERNETES_BACKOFF,
    schedules: options.schedules ?? true,
  }
  const stop = async (): Promise<void> => {
    await channel.call({ method: 'stop' }).catch(() => {})
    await channel.close()
  }
  try {
    await channel.call({ method: 'start', settings })
  } catch (error) {
    await stop()
    throw error
  }
  return {
    name,
    folder,
    setDnsHosts: async (hosts) => void (await channel.call({ method: 'setDnsHosts', hosts })),
    addImages: async (more) => void (await channel.call({ method: 'addImages', images: more })),
    processId: async ({ namespace, name: pod, container }) =>
      (await channel.call({ method: 'processId', namespace, pod, container })) as number,
    stop,
  }
}

/** Calls into the node's process. */
class NodeChannel {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>()
  readonly #ended: Promise<void>
  #next = 0

  constructor(folder: string) {
    const logFile = join(folder, 'node.log')
    const log = openSync(logFile, 'a', 0o600)
    // Mounts of its own: whatever way it ends, none of its pods' is left.
    const command = ['--mount', '--', process.execPath, join(import.meta.dirname, 'node-process.ts')]
    this.#child = spawn('unshare', command, { stdio: ['ignore', log, log, 'ipc'] })
    closeSync(log)
    this.#ended = new Promise((resolve) => {
      const over = (error: Error): void => {
        for (const { reject } of this.#waiting.values()) reject(error)
        this.#waiting.clear()
        resolve()
      }
      this.#child.once('error', over)
      this.#child.once('exit', (code, signal) =>
        over(
          new Error(`the node's process ended with ${code ?? signal}:\n${readFileSync(logFile, 'utf8').slice(-3000)}`),
        ),
      )
    })
    this.#child.on('message', (reply: NodeReply) => {
      const waiting = this.#waiting.get(reply.id)
      this.#waiting.delete(reply.id)
      if ('error' in reply) waiting?.reject(new Error(reply.error))
      else waiting?.resolve(reply.result)
    })
  }

  call(call: NodeCall): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = this.#next++
      this.#waiting.set(id, { resolve, reject })
      this.#child.send({ id, call }, (error) => {
        if (error === null) return
        this.#waiting.delete(id)
        reject(error)
      })
    })
  }

  async close(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect()
    await this.#ended
  }
}
