import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

/** A client that writes exactly the bytes that it is told, and waits for what it expects instead of for time. */
export interface RawClient {
  readonly socket: Socket
  /** All that was received so far; text is latin1 both ways. */
  received(): string
  write(bytes: string | Uint8Array): void
  /** Waits until what was received passes. Rejects when the connection closes before. */
  until(passes: (received: string) => boolean): Promise<string>
  /** Waits until the other side has closed, and gives all that was received. */
  closed(): Promise<string>
  destroy(): void
}

/** Connects to a port of this machine; over TLS when `tls` is given. Resolves when bytes can be sent. */
export function rawClient(port: number, tls?: ConnectionOptions): Promise<RawClient> {
  return new Promise((resolve, reject) => {
    const socket: Socket =
      tls === undefined
        ? connect({ port, host: '127.0.0.1', allowHalfOpen: false })
        : connectTls({ port, host: '127.0.0.1', ...tls })
    let text = ''
    let closed = false
    const checks = new Set<() => void>()
    const tell = (): void => {
      for (const check of [...checks]) check()
    }
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      text += chunk
      tell()
    })
    socket.on('error', reject)
    socket.on('close', () => {
      closed = true
      tell()
    })
    const wait = (done: () => boolean, name: string): Promise<string> =>
      new Promise((settle, fail) => {
        const check = (): void => {
          if (!done() && !closed) return
          checks.delete(check)
          if (done()) settle(text)
          else fail(new Error(`closed before ${name}; received: ${text}`))
        }
        checks.add(check)
        check()
      })
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () =>
      resolve({
        socket,
        received: () => text,
        write: (bytes) => void socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes),
        until: (passes) => wait(() => passes(text), 'what was expected'),
        closed: () => wait(() => closed, 'the end'),
        destroy: () => socket.destroy(),
      }),
    )
  })
}
