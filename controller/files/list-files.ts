import type { BigIntStats, Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** What files and folders of manifests hold at one moment. */
export interface FileList {
  /** In the order in which they are read: paths as given, a folder's entries by name. Each file once. */
  readonly files: readonly ListedFile[]
  /** Every folder that was looked into, as it was reached. */
  readonly folders: readonly string[]
}

export interface ListedFile {
  readonly path: string
  /** Undefined when it cannot be looked at; then `reason` completes "the file …". */
  readonly stats: BigIntStats | undefined
  readonly reason?: string
}

const MANIFEST = /\.(ya?ml|json)$/i

/**
 * Lists manifests: a file whatever its name, a folder's *.yaml, *.yml and *.json with those of its folders. Entries whose
 * name begins with a dot are left out (a mounted ConfigMap keeps its versions in such), links are followed. Never fails.
 */
export async function listFiles(paths: readonly string[]): Promise<FileList> {
  const listing = new Listing()
  for (const path of paths) await listing.add(path, 'given')
  return listing
}

class Listing implements FileList {
  readonly files: ListedFile[] = []
  readonly folders: string[] = []
  /** Real paths: a file or folder that is reached twice, through a link for instance, counts once. */
  readonly #seen = new Set<string>()

  async add(path: string, how: 'given' | 'found' | 'link'): Promise<void> {
    try {
      const stats = await stat(path, { bigint: true })
      if (!stats.isDirectory() && how !== 'given' && !MANIFEST.test(path)) return
      const real = await realpath(path)
      if (this.#seen.has(real)) return
      this.#seen.add(real)
      if (stats.isDirectory()) await this.#addFolder(path)
      else if (stats.isFile()) this.files.push({ path, stats })
      else this.files.push({ path, stats: undefined, reason: 'is neither a file nor a folder' })
    } catch (error) {
      const reason = reasonOf(error, how)
      if (reason !== undefined) this.files.push({ path, stats: undefined, reason })
    }
  }

  async #addFolder(path: string): Promise<void> {
    const entries = await readdir(path, { withFileTypes: true })
    this.folders.push(path)
    for (const entry of entries.filter(isShown).sort(byName)) {
      await this.add(join(path, entry.name), entry.isSymbolicLink() ? 'link' : 'found')
    }
  }
}

function isShown({ name }: Dirent): boolean {
  return !name.startsWith('.')
}

function byName(a: Dirent, b: Dirent): number {
  return a.name < b.name ? -1 : 1
}

/** Why a path cannot be looked at; undefined for an entry that vanished between listing its folder and looking at it. */
function reasonOf(error: unknown, how: 'given' | 'found' | 'link'): string | undefined {
  const code = errorCode(error)
  if (code !== 'ENOENT') return `cannot be read (${code})`
  if (how === 'found') return undefined
  return how === 'given' ? 'does not exist' : 'is a link to nothing'
}

/** The code of an error of the file system. @throws the error itself when it is none */
export function errorCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  throw error
}
