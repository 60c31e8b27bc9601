import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type PartName, partOf } from './part-table.ts'

/** The part's Go module. */
export function moduleFolder(name: PartName): string {
  return join(import.meta.dirname, 'parts', name)
}

/** Where all built parts are: outside the clone, shared by clones. */
export function rigCache(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'weir', 'rig')
}

/**
 * Where the part is, or will be, in the cache. The name has a digest of everything that decides what is built (the
 * module's files, its row in the table), so that another version of a part is another folder.
 */
export function cacheFolder(name: PartName): string {
  const hash = createHash('sha256').update(JSON.stringify(partOf(name)))
  for (const file of readdirSync(moduleFolder(name)).sort()) {
    hash.update(`\0${file}\0`).update(readFileSync(join(moduleFolder(name), file)))
  }
  return join(rigCache(), `${name}-${hash.digest('hex').slice(0, 16)}`)
}

/**
 * The folder of a part that was built: its programs, or its files.
 * @throws when it was not: suites build nothing, as they run without a network
 */
export function partFolder(name: PartName): string {
  const folder = cacheFolder(name)
  if (existsSync(folder)) return folder
  throw new Error(`the rig's part '${name}' is not built: run 'make e2e', or 'node test/rig/build.ts ${name}'`)
}
