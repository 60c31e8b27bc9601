import { chmod, chown, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { runScript, shellWord } from '../network/run-tool.ts'
import type { Container, Pod, Volume } from './cluster-objects.ts'
import { ProjectedFolder } from './projected-folder.ts'
import { parseQuantity } from './quantity.ts'
import type { BindMount } from './root-filesystem.ts'
import type { ServiceAccountTokens } from './service-account-tokens.ts'
import { type FileSources, type TokenRequest, volumeFiles, volumeSources } from './volume-files.ts'

/** Tokens and objects are looked at again at least this often. */
const REFRESH_AT_MOST_MS = 60_000

/** The volumes of one pod, under one folder. */
export class PodVolumes {
  readonly #pod: Pod
  readonly #folder: string
  readonly #tokens: ServiceAccountTokens
  readonly #projected = new Map<string, ProjectedFolder>()

  constructor(pod: Pod, folder: string, tokens: ServiceAccountTokens) {
    this.#pod = pod
    this.#folder = folder
    this.#tokens = tokens
  }

  /** Makes the volumes that are the pod's own: empty folders, on disk or in memory. */
  async create(): Promise<void> {
    const { fsGroup } = this.#pod.spec.securityContext ?? {}
    await mkdir(this.#folder, { recursive: true, mode: 0o755 })
    for (const volume of this.#pod.spec.volumes ?? []) {
      const path = this.#path(volume.name)
      await mkdir(path, { recursive: true })
      if (volume.emptyDir?.medium === 'Memory') {
        const size = volume.emptyDir.sizeLimit === undefined ? '' : `,size=${parseQuantity(volume.emptyDir.sizeLimit)}`
        await runScript([`mount -t tmpfs -o mode=777${size} tmpfs ${shellWord(path)}`])
      }
      if (volumeSources(volume) !== undefined) {
        this.#projected.set(volume.name, new ProjectedFolder(path, fsGroup))
        continue
      }
      if (fsGroup !== undefined) await chown(path, 0, fsGroup)
      await chmod(path, fsGroup === undefined ? 0o777 : 0o2777)
    }
  }

  /**
   * Writes the files of all other volumes as they shall be now. Calls must not overlap.
   * @returns in how many milliseconds it should be called again, whatever changes
   * @throws ConfigMissing, or Error for a token that is refused
   */
  async refresh(from: Omit<FileSources, 'token' | 'tokenOwner' | 'tokenMode'>): Promise<number> {
    const volumes = (this.#pod.spec.volumes ?? []).filter(({ name }) => this.#projected.has(name))
    const requests = volumes.flatMap((volume) => tokenRequests(volume))
    const dueMs = await this.#tokens.refresh(requests)
    const { securityContext, containers, initContainers = [] } = this.#pod.spec
    const owner = onlyUser([...containers, ...initContainers], securityContext?.runAsUser)
    const sources: FileSources = {
      ...from,
      token: (request) => this.#tokens.token(request),
      tokenOwner: owner,
      tokenMode: owner === undefined && securityContext?.fsGroup === undefined ? undefined : 0o600,
    }
    for (const volume of volumes) await this.#projected.get(volume.name)?.write(volumeFiles(volume, sources))
    return Math.min(dueMs, REFRESH_AT_MOST_MS)
  }

  /** Whether it has anything that may change. */
  get isLive(): boolean {
    return this.#projected.size > 0
  }

  /** The mounts of one container. @throws for one whose volume there is not, or whose subPath leads out of it */
  mountsOf(container: Container): BindMount[] {
    return (container.volumeMounts ?? []).map(({ name, mountPath, readOnly = false, subPath = '' }) => {
      if (subPath.split('/').includes('..')) throw new Error(`volumeMounts: subPath ${subPath} leads out of the volume`)
      if (!this.#pod.spec.volumes?.some((volume) => volume.name === name)) throw new Error(`there is no volume ${name}`)
      return { from: join(this.#path(name), subPath), to: mountPath, readOnly: readOnly || this.#projected.has(name) }
    })
  }

  /** Unmounts what is in memory; the folder itself is the caller's to delete. */
  async release(): Promise<void> {
    const inMemory = (this.#pod.spec.volumes ?? []).filter(({ emptyDir }) => emptyDir?.medium === 'Memory')
    if (inMemory.length > 0) {
      await runScript(inMemory.map(({ name }) => `umount -l ${shellWord(this.#path(name))} || true`))
    }
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }
}

function tokenRequests(volume: Volume): TokenRequest[] {
  return (volumeSources(volume) ?? []).flatMap(({ serviceAccountToken }) => serviceAccountToken ?? [])
}

/** The user as whom all containers run, where the pod says so. */
function onlyUser(containers: readonly Container[], podUser: number | undefined): number | undefined {
  const users = new Set(containers.map(({ securityContext }) => securityContext?.runAsUser ?? podUser))
  return users.size === 1 ? [...users][0] : undefined
}
