import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { partFolder } from '../rig/part-folder.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** A file of manifests, as text. */
export interface ManifestFile {
  /** From the repository's folder; Gateway API's own are in `gateway-api`. */
  readonly path: string
  readonly text: string
  /** Its documents, as texts. */
  readonly documents: readonly string[]
}

/** All manifests of the repository that are written for users or for tests of the compiler, good and broken ones. */
export function ownManifests(): readonly ManifestFile[] {
  return [
    ...filesIn(ROOT, 'test/golden').filter(({ path }) => path.endsWith('.in.yaml')),
    ...filesIn(ROOT, 'test/broken'),
    ...filesIn(ROOT, 'test/documents'),
    ...filesIn(ROOT, 'examples').filter(({ path }) => !path.endsWith('expect.yaml')),
  ]
}

/** Files that are applied together. */
export interface ManifestSet {
  /** The file's path, or the folder's. */
  readonly path: string
  readonly files: readonly ManifestFile[]
}

/** The repository's manifests as they are meant to be applied: a folder at once, but each golden and broken file alone, and each tab of the documents with what all tabs share. */
export function ownManifestSets(): readonly ManifestSet[] {
  const sets = new Map<string, ManifestFile[]>()
  const files = ownManifests()
  const base = files.filter(({ path }) => path === TABS_BASE)
  for (const file of files) {
    if (file.path === TABS_BASE) continue
    const folder = dirname(file.path)
    const alone = /^test\/(golden|broken)$/.test(folder) || folder === dirname(TABS_BASE)
    const path = alone ? file.path : folder
    sets.set(path, [...(sets.get(path) ?? (folder === dirname(TABS_BASE) ? base : [])), file])
  }
  return [...sets].map(([path, together]) => ({ path, files: together }))
}

const TABS_BASE = 'test/documents/tabs/base.yaml'

/** Gateway API's own examples, and the ones that it says are invalid. */
export function gatewayApiManifests(): readonly ManifestFile[] {
  const folder = partFolder('gateway-api')
  return [...filesIn(folder, 'examples'), ...filesIn(folder, 'invalid-examples')].map((file) => ({
    ...file,
    path: `gateway-api/${file.path}`,
  }))
}

function filesIn(root: string, folder: string): ManifestFile[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.yaml'))
    .sort()
    .map((path) => {
      const text = readFileSync(join(root, folder, path), 'utf8')
      return { path: join(folder, path), text, documents: documentsIn(text) }
    })
}

/** As kubectl splits a file; what holds comments only is no document. */
function documentsIn(text: string): string[] {
  return text.split(/^---.*$/m).filter((document) => /^[^#\s]/m.test(document))
}
