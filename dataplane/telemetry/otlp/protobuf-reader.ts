/** The bytes are not the protobuf message that they should be. */
export class MalformedProtobuf extends Error {}

/** Low three bits of a tag. */
export const WireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

/**
 * Reads protobuf's wire format field by field (protobuf.dev, "Encoding"). Every method throws {@link MalformedProtobuf}
 * rather than read beyond the end, so that bytes of strangers can be read.
 */
export class ProtobufReader {
  readonly #bytes: Buffer
  readonly #end: number
  #at: number

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#at = 0
    this.#end = bytes.byteLength
  }

  get done(): boolean {
    return this.#at >= this.#end
  }

  /** Field number × 8 + wire type. */
  tag(): number {
    const tag = Number(this.uint64())
    if (tag < 8 || tag > 0xffffffff) throw new MalformedProtobuf(`${tag} is no tag`)
    return tag
  }

  /** A varint as an unsigned 64-bit number. */
  uint64(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#take(1)] as number
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return BigInt.asUintN(64, value)
    }
    throw new MalformedProtobuf('a varint is longer than ten bytes')
  }

  /** A varint as a signed 64-bit number. */
  int64(): bigint {
    return BigInt.asIntN(64, this.uint64())
  }

  /** A varint of a 32-bit type or an enum, the upper half cut off as protobuf's parsers do. */
  int32(): number {
    return Number(BigInt.asIntN(32, this.uint64()))
  }

  fixed64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#take(8))
  }

  fixed32(): number {
    return this.#bytes.readUInt32LE(this.#take(4))
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#take(8))
  }

  /** A view, not a copy. */
  bytes(): Buffer {
    const size = Number(this.uint64())
    const start = this.#take(size)
    return this.#bytes.subarray(start, start + size)
  }

  string(): string {
    return this.bytes().toString('utf8')
  }

  message(): ProtobufReader {
    return new ProtobufReader(this.bytes())
  }

  /** Passes over the value that follows this tag. */
  skip(tag: number): void {
    switch (tag & 7) {
      case WireType.varint:
        this.uint64()
        break
      case WireType.fixed64:
        this.#take(8)
        break
      case WireType.bytes:
        this.bytes()
        break
      case WireType.fixed32:
        this.#take(4)
        break
      default:
        throw new MalformedProtobuf(`wire type ${tag & 7} is not known`)
    }
  }

  #take(size: number): number {
    const start = this.#at
    if (size > this.#end - start) throw new MalformedProtobuf('ends in the middle of a field')
    this.#at = start + size
    return start
  }
}
