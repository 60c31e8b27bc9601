import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type ControlPlane, startControlPlane } from '../rig/control-plane.ts'
import type { ImageTable, RigImage } from '../rig/kubelet/images.ts'
import { NODE_IN_CONTAINER, nodeMount } from '../rig/kubelet/sample-image.ts'
import { type RigNode, startNode } from '../rig/kubelet/start-node.ts'
import type { DnsHosts } from '../rig/network/cluster-dns.ts'
import { chartRig } from './chart-rig.ts'

const CHECKOUT = resolve(import.meta.dirname, '../..')
const NAMESPACE = 'weir-system'
/** Where the rig puts the certificates that containers trust. */
const RIG_AUTHORITIES = '/run/rig-ca.crt'
/** The user of the Containerfile. */
const IMAGE_USER = 10101

/**
 * weir's image: this checkout, as the Containerfile's user. It trusts the rig's CAs as an image would that was built with
 * them, so that no manifest has to say it.
 */
const weirImage: RigImage = {
  entrypoint: ['/weir/bin/weir'],
  env: { PATH: `${NODE_IN_CONTAINER}/bin:/usr/bin:/bin`, NODE_EXTRA_CA_CERTS: RIG_AUTHORITIES },
  user: IMAGE_USER,
  mounts: { ...nodeMount, '/weir': CHECKOUT },
}

export interface WeirOnRigOptions {
  /** Beside weir's own. */
  readonly images?: ImageTable
  /** Names outside the cluster and the addresses at which the suite stands in for them. */
  readonly dnsHosts: DnsHosts
  /** PEM of the CA that signed the stand-ins' certificates. */
  readonly trustedCertificate: string
  /** More arguments of `helm install`. */
  readonly helm?: readonly string[]
}

/** A pod's container as the node sees it. */
export interface ContainerName {
  readonly namespace: string
  readonly pod: string
  readonly container: string
}

/** A cluster of one node in which weir's chart is installed. */
export interface WeirOnRig {
  readonly controlPlane: ControlPlane
  readonly node: RigNode
  /** @returns what it printed. @throws CommandError */
  kubectl(...args: string[]): Promise<string>
  /** `kubectl apply -f -` of YAML or JSON. */
  apply(manifests: string): Promise<void>
  /** What a container printed since it was made, whatever `kubectl logs` still has of it; all, or the last of it. */
  logOf(name: ContainerName, lastBytes?: number): string
  stop(): Promise<void>
}

/**
 * Starts a control plane and a node, and installs weir by its chart, CRDs included, as an operator would.
 * @throws with the state of the pods when the chart does not become ready
 */
export async function startWeirOnRig(options: WeirOnRigOptions): Promise<WeirOnRig> {
  const charts = chartRig()
  const folder = mkdtempSync(join(tmpdir(), 'weir-on-rig-'))
  const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true }), () => charts.close()]
  const stop = async (): Promise<void> => {
    for (const end of ends.splice(0).reverse()) await end()
  }
  try {
    const controlPlane = await startControlPlane({ folder })
    ends.push(() => controlPlane.stop())
    const node = await startNode({
      controlPlane,
      images: { weir: weirImage, ...options.images },
      dnsHosts: options.dnsHosts,
      trustedCertificates: [options.trustedCertificate],
    })
    ends.push(() => node.stop())
    await install(controlPlane, charts.archives.weir, options.helm ?? [])
    return {
      controlPlane,
      node,
      kubectl: (...args) => controlPlane.kubectl(args),
      apply: async (manifests) => void (await controlPlane.kubectl(['apply', '-f', '-'], { stdin: manifests })),
      logOf: ({ namespace, pod, container }, lastBytes = Number.POSITIVE_INFINITY) =>
        endOf(join(node.folder, 'logs', `${namespace}_${pod}_${container}.log`), lastBytes),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function install(controlPlane: ControlPlane, chart: string, more: readonly string[]): Promise<void> {
  const crds = 'crds.install=true,crds.gatewayAPI.install=true'
  const where = ['-n', NAMESPACE, '--create-namespace', '--wait', '--timeout', '60s']
  try {
    await controlPlane.helm(['install', 'weir', chart, ...where, '--set', crds, ...more])
  } catch (error) {
    // Helm says no more than that its time is over.
    const tell = (...args: string[]): Promise<string> =>
      controlPlane.kubectl([...args, '-n', NAMESPACE]).catch((reason: Error) => reason.message)
    const pods = await tell('get', 'pods')
    throw new Error(`${(error as Error).message}\n${pods}${await tell('logs', 'deploy/weir', '--tail=40')}`)
  }
}

function endOf(file: string, lastBytes: number): string {
  const descriptor = openSync(file, 'r')
  try {
    const { size } = fstatSync(descriptor)
    const bytes = Buffer.alloc(Math.min(size, lastBytes))
    const read = readSync(descriptor, bytes, 0, bytes.length, size - bytes.length)
    return bytes.toString('utf8', 0, read)
  } finally {
    closeSync(descriptor)
  }
}
