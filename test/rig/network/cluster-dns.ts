import { Resolver } from 'node:dns/promises'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { partFolder } from '../part-folder.ts'
import { startRigProcess } from '../rig-process.ts'
import { ADDRESS_PLAN } from './address-plan.ts'

const ANSWERS_WITHIN_MS = 20_000
const HOSTS_RELOAD = '200ms'
/** The server that answers every question with NXDOMAIN. */
const NOTHING_KNOWN = '127.0.0.1:5353'

/** Names outside the cluster and the addresses that they get here. */
export type DnsHosts = Readonly<Record<string, string>>

/** CoreDNS on the cluster's DNS address. */
export interface ClusterDns {
  /** Replaces the table of outside names; pods see it within half a second. */
  setHosts(hosts: DnsHosts): void
  stop(): Promise<void>
}

/**
 * Starts CoreDNS for the cluster's names and the outside names of the table; every other name does not exist (NXDOMAIN),
 * so that no suite reaches for a machine outside.
 * @param kubeconfig of one who may list Services, EndpointSlices and Namespaces
 * @throws with the end of its log when it does not answer
 */
export async function startClusterDns(folder: string, kubeconfig: string, hosts: DnsHosts): Promise<ClusterDns> {
  const hostsFile = join(folder, 'dns-hosts')
  const setHosts = (table: DnsHosts): void => {
    const lines = Object.entries(table).map(([name, address]) => `${address} ${name}`)
    writeFileSync(`${hostsFile}.new`, `${lines.join('\n')}\n`)
    renameSync(`${hostsFile}.new`, hostsFile)
  }
  setHosts(hosts)
  const corefile = join(folder, 'Corefile')
  writeFileSync(corefile, configuration(hostsFile, kubeconfig))
  const command = [join(partFolder('coredns'), 'coredns'), '-conf', corefile] as const
  const server = startRigProcess({ name: 'coredns', folder, command })
  const deadlineMs = performance.now() + ANSWERS_WITHIN_MS
  while (!(await answers())) {
    if (!server.running || performance.now() > deadlineMs) {
      await server.stop()
      throw new Error(`CoreDNS does not answer:\n${server.logTail()}`)
    }
    await wait(50)
  }
  return { setHosts, stop: () => server.stop() }
}

/**
 * Two servers, because the order of CoreDNS's plugins is fixed and `template`, which can say NXDOMAIN, comes before those
 * that know names: the first asks the second for what it does not know.
 */
function configuration(hostsFile: string, kubeconfig: string): string {
  return `.:53 {
  bind ${ADDRESS_PLAN.dns}
  errors
  kubernetes cluster.local {
    kubeconfig ${kubeconfig}
    ttl 0
  }
  hosts ${hostsFile} {
    ttl 1
    reload ${HOSTS_RELOAD}
    no_reverse
    fallthrough
  }
  forward . ${NOTHING_KNOWN}
}
.:${NOTHING_KNOWN.split(':')[1]} {
  bind ${NOTHING_KNOWN.split(':')[0]}
  template ANY ANY {
    rcode NXDOMAIN
  }
}
`
}

async function answers(): Promise<boolean> {
  const resolver = new Resolver({ timeout: 500, tries: 1 })
  resolver.setServers([ADDRESS_PLAN.dns])
  try {
    return (await resolver.resolve4('kubernetes.default.svc.cluster.local')).length === 1
  } catch {
    return false
  }
}
