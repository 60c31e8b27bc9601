import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { nowMs } from '../../../runtime/clock.ts'
import type { SocketAddress } from '../../exchange.ts'
import { refuseConnection } from '../refusal.ts'
import type { InboundRequest } from '../transport.ts'
import { Http1Inbound, type InboundConnection } from './inbound.ts'
import { type MessageHead, MessageParser } from './message-parser.ts'
import { type ReadHead, readHead } from './request-head.ts'
import type { ServerLimits } from './server.ts'

/** What a connection needs of the server that it came in at. */
export interface ConnectionServer {
  readonly listenerPort: number
  readonly encrypted: boolean
  readonly limits: ServerLimits
  draining(): boolean
  onRequest(inbound: InboundRequest): void
  onFault(error: unknown): void
}

/** One client connection. A client may pipeline; its requests are served one after the other, in their order. */
export class ClientConnection implements InboundConnection {
  readonly socket: Socket
  readonly peer: SocketAddress
  readonly local: SocketAddress
  readonly serverName: string | undefined
  readonly #server: ConnectionServer
  readonly #parser: MessageParser
  #current: Http1Inbound | undefined
  /** What came behind the request that is being served. It is read on, within a limit, to see when the client leaves. */
  #behind: Buffer | undefined
  #reading = false
  #refused = false
  /** When the present state began: idle, or in the middle of a request. */
  #sinceMs = nowMs()
  /** No request has begun yet. */
  #fresh = true

