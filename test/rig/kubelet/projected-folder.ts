import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** One file of a volume that is made from objects. */
export interface ProjectedFile {
  readonly content: Buffer
  readonly mode: number
  /** The user that it belongs to; root when not given. */
  readonly owner?: number | undefined
}

/** Relative paths, without `..`, to files. */
export type ProjectedFiles = ReadonlyMap<string, ProjectedFile>

const DATA = '..data'

/**
 * A folder whose files all change at once, as the real kubelet makes it: they are in a folder of their own, `..data` links
 * to that, and what a reader opens are links through `..data`; replacing that one link replaces all files.
 */
export class ProjectedFolder {
  readonly #path: string
  readonly #group: number | undefined
  #written: string | undefined

  /** @param group the pod's fsGroup: the files belong to it and it may read them */
  constructor(path: string, group: number | undefined) {
    this.#path = path
    this.#group = group
  }

  /** Makes the files what they shall be; nothing is touched when they are. Calls must not overlap. */
  async write(files: ProjectedFiles): Promise<void> {
    const print = [...files]
      .map(([path, { content, mode }]) => `${path}\0${mode}\0${content.toString('base64')}`)
      .join('\n')
    if (print === this.#written) return
    await mkdir(this.#path, { recursive: true, mode: 0o755 })
    const generation = `..${new Date().toISOString().replace(/[-:TZ]/g, '_')}${randomBytes(4).toString('hex')}`
    for (const [path, file] of files) await this.#writeFile(join(this.#path, generation, path), file)
    await mkdir(join(this.#path, generation), { recursive: true, mode: 0o755 })
    const before = await readlink(join(this.#path, DATA)).catch(() => undefined)
    await symlink(generation, join(this.#path, `${DATA}_tmp`))
    await rename(join(this.#path, `${DATA}_tmp`), join(this.#path, DATA))
    await this.#link(new Set([...files.keys()].map((path) => path.split('/')[0] as string)))
    if (before !== undefined) await rm(join(this.#path, before), { recursive: true, force: true })
    this.#written = print
  }

  async #writeFile(path: string, { content, mode, owner = 0 }: ProjectedFile): Promise<void> {
    await mkdir(dirname(path), { recursive: true, mode: 0o755 })
    await writeFile(path, content)
    await chown(path, owner, this.#group ?? 0)
    await chmod(path, this.#group === undefined ? mode : mode | 0o440)
  }

  /** One link for each name at the top, none for names that are no more. */
  async #link(names: ReadonlySet<string>): Promise<void> {
    const present = (await readdir(this.#path)).filter((name) => !name.startsWith('..'))
    for (const name of present) if (!names.has(name)) await rm(join(this.#path, name), { force: true })
    for (const name of names) {
      if (!present.includes(name)) await symlink(join(DATA, name), join(this.#path, name))
    }
  }
}
