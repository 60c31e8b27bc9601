import { readFile } from 'node:fs/promises'
import { errorCode, type ListedFile, listFiles } from './list-files.ts'
import { MAX_FILE_BYTES, type Source } from './source.ts'

/** All manifests together may be this large: what is beyond is not read. */
const MAX_TOTAL_BYTES = 100 * 1024 * 1024

/**
 * Reads the manifests that the paths name, in the order of {@link listFiles}. Never fails: a path that does not exist, a
 * file that is too large or not UTF-8, comes as a source that says so, from which reading makes a Problem.
 */
export async function loadFolder(paths: readonly string[]): Promise<Source[]> {
  const { files } = await listFiles(paths)
  const sources: Source[] = []
  let bytes = 0
  for (const file of files) {
    bytes += Number(file.stats?.size ?? 0)
    sources.push(bytes > MAX_TOTAL_BYTES ? unreadable(file.path, tooMuch()) : await load(file))
  }
  return sources
}

async function load({ path, stats, reason }: ListedFile): Promise<Source> {
  if (stats === undefined) return unreadable(path, reason ?? 'cannot be read')
  if (stats.size > MAX_FILE_BYTES) return unreadable(path, `is larger than ${MAX_FILE_BYTES} bytes`)
  let content: Buffer
  try {
    content = await readFile(path)
  } catch (error) {
    return unreadable(path, `cannot be read (${errorCode(error)})`)
  }
  const text = decodeUtf8(content)
  return text === undefined ? unreadable(path, 'is not UTF-8') : { path, text }
}

/** Without a byte order mark; undefined for what is not UTF-8. */
function decodeUtf8(content: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch (error) {
    if (errorCode(error) === 'ERR_ENCODING_INVALID_ENCODED_DATA') return undefined
    throw error
  }
}

function tooMuch(): string {
  return `is left out: the files before it have ${MAX_TOTAL_BYTES} bytes together`
}

function unreadable(path: string, reason: string): Source {
  return { path, text: '', unreadable: reason }
}
