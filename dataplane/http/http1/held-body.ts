/** Takes a body piece by piece, when it can. */
export interface BodyReceiver {
  /** Whether it takes something now; asked again after each piece. */
  readonly takesBody: boolean
  onPiece(piece: Uint8Array): void
  onBodyEnd(trailers: readonly string[]): void
}

/**
 * Hands a body on in its order, and holds what comes while the receiver takes nothing: at most what one read of the socket
 * brings, as the socket is paused then.
 */
export class HeldBody {
  readonly #receiver: BodyReceiver
  #pieces: Uint8Array[] | undefined
  #trailers: readonly string[] | undefined

  constructor(receiver: BodyReceiver) {
    this.#receiver = receiver
  }

  /** Whether the body's end has come and was not handed on yet. */
  get ended(): boolean {
    return this.#trailers !== undefined
  }

  push(piece: Uint8Array): void {
    if (this.#pieces === undefined && this.#receiver.takesBody) return this.#receiver.onPiece(piece)
    this.#pieces ??= []
    this.#pieces.push(piece)
  }

  end(trailers: readonly string[]): void {
    this.#trailers = trailers
    this.handOn()
  }

  /** The receiver may take something again. */
  handOn(): void {
    const pieces = this.#pieces
    while (pieces !== undefined && pieces.length > 0) {
      if (!this.#receiver.takesBody) return
      this.#receiver.onPiece(pieces.shift() as Uint8Array)
    }
    this.#pieces = undefined
    const trailers = this.#trailers
    if (trailers === undefined || !this.#receiver.takesBody) return
    this.#trailers = undefined
    this.#receiver.onBodyEnd(trailers)
  }

  /** Nobody wants the rest. */
  drop(): void {
    this.#pieces = undefined
    this.#trailers = undefined
  }
}
