import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { SocketAddress } from '../exchange.ts'
import { parseAuthority } from './address.ts'
import { type InboundConnection, NodeInbound } from './node-inbound.ts'
import { refuseConnection } from './refusal.ts'
import type { InboundRequest, RequestHead } from './transport.ts'

/** What a connection needs of the server that it came in at. */
export interface ConnectionServer {
  readonly listenerPort: number
  readonly encrypted: boolean
  draining(): boolean
  onRequest(inbound: InboundRequest): void
  onFault(error: unknown): void
}

/** One client connection and the requests that are being answered on it: several only when the client pipelines. */
export class ClientConnection implements InboundConnection {
  readonly peer: SocketAddress
  readonly local: SocketAddress
  readonly serverName: string | undefined
  readonly #socket: Socket
  readonly #server: ConnectionServer
  /**
   * In order of arrival. An array, not a Set: each table that a Set outgrows points to the next one, so that in a
   * connection that lives long a dead old table keeps every later request from being collected young.
   */
  readonly #active: NodeInbound[] = []
  #refused = false

  constructor(socket: Socket, server: ConnectionServer) {
    this.#socket = socket
    this.#server = server
    this.peer = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
    this.local = { address: socket.localAddress ?? '', port: socket.localPort ?? 0 }
    const name = socket instanceof TLSSocket ? socket.servername : undefined
    this.serverName = typeof name === 'string' && name !== '' ? name.toLowerCase() : undefined
  }

  get listenerPort(): number {
    return this.#server.listenerPort
  }

  get encrypted(): boolean {
    return this.#server.encrypted
  }

  get draining(): boolean {
    return this.#server.draining()
  }

  /** Takes a request that node has parsed the head of. */
  accept(message: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const read = readHead(message)
    const inbound = new NodeInbound({ message, response, expectsContinue, ...read }, this)
    this.#active.push(inbound)
    if (read.fault === undefined) return this.#server.onRequest(inbound)
    const body = Buffer.from(`${read.fault}\n`)
    const headers = ['content-type', 'text/plain; charset=utf-8', 'content-length', `${body.length}`]
    inbound.reply.head(400, [...headers, 'connection', 'close'])
    inbound.reply.end(body)
  }

  /**
   * Node cannot read on: what came is not HTTP, is too large, or came too slowly. Answered where that is still
   * possible without mixing the answer into another one.
   */
  onProtocolError(error: NodeJS.ErrnoException): void {
    const refusal = refusalFor(error.code ?? '')
    const [current] = this.#active
    const occupied = this.#active.length > 1 || current?.reply.flushed === true
    if (this.#refused || refusal === undefined || occupied || !this.#socket.writable) {
      this.#socket.destroy()
      return
    }
    this.#refused = true
    refuseConnection(this.#socket, refusal.status, refusal.message)
  }

  release(inbound: NodeInbound): void {
    const at = this.#active.indexOf(inbound)
    if (at >= 0) this.#active.splice(at, 1)
    // The head of this answer may have left before the server began to close.
    if (this.draining) setImmediate(() => this.closeIfIdle())
  }

  onBadHead(error: unknown): void {
    this.#server.onFault(error)
  }

  onClose(): void {
    for (const inbound of this.#active.splice(0)) inbound.reply.connectionClosed()
  }

  closeIfIdle(): void {
    if (this.#active.length === 0) this.#socket.destroy()
  }
}

interface ReadHead {
  readonly head: RequestHead
  readonly bodyLength: number | undefined
  /** Why the request is not to be served. */
  readonly fault: string | undefined
}

/**
 * The head as policy code sees it: one Host (RFC 9112 3.2), and a target in origin form; of an absolute one the
 * authority takes the place of Host (3.2.2).
 */
function readHead(message: IncomingMessage): ReadHead {
  const { rawHeaders, httpVersion } = message
  const target = message.url ?? ''
  let hosts = 0
  let authority = ''
  let bodyLength: number | undefined = 0
  let codings = 0
  let chunked = true
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length === 4 && name.toLowerCase() === 'host') {
      hosts += 1
      authority = rawHeaders[i + 1] as string
    } else if (name.length === 14 && name.toLowerCase() === 'content-length') {
      // Node's parser has checked that it is a number and that there is no Transfer-Encoding beside it.
      bodyLength = Number(rawHeaders[i + 1])
    } else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      bodyLength = undefined
      chunked &&= codings === 0 && (rawHeaders[i + 1] as string).toLowerCase() === 'chunked'
      codings += 1
    }
  }
  const head = { method: message.method ?? '', target, httpVersion, rawHeaders }
  if (hosts > 1) return { head, bodyLength, fault: 'the request has more than one Host header' }
  if (hosts === 0 && httpVersion !== '1.0') return { head, bodyLength, fault: 'the request has no Host header' }
  if (parseAuthority(authority) === undefined) return { head, bodyLength, fault: 'the Host header is not a host' }
  // Any other coding could be read by the next hop in another way than by node's parser (RFC 9112 6.1).
  if (!chunked) return { head, bodyLength, fault: 'the only transfer coding that is known is chunked' }
  if (target[0] === '/' || target === '*') return { head, bodyLength, fault: undefined }
  return { bodyLength, ...originForm(head) }
}

function originForm(head: RequestHead): { head: RequestHead; fault: string | undefined } {
  const absolute = /^https?:\/\/([^/?#]+)([/?].*)?$/i.exec(head.target)
  const [, authority = '', rest = '/'] = absolute ?? []
  if (absolute === null || parseAuthority(authority) === undefined) {
    return { head, fault: 'the request target is neither a path nor a URL' }
  }
  const rawHeaders = ['Host', authority]
  for (let i = 0; i < head.rawHeaders.length; i += 2) {
    const name = head.rawHeaders[i] as string
    if (name.toLowerCase() !== 'host') rawHeaders.push(name, head.rawHeaders[i + 1] as string)
  }
  return { head: { ...head, target: rest.startsWith('/') ? rest : `/${rest}`, rawHeaders }, fault: undefined }
}

function refusalFor(code: string): { status: number; message: string } | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') return { status: 431, message: 'the header of the request is too large' }
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return { status: 413, message: 'a chunk extension is too large' }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return { status: 408, message: 'the request took too long to arrive' }
  if (code.startsWith('HPE_')) return { status: 400, message: 'the request is not HTTP/1.1' }
  return undefined
}
