import type { Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib'

/** Why the facts of an encoded answer are not known. */
export type UnreadReason = 'unknown_encoding' | 'too_large' | 'malformed'

/** What reads the decoded bytes. */
export interface DecodedReader {
  push(chunk: Buffer): void
  end(): void
}

/** A larger answer is a bomb, or nobody's chat. */
const MAX_DECODED_BYTES = 16 * 1024 * 1024
/** How much may wait to be decoded; the answer itself waits for nothing. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024

/**
 * Decodes a copy of an encoded answer beside its way to the client, on zlib's own threads, and hands it to a reader.
 * Bounded in what waits and in what comes out: beyond, and where the bytes are not what they are said to be, the
 * reader hears nothing more and the reason is told.
 */
export class DecodedCopy {
  readonly #reader: DecodedReader
  readonly #onUnread: (reason: UnreadReason) => void
  readonly #onOver: () => void
  readonly #encoding: string
  #decoder: Transform | undefined
  #decodedBytes = 0
  #over = false

  /**
   * @param encoding the answer's `content-encoding`
   * @param onOver called once, when nothing more will be read: some time after `end` or `close`
   */
  constructor(encoding: string, reader: DecodedReader, onUnread: (reason: UnreadReason) => void, onOver: () => void) {
    this.#encoding = encoding.trim().toLowerCase()
    this.#reader = reader
    this.#onUnread = onUnread
    this.#onOver = onOver
  }

  push(chunk: Buffer): Buffer {
    if (this.#over || chunk.length === 0) return chunk
    if (this.#decoder === undefined) this.#open(chunk[0] as number)
    const decoder = this.#decoder
    if (decoder === undefined) this.#stop('unknown_encoding')
    else if (decoder.writableLength + chunk.length > MAX_WAITING_BYTES) this.#stop('too_large')
    else decoder.write(chunk)
    return chunk
  }

  /** The answer is whole; what waits is still decoded. */
  end(): undefined {
    if (this.#decoder === undefined) this.#finish()
    else this.#decoder.end()
  }

  /** The answer will not become whole: what was not read by now is not read. */
  close(): void {
    if (this.#over) return
    this.#decoder?.destroy()
    this.#finish()
  }

  #open(firstByte: number): void {
    const decoder = decoderFor(this.#encoding, firstByte)
    if (decoder === undefined) return
    this.#decoder = decoder
    decoder.on('data', (decoded: Buffer) => this.#read(decoded))
    decoder.on('end', () => this.#finish())
    decoder.on('error', () => this.#stop('malformed'))
  }

  #read(decoded: Buffer): void {
    if (this.#over) return
    this.#decodedBytes += decoded.length
    if (this.#decodedBytes > MAX_DECODED_BYTES) this.#stop('too_large')
    else this.#reader.push(decoded)
  }

  #stop(reason: UnreadReason): void {
    if (this.#over) return
    this.#decoder?.destroy()
    this.#onUnread(reason)
    this.#finish()
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    this.#reader.end()
    this.#onOver()
  }
}

/** `deflate` is zlib's format, but some senders leave its header out (RFC 9110 8.4.1.2): the first byte tells. */
function decoderFor(encoding: string, firstByte: number): Transform | undefined {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip()
    case 'deflate':
      return (firstByte & 0x0f) === 8 ? createInflate() : createInflateRaw()
    case 'br':
      return createBrotliDecompress()
    case 'zstd':
      return createZstdDecompress()
    default:
      return undefined
  }
}
