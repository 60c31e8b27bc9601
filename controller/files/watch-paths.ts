import { type FSWatcher, watch } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errorCode, type FileList, type ListedFile, listFiles } from './list-files.ts'

export interface PathWatch {
  /**
   * Resolves when the state that changes are counted from is known: files loaded after it are never older than what
   * `onChange` speaks of.
   */
  readonly ready: Promise<void>
  /** No call of `onChange` begins after this. */
  close(): void
}

export interface WatchTimes {
  /** How long after the first sign of a change one looks: editors and kubectl write in several steps. */
  readonly settleMs: number
  /** How often one looks without any sign: network file systems, and links to elsewhere, give none. */
  readonly pollMs: number
}

const TIMES: WatchTimes = { settleMs: 250, pollMs: 2000 }

/**
 * Calls `onChange` after manifests below the paths (as {@link listFiles} finds them) were written, added, removed or
 * replaced: by an editor's rename, by the swapped links of a mounted ConfigMap, by anything. Looking is what decides;
 * the system's notices only tell when to look, so that a lost or doubled notice does no harm.
 */
export function watchPaths(paths: readonly string[], onChange: () => void, times: WatchTimes = TIMES): PathWatch {
  const pathWatch = new Watching(paths, onChange, times)
  return { ready: pathWatch.start(), close: () => pathWatch.close() }
}

class Watching {
  readonly #paths: readonly string[]
  readonly #onChange: () => void
  readonly #times: WatchTimes
  readonly #watchers = new Map<string, FSWatcher>()
  #state = ''
  #looking: Promise<void> = Promise.resolve()
  #settling: NodeJS.Timeout | undefined
  #polling: NodeJS.Timeout | undefined
  #closed = false

  constructor(paths: readonly string[], onChange: () => void, times: WatchTimes) {
    this.#paths = paths
    this.#onChange = onChange
    this.#times = times
  }

  async start(): Promise<void> {
    await this.#takeStock(await listFiles(this.#paths))
    if (this.#closed) return
    this.#polling = setInterval(() => this.#look(), this.#times.pollMs)
    this.#polling.unref()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#settling)
    clearInterval(this.#polling)
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }

  /** Not put off by further notices: a file that is written all the time is still looked at. */
  #settle(): void {
    if (this.#settling !== undefined || this.#closed) return
    this.#settling = setTimeout(() => {
      this.#settling = undefined
      this.#look()
    }, this.#times.settleMs)
    this.#settling.unref()
  }

  #look(): void {
    this.#looking = this.#looking.then(() => this.#compare())
  }

  async #compare(): Promise<void> {
    if (this.#closed) return
    const list = await listFiles(this.#paths)
    if (stateOf(list) === this.#state) return
    await this.#takeStock(list)
    if (!this.#closed) this.#onChange()
  }

  /** Watches what there is now; all anew, because a folder that was replaced has its old name and no watcher. */
  async #takeStock(list: FileList): Promise<void> {
    const folders = await foldersToWatch(this.#paths, list)
    if (this.#closed) return
    for (const [folder, watcher] of this.#watchers) this.#unwatch(folder, watcher)
    for (const folder of folders) this.#watch(folder)
    // What changed while the watchers were set up gave no notice: this second look is the one to count from.
    this.#state = stateOf(await listFiles(this.#paths))
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#settle())
      // A folder that goes away, or a system that has no watches left: polling finds what happens there.
      watcher.on('error', () => this.#unwatch(folder, watcher))
      this.#watchers.set(folder, watcher)
    } catch (error) {
      // The same two, found at once; anything that is no error of the system is thrown on.
      errorCode(error)
    }
  }

  #unwatch(folder: string, watcher: FSWatcher): void {
    watcher.close()
    this.#watchers.delete(folder)
  }
}

/** The folders of all that is listed, by their real paths too, and those that the given paths stand in. */
async function foldersToWatch(paths: readonly string[], { files, folders }: FileList): Promise<Set<string>> {
  const watched = new Set([...folders, ...paths.map((path) => dirname(path))])
  for (const { path, stats } of files) {
    if (stats !== undefined) watched.add(dirname(await realOr(path)))
  }
  return watched
}

async function realOr(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    errorCode(error)
    return path
  }
}

/** Equal for two lists whose files are the same, by all that a write or a replacement changes. */
function stateOf({ files }: FileList): string {
  return JSON.stringify(files.map(stateOfFile))
}

function stateOfFile({ path, stats, reason }: ListedFile): readonly (string | undefined)[] {
  if (stats === undefined) return [path, reason]
  return [path, ...[stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].map(String)]
}
