import type { Socket } from 'node:net'

/** Pieces of up to this size are put together into one buffer: copying them costs less than a second piece to write. */
const JOINED_BYTES = 4 * 1024

const END = '\r\n'

/**
 * Writes a text, the pieces of a body and a text behind them in one go.
 * @returns false when the socket holds more than it should: wait for `drain`
 */
export function writeTogether(socket: Socket, before: string, pieces: readonly Uint8Array[], after = ''): boolean {
  let bodyBytes = 0
  for (const piece of pieces) bodyBytes += piece.length
  if (bodyBytes === 0) return writeText(socket, before + after)
  if (bodyBytes > JOINED_BYTES || (before === '' && after === '' && pieces.length === 1)) {
    return writeApart(socket, before, pieces, after)
  }
  const joined = Buffer.allocUnsafe(before.length + bodyBytes + after.length)
  let at = joined.write(before, 0, 'latin1')
  for (const piece of pieces) {
    joined.set(piece, at)
    at += piece.length
  }
  joined.write(after, at, 'latin1')
  return socket.write(joined)
}

/** One chunk of the chunked coding (RFC 9112 7.1), behind a text that may be empty. */
export function writeChunk(socket: Socket, before: string, chunk: Uint8Array): boolean {
  return writeTogether(socket, before + chunkSize(chunk), [chunk], END)
}

/** The last bytes of a body in the chunked coding, and its end. `trailers` are header lines. */
export function writeLastChunk(
  socket: Socket,
  before: string,
  chunk: Uint8Array | undefined,
  trailers: string,
): boolean {
  const end = `0\r\n${trailers}\r\n`
  if (chunk === undefined || chunk.length === 0) return writeTogether(socket, before, [], end)
  return writeTogether(socket, before + chunkSize(chunk), [chunk], END + end)
}

function chunkSize(chunk: Uint8Array): string {
  return `${chunk.length.toString(16)}\r\n`
}

function writeText(socket: Socket, text: string): boolean {
  return text === '' ? !socket.writableNeedDrain : socket.write(text, 'latin1')
}

/** In one system call all the same, but without copying. */
function writeApart(socket: Socket, before: string, pieces: readonly Uint8Array[], after: string): boolean {
  socket.cork()
  if (before !== '') socket.write(before, 'latin1')
  for (const piece of pieces) socket.write(piece)
  if (after !== '') socket.write(after, 'latin1')
  socket.uncork()
  return !socket.writableNeedDrain
}
