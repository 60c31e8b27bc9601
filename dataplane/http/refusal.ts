import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'

/** How long, and how much, is read and thrown away so that a client that is still sending can read the answer. */
const LINGER_MS = 2_000
const LINGER_BYTES = 1024 * 1024

/**
 * Answers on a connection whose bytes are not a request that could be served, and closes it (RFC 9112 9.6). The
 * connection is taken away from node's parser: whatever comes now is not read as HTTP any more.
 */
export function refuseConnection(socket: Socket, status: number, message: string): void {
  let left = LINGER_BYTES
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.removeAllListeners('data')
  socket.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) socket.destroy()
  })
  socket.on('error', () => undefined)
  socket.once('end', () => socket.destroySoon())
  socket.once('close', () => clearTimeout(timer))
  const body = `${message}\n`
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n` +
      `content-type: text/plain; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `connection: close\r\n\r\n${body}`,
  )
  socket.resume()
}
