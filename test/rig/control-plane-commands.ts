import { writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { ControlPlaneKeys } from './control-plane-keys.ts'
import { partFolder } from './part-folder.ts'

type Command = readonly [program: string, ...args: string[]]

/** What the command lines of a control plane's programs are made of. */
export interface ControlPlaneShape {
  readonly folder: string
  readonly keys: ControlPlaneKeys
  /** What the API server listens on and tells the cluster. */
  readonly address: string
  readonly ports: { readonly etcd: number; readonly apiServer: number }
}

const program = (name: string): string => join(partFolder('kube'), name)

/** etcd on loopback; it does not sync to disk, as no suite outlives its data. */
export function etcdCommand({ folder, ports }: ControlPlaneShape): Command {
  const clients = `http://127.0.0.1:${ports.etcd}`
  return [
    program('etcd'),
    '--name=rig',
    `--data-dir=${join(folder, 'etcd')}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
    `--listen-client-urls=${clients}`,
    `--advertise-client-urls=${clients}`,
    '--listen-peer-urls=http://127.0.0.1:0',
  ]
}

/** Who did what with which object, and nothing of what is in them; written before the answer is sent. */
const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
}

/** The API server's audit log in a control plane's folder. */
export function auditFile(folder: string): string {
  return join(folder, 'audit.log')
}

/** RBAC, the admission plugins that are on by default (Pod Security among them), an audit log that is never cut. */
export function apiServerCommand({ folder, keys, address, ports }: ControlPlaneShape): Command {
  const auditPolicy = join(folder, 'audit-policy.json')
  writeFileSync(auditPolicy, JSON.stringify(AUDIT_POLICY))
  return [
    program('kube-apiserver'),
    `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
    `--bind-address=${address}`,
    `--advertise-address=${address}`,
    `--secure-port=${ports.apiServer}`,
    // Endpoints may not hold loopback addresses: there the Service `kubernetes` has none.
    `--endpoint-reconciler-type=${isLoopback(address) ? 'none' : 'lease'}`,
    // With IPv6, as Services may ask for both families; who asks for none gets the first.
    '--service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112',
    `--tls-cert-file=${keys.file('apiserver.crt')}`,
    `--tls-private-key-file=${keys.file('apiserver.key')}`,
    `--client-ca-file=${keys.file('ca.crt')}`,
    '--authorization-mode=Node,RBAC',
    '--allow-privileged=true',
    ...serviceAccountFlags(keys),
    ...frontProxyFlags(keys),
    `--kubelet-client-certificate=${keys.file('kubelet-client.crt')}`,
    `--kubelet-client-key=${keys.file('kubelet-client.key')}`,
    `--kubelet-certificate-authority=${keys.file('ca.crt')}`,
    '--kubelet-preferred-address-types=InternalIP',
    `--audit-policy-file=${auditPolicy}`,
    `--audit-log-path=${auditFile(folder)}`,
    '--audit-log-maxsize=10000',
    '--profiling=false',
    '--v=1',
  ]
}

function serviceAccountFlags(keys: ControlPlaneKeys): string[] {
  return [
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${keys.file('service-accounts.pub')}`,
    `--service-account-signing-key-file=${keys.file('service-accounts.key')}`,
  ]
}

/** Without these the controller manager asks for their CA bundle with growing pauses. */
function frontProxyFlags(keys: ControlPlaneKeys): string[] {
  return [
    `--requestheader-client-ca-file=${keys.file('front-proxy-ca.crt')}`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-username-headers=X-Remote-User',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    `--proxy-client-cert-file=${keys.file('front-proxy.crt')}`,
    `--proxy-client-key-file=${keys.file('front-proxy.key')}`,
  ]
}

/** All controllers, each with a ServiceAccount of its own; the raised rates halve the time to the first ServiceAccount. */
export function controllerManagerCommand({ folder, keys }: ControlPlaneShape, kubeconfig: string): Command {
  return [
    program('kube-controller-manager'),
    `--kubeconfig=${kubeconfig}`,
    '--leader-elect=false',
    '--secure-port=0',
    `--service-account-private-key-file=${keys.file('service-accounts.key')}`,
    `--root-ca-file=${keys.file('ca.crt')}`,
    '--use-service-account-credentials=true',
    `--cluster-signing-cert-file=${keys.file('ca.crt')}`,
    `--cluster-signing-key-file=${keys.file('ca.key')}`,
    // Its default is a folder of the machine, which it would make.
    `--flex-volume-plugin-dir=${join(folder, 'flex-volumes')}`,
    '--kube-api-qps=500',
    '--kube-api-burst=1000',
    '--profiling=false',
    '--v=1',
  ]
}

/** The real scheduler, for suites that have nodes. */
export function schedulerCommand(kubeconfig: string): Command {
  return [program('kube-scheduler'), `--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--secure-port=0', '--v=1']
}

function isLoopback(address: string): boolean {
  return isIP(address) === 4 ? address.startsWith('127.') : address === '::1'
}
