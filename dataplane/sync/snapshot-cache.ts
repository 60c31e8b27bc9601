import { createHash, randomUUID } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { decodeSnapshot } from '../../contract/decode.ts'
import { MAX_PUSH_BYTES } from '../../contract/frames.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import type { Log } from '../../runtime/log.ts'

/** The first line of the file: what it is, and the SHA-256 of the rest, so that half a file is not taken for a whole. */
const HEADER = /^weir-snapshot-1 ([0-9a-f]{64})\n/

/** Twice what a push may have: a longer file is none of ours. */
const MAX_FILE_BYTES = 2 * MAX_PUSH_BYTES

/**
 * The snapshot that a process before this one saved, from which a restarted container serves while no controller
 * answers. One that is missing is nothing to speak of; one that is wrong is logged, never with its content, and ignored.
 */
export function loadCachedSnapshot(path: string, log: Log): Snapshot | undefined {
  try {
    const read = parse(readWhole(path))
    if (typeof read !== 'string') return read
    log.warn({ path }, `the cached snapshot is ignored: ${read}`)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT') log.warn({ path }, `the cached snapshot cannot be read: ${code}`)
  }
  return undefined
}

/**
 * Saves a snapshot, credentials included, for this user alone (mode 0600). Whoever reads the path sees the file before or
 * the whole new one. Saves of one path are to be awaited one after the other; rejects with the system's error.
 */
export async function saveSnapshot(path: string, snapshot: Snapshot): Promise<void> {
  const body = JSON.stringify(snapshot)
  const temporary = `${path}.${randomUUID()}`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(`weir-snapshot-1 ${sha256(body)}\n${body}`)
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

function readWhole(path: string): string {
  return statSync(path).size > MAX_FILE_BYTES ? '' : readFileSync(path, 'utf8')
}

/** @returns why it is no snapshot, when it is none */
function parse(text: string): Snapshot | string {
  const header = HEADER.exec(text)
  if (header === null) return 'it does not begin as one'
  const body = text.slice(header[0].length)
  if (sha256(body) !== header[1]) return 'its digest is another one than its header says'
  const decoded = decodeSnapshot(JSON.parse(body))
  return decoded.ok ? decoded.snapshot : `${decoded.path}: ${decoded.message}`
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
