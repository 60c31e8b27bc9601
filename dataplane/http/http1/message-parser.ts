import { createRequire } from 'node:module'

/**
 * llhttp, the parser of Node itself, in the build that undici carries. A message is fed in as it comes off the socket;
 * nothing is told from inside of the parser: what a chunk brought stands in the parser's fields when `execute` returns.
 * Strict in all that request smuggling lives on (RFC 9112 6.3, 11.2): both framings at once, several lengths, bare
 * line feeds, folded lines.
 */

interface Llhttp {
  readonly memory: { readonly buffer: ArrayBuffer }
  _initialize(): void
  malloc(bytes: number): number
  llhttp_alloc(type: number): number
  llhttp_free(parser: number): void
  llhttp_execute(parser: number, data: number, length: number): number
  llhttp_finish(parser: number): number
  llhttp_resume(parser: number): void
  llhttp_get_error_pos(parser: number): number
  llhttp_errno_name(errno: number): number
  llhttp_get_method(parser: number): number
  llhttp_get_http_major(parser: number): number
  llhttp_get_http_minor(parser: number): number
  llhttp_method_name(method: number): number
}

/** What is used of the JavaScript API of WebAssembly, which Node's own type definitions leave out. */
interface WebAssemblyApi {
  validate(code: Uint8Array): boolean
  Module: new (code: Uint8Array) => object
  Instance: new (module: object, imports: { readonly env: object }) => { readonly exports: unknown }
}

export interface MessageHead {
  /** Requests only. */
  readonly method: string
  /** Requests only: as received. */
  readonly target: string
  /** Responses only. */
  readonly status: number
  /** `1.1`, `1.0`. */
  readonly httpVersion: string
  /** Names and values in turn, as received. */
  readonly rawHeaders: readonly string[]
  /** Whether the sender lets the connection be used again after this message. */
  readonly keepAlive: boolean
  /** Bytes of the body as they were announced; undefined: it comes in chunks, or until the connection ends. */
  readonly bodyLength: number | undefined
}

export interface MessageParserLimits {
  /** A head, or trailers, that are larger end in `HEADERS_TOO_LARGE`. */
  readonly headerBytes: number
}

const TYPES = { request: 1, response: 2 } as const
const OK = 0
const PAUSED = 21
const PAUSED_UPGRADE = 22
/** llhttp's answers of a callback: no body follows; stop with an error. */
const NO_BODY = 1
const FAILED = -1
/** What stands between two pieces of a chunked body, extensions included. */
const CHUNK_OVERHEAD_BYTES = 16 * 1024
const FIRST_BUFFER_BYTES = 64 * 1024

const llhttp = instantiate()
let bufferAt = 0
let bufferBytes = 0
let buffer = new Uint8Array(0)
/** The parser that runs; no two can, as nothing of ours is called while one does. */
let current: MessageParser | undefined
let chunk: Buffer = Buffer.alloc(0)

function instantiate(): Llhttp {
  const load = createRequire(import.meta.url)
  const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyApi }
  const withSimd = load('undici/lib/llhttp/llhttp_simd-wasm.js') as Buffer
  const code = WebAssembly.validate(withSimd) ? withSimd : (load('undici/lib/llhttp/llhttp-wasm.js') as Buffer)
  const env = {
    wasm_on_message_begin: () => OK,
    wasm_on_status: () => OK,
    wasm_on_url: (_parser: number, at: number, length: number) => (current as MessageParser).onTarget(at, length),
    wasm_on_header_field: (_parser: number, at: number, length: number) =>
      (current as MessageParser).onName(at, length),
    wasm_on_header_value: (_parser: number, at: number, length: number) =>
      (current as MessageParser).onValue(at, length),
    wasm_on_headers_complete: (_parser: number, status: number, upgrade: number, keepAlive: number) =>
      (current as MessageParser).onHeaders(status, upgrade !== 0, keepAlive !== 0),
    wasm_on_body: (_parser: number, at: number, length: number) => (current as MessageParser).onBody(at, length),
    wasm_on_message_complete: () => (current as MessageParser).onComplete(),
  }
  const made = new WebAssembly.Instance(new WebAssembly.Module(code), { env }).exports as Llhttp
  made._initialize()
  return made
}

const methodNames: string[] = []

