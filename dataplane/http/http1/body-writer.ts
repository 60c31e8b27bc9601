import type { Socket } from 'node:net'

/** Pieces of up to this size are put together into one buffer: copying them costs less than a second piece to write. */
const JOINED_BYTES = 4 * 1024

const END = '\r\n'
const LAST_CHUNK = '0\r\n\r\n'

/**
 * Writes a text and a body behind it in one go.
 * @returns false when the socket holds more than it should: wait for `drain`
 */
export function writeTogether(
  socket: Socket,
  before: string,
  body: Uint8Array | undefined,
  after: string,
  written?: () => void,
): boolean {
  if (body === undefined || body.length === 0) {
    const text = before + after
    return text === '' ? room(socket, written) : socket.write(text, 'latin1', written)
  }
  if (before === '' && after === '') return socket.write(body, written)
  if (body.length <= JOINED_BYTES) {
    const joined = Buffer.allocUnsafe(before.length + body.length + after.length)
    joined.write(before, 0, 'latin1')
    joined.set(body, before.length)
    if (after !== '') joined.write(after, before.length + body.length, 'latin1')
    return socket.write(joined, written)
  }
  socket.cork()
  if (before !== '') socket.write(before, 'latin1')
  let isRoom = socket.write(body)
  if (after !== '' || written !== undefined) isRoom = socket.write(after, 'latin1', written)
  socket.uncork()
  return isRoom
}

/** Writes a text and a whole body behind it in one go. */
export function writePieces(socket: Socket, before: string, pieces: readonly Uint8Array[]): void {
  let length = before.length
  for (const piece of pieces) length += piece.length
  if (length > JOINED_BYTES) {
    socket.cork()
    socket.write(before, 'latin1')
    for (const piece of pieces) socket.write(piece)
    socket.uncork()
    return
  }
  const joined = Buffer.allocUnsafe(length)
  let at = joined.write(before, 0, 'latin1')
  for (const piece of pieces) {
    joined.set(piece, at)
    at += piece.length
  }
  socket.write(joined)
}

/** One chunk of the chunked coding (RFC 9112 7.1), behind a text that may be empty. */
export function writeChunk(socket: Socket, before: string, chunk: Uint8Array): boolean {
  return writeTogether(socket, `${before}${chunk.length.toString(16)}\r\n`, chunk, END)
}

/** The last bytes of a body in the chunked coding, and its end. `trailers` are header lines. */
export function writeLastChunk(
  socket: Socket,
  before: string,
  chunk: Uint8Array | undefined,
  trailers: string,
  written?: () => void,
): boolean {
  const end = trailers === '' ? LAST_CHUNK : `0\r\n${trailers}\r\n`
  if (chunk === undefined || chunk.length === 0) return writeTogether(socket, before, undefined, end, written)
  return writeTogether(socket, `${before}${chunk.length.toString(16)}\r\n`, chunk, END + end, written)
}

function room(socket: Socket, written: (() => void) | undefined): boolean {
  if (written !== undefined) process.nextTick(written)
  return !socket.writableNeedDrain
}
