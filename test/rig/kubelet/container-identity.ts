import type { Container, Pod } from './cluster-objects.ts'

/** The capabilities that container runtimes give by default. */
const DEFAULT_CAPABILITIES = [
  'chown',
  'dac_override',
  'fowner',
  'fsetid',
  'kill',
  'setgid',
  'setuid',
  'setpcap',
  'net_bind_service',
  'net_raw',
  'sys_chroot',
  'mknod',
  'audit_write',
  'setfcap',
]

const KNOWN_CAPABILITIES = new Set([
  ...DEFAULT_CAPABILITIES,
  ...['net_admin', 'sys_admin', 'sys_ptrace', 'sys_nice', 'sys_resource', 'sys_time', 'ipc_lock', 'dac_read_search'],
  ...['net_broadcast', 'sys_rawio', 'sys_pacct', 'sys_module', 'sys_boot', 'linux_immutable', 'lease', 'syslog'],
])

/** As whom a container runs and what it may. */
export interface ContainerIdentity {
  readonly user: number
  readonly group: number
  readonly supplementalGroups: readonly number[]
  /** Kernel names without `cap_`, sorted. */
  readonly capabilities: readonly string[]
  readonly noNewPrivileges: boolean
}

/**
 * The identity that the security contexts of pod and container ask for; the container's fields win.
 * @throws Error when it may not run as that user, or a capability is unknown
 */
export function containerIdentity(pod: Pod, container: Container, imageUser: number): ContainerIdentity {
  const outer = pod.spec.securityContext ?? {}
  const inner = container.securityContext ?? {}
  const user = inner.runAsUser ?? outer.runAsUser ?? imageUser
  if ((inner.runAsNonRoot ?? outer.runAsNonRoot) === true && user === 0) {
    throw new Error('container has runAsNonRoot and image will run as root')
  }
  return {
    user,
    group: inner.runAsGroup ?? outer.runAsGroup ?? 0,
    supplementalGroups: [
      ...new Set([...(outer.supplementalGroups ?? []), ...(outer.fsGroup === undefined ? [] : [outer.fsGroup])]),
    ],
    capabilities: capabilitiesOf(inner.capabilities ?? {}),
    noNewPrivileges: inner.allowPrivilegeEscalation === false,
  }
}

function capabilitiesOf({ add = [], drop = [] }: { add?: readonly string[]; drop?: readonly string[] }): string[] {
  const [added, dropped] = [add, drop].map((names) => names.map((name) => name.toLowerCase().replace(/^cap_/, '')))
  const kept = new Set(dropped?.includes('all') ? [] : DEFAULT_CAPABILITIES)
  for (const name of added?.includes('all') ? KNOWN_CAPABILITIES : (added ?? [])) {
    if (!KNOWN_CAPABILITIES.has(name)) throw new Error(`capability ${name} is not known here`)
    kept.add(name)
  }
  for (const name of dropped ?? []) kept.delete(name)
  return [...kept].sort()
}

/**
 * setpriv's arguments for an identity. As in a container runtime, capabilities reach root only: another user has them in
 * the bounding set but not in effect.
 */
export function setprivArguments(identity: ContainerIdentity): string[] {
  const groups = identity.supplementalGroups
  return [
    `--reuid=${identity.user}`,
    `--regid=${identity.group}`,
    groups.length === 0 ? '--clear-groups' : `--groups=${groups.join(',')}`,
    `--bounding-set=${['-all', ...identity.capabilities.map((name) => `+${name}`)].join(',')}`,
    '--inh-caps=-all',
    '--ambient-caps=-all',
    ...(identity.noNewPrivileges ? ['--no-new-privs'] : []),
  ]
}
