import { constants, fstatSync, openSync, write } from 'node:fs'
import { Socket } from 'node:net'
import type { LineSink } from './line-writer.ts'

/** How long to wait before a pipe that takes nothing is tried again. */
const RETRY_MS = 20

/**
 * Writes to a file descriptor (1 is stdout) without ever blocking the event loop or, when the process wants to end, its
 * end. `process.stdout` writes to files and pipes synchronously, and a write that blocks in a thread of the pool would
 * keep the process alive for as long as nobody reads.
 */
export function descriptorSink(descriptor: number): LineSink {
  const stats = fstatSync(descriptor)
  if (stats.isSocket()) return socketSink(descriptor)
  const open = stats.isFIFO() ? refusing(descriptor) : descriptor
  return {
    write(text, done) {
      writeAll(open, Buffer.from(text), 0, done)
    },
  }
}

/** Sockets are what journald and parents written in Node give as stdout. */
function socketSink(descriptor: number): LineSink {
  const socket = new Socket({ fd: descriptor, readable: false, writable: true })
  // Every write hears of its own error, too; without a listener the first would end the process.
  socket.on('error', () => {})
  return {
    write(text, done) {
      socket.write(text, (error) => done(error != null))
    },
  }
}

/**
 * A descriptor of our own for a pipe, which refuses what there is no room for: to make the given one do so would change
 * it for all who share it.
 */
function refusing(descriptor: number): number {
  try {
    return openSync(`/proc/self/fd/${descriptor}`, constants.O_WRONLY | constants.O_NONBLOCK)
  } catch (error) {
    // Where there is no /proc, or the pipe belongs to another user, the given one is still better than no log.
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return descriptor
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
