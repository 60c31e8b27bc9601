import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ADDRESS_PLAN } from './address-plan.ts'
import { runScript, shellWord } from './run-tool.ts'

const BRIDGE = 'rig0'
/**
 * The bridge's own. Without one it takes the lowest of its ports', so that it changes when pods come and go, and all
 * others send to the old one until they ask again who has the node's address: for ten seconds nothing gets through.
 */
const BRIDGE_MAC = '02:00:0a:f4:00:01'

/** The namespaces that all containers of a pod share, as files that hold them (nsenter and setns take them). */
export interface Sandbox {
  readonly network: string
  readonly hostname: string
  readonly ipc: string
}

/**
 * Makes the node's side of the pod network in the current network namespace: a bridge with the node's address, and
 * Service and load-balancer addresses as addresses of this host, without listing each ("AnyIP": a local route on the
 * loopback), so that a forwarder can listen on any of them and pods reach them by their default route.
 */
export async function createNodeNetwork(): Promise<void> {
  await runScript([
    'ip link set lo up',
    `ip link add ${BRIDGE} address ${BRIDGE_MAC} type bridge`,
    `ip addr add ${ADDRESS_PLAN.node}/16 dev ${BRIDGE}`,
    `ip link set ${BRIDGE} up`,
    `ip route replace local ${ADDRESS_PLAN.serviceRange} dev lo`,
    `ip route replace local ${ADDRESS_PLAN.loadBalancerRange} dev lo`,
  ])
}

/** Undoes {@link createNodeNetwork}; what is not there any more is no error. */
export async function deleteNodeNetwork(): Promise<void> {
  await runScript([
    `ip link delete ${BRIDGE} || true`,
    `ip route delete local ${ADDRESS_PLAN.serviceRange} dev lo || true`,
    `ip route delete local ${ADDRESS_PLAN.loadBalancerRange} dev lo || true`,
  ])
}

/** What a pod's sandbox is made of. */
export interface SandboxOptions {
  /** An empty folder for the files that hold the namespaces. */
  readonly folder: string
  readonly hostname: string
  readonly address: string
  /** Unique on this node, at most 15 characters (IFNAMSIZ). */
  readonly interfaceName: string
  /** `net.*` only: those belong to the network namespace. */
  readonly sysctls: readonly { readonly name: string; readonly value: string }[]
}

/** Makes a pod's namespaces, its interface `eth0` on the bridge and its sysctls. */
export async function createSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { folder, interfaceName } = options
  await mkdir(folder, { recursive: true })
  const sandbox = { network: join(folder, 'net'), hostname: join(folder, 'uts'), ipc: join(folder, 'ipc') }
  const [network, hostname, ipc] = [sandbox.network, sandbox.hostname, sandbox.ipc].map(shellWord)
  const sysctls = options.sysctls.map(
    ({ name, value }) => `echo ${shellWord(value)} > /proc/sys/${shellWord(name.replaceAll('.', '/'))}`,
  )
  const inside = [
    'ip link set lo up',
    `ip addr add ${options.address}/16 dev eth0`,
    'ip link set eth0 up',
    `ip route add default via ${ADDRESS_PLAN.node}`,
    ...sysctls,
  ]
  await runScript([
    `touch ${network} ${hostname} ${ipc}`,
    `unshare --net=${network} --uts=${hostname} --ipc=${ipc} hostname ${shellWord(options.hostname)}`,
    `ip link add ${interfaceName} type veth peer name eth0 netns ${network}`,
    `ip link set ${interfaceName} master ${BRIDGE} up`,
    `nsenter --net=${network} sh -euc ${shellWord(inside.join('\n'))}`,
  ])
  return sandbox
}

/** Ends a pod's namespaces; its interface goes with them once no process is left inside. */
export async function deleteSandbox(sandbox: Sandbox, interfaceName: string): Promise<void> {
  await runScript([
    `ip link delete ${interfaceName} || true`,
    ...[sandbox.network, sandbox.hostname, sandbox.ipc].map((file) => `umount ${shellWord(file)} || true`),
  ])
}