function methodName(code: number): string {
  methodNames[code] ??= textAt(llhttp.llhttp_method_name(code))
  return methodNames[code]
}

/** A C string in the parser's memory. */
function textAt(at: number): string {
  const memory = new Uint8Array(llhttp.memory.buffer)
  return Buffer.from(memory.subarray(at, memory.indexOf(0, at))).toString('latin1')
}

/** Where a piece that llhttp names lies in the chunk that it was given. */
function slice(at: number, length: number): string {
  return chunk.toString('latin1', at - bufferAt, at - bufferAt + length)
}

/** Reads the messages of one connection in one direction. */
export class MessageParser {
  /** The head that the last call completed. */
  head: MessageHead | undefined
  /** Pieces of the body that the last call brought; they share memory with the chunk. */
  readonly body: Buffer[] = []
  /** Whether the message ended with the last call. */
  complete = false
  /** Trailers of the message that ended. */
  trailers: readonly string[] = NO_HEADERS
  /** The sender wants to speak another protocol after this message, which cannot be read as HTTP then. */
  upgrade = false
  /** Set before the head of a response to HEAD comes: it has no body, whatever it says (RFC 9110 9.3.2). */
  skipBody = false
  /** Why `execute` failed: a name of llhttp's, HEADERS_TOO_LARGE or CHUNK_OVERHEAD. */
  failure = ''
  /** Whether a message has begun and not ended. */
  inMessage = false
  readonly #type: 'request' | 'response'
  readonly #limits: MessageParserLimits
  #parser: number
  #target = ''
  #raw: string[] = []
  #name = ''
  #value: string | undefined
  #headerBytes = 0
  #overheadBytes = 0
  #bodyEnd = 0
  #headDone = false
  /** What the head that is being read announces. */
  #bodyLength: number | undefined
  #chunked = false
  /** Bytes of a body of known length that are still to come: they are counted here, llhttp has no use for them. */
  #bodyLeft = 0
  #paused = false

  constructor(type: 'request' | 'response', limits: MessageParserLimits) {
    this.#type = type
    this.#limits = limits
    this.#parser = llhttp.llhttp_alloc(TYPES[type])
  }