  constructor(socket: Socket, server: ConnectionServer) {
    this.socket = socket
    this.#server = server
    this.#parser = new MessageParser('request', server.limits)
    this.peer = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
    this.local = { address: socket.localAddress ?? '', port: socket.localPort ?? 0 }
    const name = socket instanceof TLSSocket ? socket.servername : undefined
    this.serverName = typeof name === 'string' && name !== '' ? name.toLowerCase() : undefined
    socket.setNoDelay(true)
    socket.on('data', (data: Buffer) => this.#read(data))
    socket.on('drain', () => this.#current?.reply.onDrain?.())
    socket.on('end', () => this.#onClientEnd())
    socket.on('error', () => undefined)
    socket.on('close', () => this.#onClose())
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

  onBadHead(error: unknown): void {
    this.#server.onFault(error)
  }

  flow(wanted: boolean): void {
    if (wanted) this.socket.resume()
    else this.socket.pause()
  }

  release(keepAlive: boolean): void {
    this.#current = undefined
    this.#sinceMs = nowMs()
    if (!keepAlive || this.draining) return void this.socket.destroySoon()
    if (this.#reading) return
    const behind = this.#behind
    if (behind === undefined) return void this.socket.resume()
    // Not from here: whoever answered is still at work, and a client may pipeline a thousand requests.
    setImmediate(() => {
      this.#behind = undefined
      if (this.socket.destroyed) return
      this.socket.resume()
      this.#read(behind)
    })
  }

  closeIfIdle(): void {
    if (this.#current === undefined) this.socket.destroy()
  }

  /** Ends what takes too long; to be called every now and then. */
  checkTimeouts(now: number): void {
    const { keepAliveMs, headersTimeoutMs, requestTimeoutMs } = this.#server.limits
    const ms = now - this.#sinceMs
    const current = this.#current
    if (current !== undefined) {
      if (!current.complete && ms > requestTimeoutMs) this.#refuse(408, SLOW)
    } else if (this.#parser.inMessage) {
      if (ms > headersTimeoutMs) this.#refuse(408, SLOW)
    } else if (ms > (this.#fresh ? headersTimeoutMs : keepAliveMs)) {
      this.socket.destroy()
    }
  }

  #read(data: Buffer): void {
    this.#reading = true
    let rest = data
    while (rest.length > 0 && !this.#refused && !this.socket.destroyed) {
      if (this.#current?.complete === true) rest = this.#keep(rest)
      else rest = this.#parse(rest)
    }
    this.#reading = false
    const current = this.#current
    if (current !== undefined && !current.complete && !current.wantsBody) this.socket.pause()
  }

  #keep(data: Buffer): Buffer {
    this.#behind = this.#behind === undefined ? data : Buffer.concat([this.#behind, data])
    if (this.#behind.length > BEHIND_BYTES) this.socket.pause()
    return NOTHING
  }

  /** @returns what the parser has not taken */
  #parse(data: Buffer): Buffer {
    const parser = this.#parser
    if (!parser.inMessage) {
      this.#sinceMs = nowMs()
      this.#fresh = false
    }
    const taken = parser.execute(data)
    const { head } = parser
    if (head !== undefined) this.#begin(head)
    const current = this.#current
    if (current !== undefined) {
      for (const piece of parser.body) current.onBody(piece)
      if (parser.complete && !current.complete) current.onComplete(parser.trailers)
    }
    if (taken < 0) {
      this.#onBadBytes(parser.failure)
      return NOTHING
    }
    // A client that wants to go on in another protocol is answered in this one, and then closed on.
    if (parser.upgrade && parser.complete) return NOTHING
    return taken === data.length ? NOTHING : data.subarray(taken)
  }

  #begin(message: MessageHead): void {
    const { bodyLength } = message
    const read = readHead(message)
    if (message.method === 'CONNECT') {
      this.#refused = true
      return refuseConnection(this.socket, 501, 'CONNECT is not supported')
    }
    const expectsContinue = read.expect === '100-continue' && bodyLength !== 0
    const keepAlive = message.keepAlive && !this.#parser.upgrade
    const inbound = new Http1Inbound({ head: read.head, bodyLength, keepAlive, expectsContinue }, this)
    this.#current = inbound
    const fault = faultOf(read)
    if (fault === undefined) return this.#server.onRequest(inbound)
    const body = Buffer.from(`${fault.message}\n`)
    const headers = ['content-type', 'text/plain; charset=utf-8', 'content-length', `${body.length}`]
    inbound.reply.head(fault.status, [...headers, 'connection', 'close'])
    inbound.reply.end(body)
  }

  #onBadBytes(failure: string): void {
    const refusal = refusalFor(failure)
    if (refusal === undefined) this.socket.destroy()
    else this.#refuse(refusal.status, refusal.message)
  }

  /**
   * What comes cannot be read on: it is not HTTP, is too large, or came too slowly. Answered where that is still
   * possible without mixing the answer into another one.
   */
  #refuse(status: number, message: string): void {
    if (this.#refused || this.#current?.reply.flushed === true || !this.socket.writable) {
      this.socket.destroy()
      return
    }
    this.#refused = true
    refuseConnection(this.socket, status, message)
  }

  /** The client sends no more. With a request open it has left; in the middle of one it has broken off. */
  #onClientEnd(): void {
    if (this.#refused) return
    const current = this.#current
    if (current?.complete === true) this.socket.destroy()
    else if (current !== undefined || this.#parser.inMessage) this.#refuse(400, 'the request broke off')
    else this.socket.end()
  }

  #onClose(): void {
    this.#parser.free()
    const current = this.#current
    this.#current = undefined
    this.#behind = undefined
    current?.onClose()
  }
}

const NOTHING: Buffer = Buffer.alloc(0)
/** Beyond this a client that pipelines has to wait. */
const BEHIND_BYTES = 64 * 1024
const SLOW = 'the request took too long to arrive'

function faultOf({ head, fault, expect }: ReadHead): { status: number; message: string } | undefined {
  if (!head.httpVersion.startsWith('1.')) return { status: 505, message: 'this port speaks HTTP/1.1' }
  if (fault !== undefined) return { status: 400, message: fault }
  if (expect === undefined || expect === '100-continue') return undefined
  return { status: 417, message: 'the only expectation that is known is 100-continue' }
}

function refusalFor(failure: string): { status: number; message: string } | undefined {
  if (failure === 'HEADERS_TOO_LARGE') return { status: 431, message: 'the header of the request is too large' }
  if (failure === 'CHUNK_OVERHEAD') return { status: 413, message: 'a chunk extension is too large' }
  if (failure.startsWith('HPE_')) return { status: 400, message: 'the request is not HTTP/1.1' }
  return undefined
}
