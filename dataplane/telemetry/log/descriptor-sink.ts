import { constants, fstatSync, openSync, write } from 'node:fs'
import type { LineSink } from './line-writer.ts'

/** How long to wait before a pipe that takes nothing is tried again. */
const RETRY_MS = 20

/**
 * Writes to a file descriptor (1 is stdout) without ever blocking the event loop. `process.stdout` would: Node writes to
 * pipes and files synchronously there, and a pipe that nobody reads would stop all traffic.
 */
export function descriptorSink(descriptor: number): LineSink {
  const open = nonBlocking(descriptor)
  return {
    write(text, done) {
      writeAll(open, Buffer.from(text), 0, done)
    },
  }
}

/**
 * For a pipe, a descriptor of its own that refuses instead of blocking: a write that blocks in a thread of the pool
 * would keep the process from ending. Files and terminals take what they are given.
 */
function nonBlocking(descriptor: number): number {
  if (!fstatSync(descriptor).isFIFO()) return descriptor
  try {
    return openSync(`/proc/self/fd/${descriptor}`, constants.O_WRONLY | constants.O_NONBLOCK)
  } catch (error) {
    // Where there is no /proc, or the pipe belongs to another user, the blocking one is still better than no log.
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'ENXIO'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return descriptor
    throw error
  }
}

function writeAll(descriptor: number, bytes: Buffer, from: number, done: (lost: boolean) => void): void {
  write(descriptor, bytes, from, bytes.length - from, null, (error, written) => {
    if (error?.code === 'EAGAIN') {
      setTimeout(writeAll, RETRY_MS, descriptor, bytes, from, done).unref()
    } else if (error !== null) {
      done(true)
    } else if (from + written < bytes.length) {
      writeAll(descriptor, bytes, from + written, done)
    } else {
      done(false)
    }
  })
}
