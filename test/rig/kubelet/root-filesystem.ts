import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ADDRESS_PLAN } from '../network/address-plan.ts'
import { runScript, shellWord } from '../network/run-tool.ts'
import type { RigImage } from './images.ts'

/** What of this machine every container sees, read-only: the system's programs and libraries, and their settings. */
const SYSTEM_FOLDERS = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'usr']
const SYSTEM_FILES = ['/etc/ld.so.cache', '/etc/nsswitch.conf', '/etc/localtime', '/etc/alternatives', '/etc/ssl']
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty']
const CA_BUNDLE = '/etc/ssl/certs/ca-certificates.crt'

/** A folder or file of this machine at a path of the container. */
export interface BindMount {
  readonly from: string
  readonly to: string
  readonly readOnly: boolean
}

export interface RootFileSystemOptions {
  /** Where the container's root is mounted. */
  readonly root: string
  readonly image: RigImage
  /** The pod's volumes. */
  readonly mounts: readonly BindMount[]
  readonly readOnly: boolean
  readonly hostname: string
  readonly namespace: string
  readonly podIP: string
  readonly hostAliases: readonly { readonly ip: string; readonly hostnames?: readonly string[] }[]
  readonly user: number
  readonly group: number
  /** PEM of CAs that containers trust beside the system's. */
  readonly trustedCertificates: readonly string[]
}

/**
 * Makes a container's root: a file system in memory, new at every start of the container, with the machine's programs, the
 * image's own files and the pod's volumes in it. `/proc` is left to who makes the process namespace; there is no `/sys`.
 */
export async function mountRootFileSystem(options: RootFileSystemOptions): Promise<void> {
  const { root, image } = options
  await mkdir(root, { recursive: true })
  const at = (path: string): string => join(root, path)
  await runScript([`mount -t tmpfs -o mode=755 tmpfs ${shellWord(root)}`])
  for (const folder of ['proc', 'dev/shm', 'etc', 'tmp', 'run', 'var/tmp', 'root', 'home']) {
    await mkdir(at(folder), { recursive: true })
  }
  for (const [path, text] of Object.entries({ ...image.files, ...settingsFiles(options) })) {
    await mkdir(dirname(at(path)), { recursive: true })
    await writeFile(at(path), text, { mode: 0o644 })
  }
  const imageMounts = Object.entries(image.mounts ?? {}).map(([to, from]) => ({ from, to, readOnly: true }))
  await runScript([
    `chmod 1777 ${shellWord(at('tmp'))} ${shellWord(at('var/tmp'))} ${shellWord(at('dev/shm'))}`,
    ...SYSTEM_FOLDERS.filter((name) => existsSync(`/${name}`)).flatMap((name) => systemFolder(name, at(name))),
    ...SYSTEM_FILES.filter((path) => existsSync(path)).flatMap((path) =>
      bind({ from: path, to: at(path), readOnly: true }),
    ),
    ...DEVICES.flatMap((name) => bind({ from: `/dev/${name}`, to: at(`dev/${name}`), readOnly: false })),
    ...trusted(options),
    // Parents before what is mounted inside them.
    ...[...imageMounts, ...options.mounts]
      .map((mount) => ({ ...mount, to: at(mount.to) }))
      .sort((a, b) => a.to.length - b.to.length)
      .flatMap(bind),
    ...(options.readOnly ? [`mount -o remount,bind,ro ${shellWord(root)}`] : []),
  ])
}

/** Unmounts a container's root with all that is mounted in it; one that is not there is no error. */
export async function unmountRootFileSystem(root: string): Promise<void> {
  if (!existsSync(root)) return
  await runScript([`umount -R -l ${shellWord(root)} || true`])
  await rm(root, { recursive: true, force: true })
}

/** On a system whose /bin is a link into /usr, the container's is the same link. */
function systemFolder(name: string, to: string): string[] {
  return [
    `if [ -L /${name} ]; then ln -s "$(readlink /${name})" ${shellWord(to)}; else`,
    ...bind({ from: `/${name}`, to, readOnly: true }),
    'fi',
  ]
}

function bind({ from, to, readOnly }: BindMount): string[] {
  const [source, target] = [shellWord(from), shellWord(to)]
  return [
    `mkdir -p ${shellWord(dirname(to))}`,
    `if [ -d ${source} ]; then mkdir -p ${target}; else [ -e ${target} ] || touch ${target}; fi`,
    `mount --bind ${source} ${target}`,
    ...(readOnly ? [`mount -o remount,bind,ro ${target}`] : []),
  ]
}

/** The system's CA bundle with the rig's CAs after it, where the system's programs look for it. */
function trusted({ root, trustedCertificates }: RootFileSystemOptions): string[] {
  if (trustedCertificates.length === 0) return []
  const bundle = shellWord(join(root, '/run/rig-ca-bundle.crt'))
  const target = join(root, CA_BUNDLE)
  return [`[ -e ${shellWord(target)} ] && mount --bind ${bundle} ${shellWord(target)} || true`]
}

function settingsFiles(options: RootFileSystemOptions): Record<string, string> {
  const { user, group, namespace, hostname, podIP } = options
  const aliases = options.hostAliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}`)
  const search = [`${namespace}.svc.cluster.local`, 'svc.cluster.local', 'cluster.local'].join(' ')
  const own = options.trustedCertificates.join('')
  return {
    '/etc/passwd': accounts(
      user,
      (id, name) => `${name}:x:${id}:${id === 0 ? 0 : group}::/${id === 0 ? 'root' : 'tmp'}:/bin/sh`,
    ),
    '/etc/group': accounts(group, (id, name) => `${name}:x:${id}:`),
    '/etc/hostname': `${hostname}\n`,
    '/etc/hosts': ['127.0.0.1\tlocalhost', '::1\tlocalhost', `${podIP}\t${hostname}`, ...aliases, ''].join('\n'),
    '/etc/resolv.conf': `search ${search}\nnameserver ${ADDRESS_PLAN.dns}\noptions ndots:5\n`,
    ...(own === '' ? {} : { '/run/rig-ca.crt': own, '/run/rig-ca-bundle.crt': systemBundle() + own }),
  }
}

function systemBundle(): string {
  return existsSync(CA_BUNDLE) ? readFileSync(CA_BUNDLE, 'utf8') : ''
}

function accounts(own: number, line: (id: number, name: string) => string): string {
  const known: [number, string][] = [
    [0, 'root'],
    [65534, 'nobody'],
  ]
  const all = known.some(([id]) => id === own) ? known : [...known, [own, 'app'] as [number, string]]
  return `${all.map(([id, name]) => line(id, name)).join('\n')}\n`
}