  /**
   * Reads on, up to the end of a message at most.
   * @returns how many bytes were taken; -1 when this is not HTTP, see `failure`
   */
  execute(data: Buffer): number {
    this.#begin()
    if (this.#bodyLeft > 0) return this.#takeBody(data)
    chunk = data
    const parser = this.#parser
    if (data.length > bufferBytes) growBuffer(data.length)
    if (buffer.buffer !== llhttp.memory.buffer) buffer = new Uint8Array(llhttp.memory.buffer, bufferAt, bufferBytes)
    buffer.set(data)
    this.#bodyEnd = 0
    if (this.#paused) {
      this.#paused = false
      llhttp.llhttp_resume(parser)
    }
    if (!this.inMessage) this.inMessage = true
    current = this
    const errno = llhttp.llhttp_execute(parser, bufferAt, data.length)
    current = undefined
    if (errno === OK) return this.#countOverhead(data.length) ? data.length : FAILED
    if (errno === PAUSED || errno === PAUSED_UPGRADE) {
      this.#paused = true
      if (errno === PAUSED_UPGRADE) this.upgrade = true
      return llhttp.llhttp_get_error_pos(parser) - bufferAt
    }
    if (this.failure === '') this.failure = textAt(llhttp.llhttp_errno_name(errno))
    return FAILED
  }

  /** The connection ended. @returns whether that was a place where a message may end */
  finish(): boolean {
    if (!this.inMessage) return true
    if (this.#bodyLeft > 0) return false
    this.#begin()
    current = this
    const errno = llhttp.llhttp_finish(this.#parser)
    current = undefined
    return errno === OK || errno === PAUSED
  }

  /** Gives the parser's memory back; it must not be used any more. */
  free(): void {
    llhttp.llhttp_free(this.#parser)
    this.#parser = 0
  }

  #begin(): void {
    this.head = undefined
    this.complete = false
    if (this.body.length > 0) this.body.length = 0
  }

  #takeBody(data: Buffer): number {
    const taken = Math.min(data.length, this.#bodyLeft)
    this.body.push(taken === data.length ? data : data.subarray(0, taken))
    this.#bodyLeft -= taken
    if (this.#bodyLeft === 0) this.#end()
    return taken
  }

  #end(): void {
    this.complete = true
    this.inMessage = false
  }

  onTarget(at: number, length: number): number {
    this.#target += slice(at, length)
    return this.#countHeader(length)
  }

  onName(at: number, length: number): number {
    if (this.#value !== undefined) this.#pushHeader()
    this.#name += slice(at, length)
    return this.#countHeader(length)
  }

  onValue(at: number, length: number): number {
    const piece = slice(at, length)
    this.#value = this.#value === undefined ? piece : this.#value + piece
    return this.#countHeader(length)
  }

  onHeaders(status: number, upgrade: boolean, keepAlive: boolean): number {
    if (this.#value !== undefined) this.#pushHeader()
    const parser = this.#parser
    const rawHeaders = this.#raw
    this.#raw = []
    this.#headDone = true
    this.#headerBytes = 0
    this.upgrade = upgrade
    const isRequest = this.#type === 'request'
    const isBare = !isRequest && (this.skipBody || status < 200 || status === 204 || status === 304)
    // A request without a length has no body; a response without one ends with the connection (RFC 9112 6.3).
    const unsaid = isRequest && !this.#chunked ? 0 : undefined
    const bodyLength = isBare ? 0 : (this.#bodyLength ?? unsaid)
    const minor = llhttp.llhttp_get_http_minor(parser)
    this.head = {
      method: isRequest ? methodName(llhttp.llhttp_get_method(parser)) : '',
      target: this.#target,
      status,
      httpVersion: minor === 1 ? '1.1' : `${llhttp.llhttp_get_http_major(parser)}.${minor}`,
      rawHeaders,
      keepAlive,
      bodyLength,
    }
    this.#target = ''
    this.#bodyLength = undefined
    this.#chunked = false
    this.#bodyLeft = bodyLength ?? 0
    return bodyLength === undefined ? OK : NO_BODY
  }

  onBody(at: number, length: number): number {
    const start = at - bufferAt
    this.body.push(chunk.subarray(start, start + length))
    this.#bodyEnd = start + length
    this.#overheadBytes = 0
    return OK
  }

  onComplete(): number {
    if (this.#value !== undefined) this.#pushHeader()
    this.trailers = this.#raw.length === 0 ? NO_HEADERS : this.#raw
    if (this.#raw.length > 0) this.#raw = []
    if (this.#bodyLeft === 0) this.#end()
    this.#headDone = false
    this.#headerBytes = 0
    this.#overheadBytes = 0
    return PAUSED
  }

  #pushHeader(): void {
    const name = this.#name
    const value = withoutTrailingSpace(this.#value as string)
    // llhttp has checked that it is a number, that it is the only one, and that there is no Transfer-Encoding beside it.
    if (!this.#headDone) {
      if (name.length === 14 && name.toLowerCase() === 'content-length') this.#bodyLength = Number(value)
      else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') this.#chunked = true
    }
    this.#raw.push(name, value)
    this.#name = ''
    this.#value = undefined
  }

  #countHeader(length: number): number {
    this.#headerBytes += length
    if (this.#headerBytes <= this.#limits.headerBytes) return OK
    this.failure = 'HEADERS_TOO_LARGE'
    return FAILED
  }

  /** Chunk sizes, their extensions and trailers: bytes that bring nothing must not come without end. */
  #countOverhead(taken: number): boolean {
    if (!this.#headDone) return true
    this.#overheadBytes += taken - this.#bodyEnd
    if (this.#overheadBytes <= CHUNK_OVERHEAD_BYTES + this.#limits.headerBytes) return true
    this.failure = 'CHUNK_OVERHEAD'
    return false
  }
}

const NO_HEADERS: readonly string[] = []

/** White space behind a field's value is no part of it (RFC 9112 5.1). */
function withoutTrailingSpace(value: string): string {
  const last = value.charCodeAt(value.length - 1)
  return last === 0x20 || last === 0x09 ? value.trimEnd() : value
}

/** The memory that all parsers read from, one after the other. A smaller one that was outgrown is not given back. */
function growBuffer(needed: number): void {
  bufferBytes = FIRST_BUFFER_BYTES
  while (bufferBytes < needed) bufferBytes *= 2
  bufferAt = llhttp.malloc(bufferBytes)
  buffer = new Uint8Array(llhttp.memory.buffer, bufferAt, bufferBytes)
}
