import { GatewayError } from '../fault.ts'
import type { BudgetWaiter, CollectBudget } from './collect-budget.ts'
import type { Call } from './handler.ts'
import type { BodySink } from './transport.ts'

/** A request's whole body. */
export interface CollectedBody {
  /** Contiguous; empty when the request had no body. */
  readonly bytes: Buffer
  /**
   * Lets go of the bytes and gives them back to the budget, before the exchange is over (when it is, that happens by
   * itself). Then `bytes` is empty.
   */
  release(): void
}

const EMPTY = Buffer.alloc(0)
const FIRST_BYTES = 64 * 1024
/** How much a buffer grows when the body's length is announced: few copies, and little held for a client that stalls. */
const ANNOUNCED_GROWTH = 4
const UNKNOWN_GROWTH = 2

/**
 * Collects the body of a request, up to `maxBytes`, within the budget of all bodies. Calls `done` once, unless the
 * exchange ends before: with the body, with `request_too_large`, or with `overloaded` when the budget had no room in
 * time. Holds what it took from the budget until `release` or the end of the exchange; nothing after an error.
 * Puts the body into the exchange where `capture.requestBody` asks for it.
 */
export function collectBody(
  call: Call,
  budget: CollectBudget,
  maxBytes: number,
  done: (result: CollectedBody | GatewayError) => void,
): void {
  const announced = call.inbound.bodyLength
  if (announced !== undefined && announced > maxBytes) return done(tooLarge(maxBytes))
  if (announced !== undefined && announced > budget.largestBytes) return done(overloaded())
  const collector = new Collector(call, budget, maxBytes, done)
  call.whenOver(() => collector.release())
  if (announced === 0) collector.onEnd()
  else call.inbound.receive(collector)
}

class Collector implements BodySink, BudgetWaiter, CollectedBody {
  bytes: Buffer = EMPTY
  readonly #call: Call
  readonly #budget: CollectBudget
  readonly #maxBytes: number
  readonly #arrival: number
  #done: ((result: CollectedBody | GatewayError) => void) | undefined
  #receivedBytes = 0
  #heldBytes = 0
  /** The chunk that waits for room, and the room that it waits for. */
  #pending: Uint8Array | undefined
  #pendingBytes = 0

  constructor(
    call: Call,
    budget: CollectBudget,
    maxBytes: number,
    done: (result: CollectedBody | GatewayError) => void,
  ) {
    this.#call = call
    this.#budget = budget
    this.#maxBytes = maxBytes
    this.#done = done
    this.#arrival = budget.nextArrival()
  }

  onData(chunk: Uint8Array): void {
    if (this.#done === undefined) return
    const needed = this.#receivedBytes + chunk.length
    if (needed > this.#maxBytes) return this.#fail(tooLarge(this.#maxBytes))
    if (needed <= this.bytes.length) return this.#append(chunk)
    const capacity = this.#capacityFor(needed)
    const growth = capacity - this.#heldBytes
    if (this.#budget.take(growth, this.#heldBytes)) {
      this.#heldBytes = capacity
      return this.#append(chunk)
    }
    this.#pending = chunk
    this.#pendingBytes = growth
    this.#call.inbound.pause()
    this.#budget.wait(this, growth, this.#arrival)
  }

  onEnd(): void {
    const done = this.#done
    if (done === undefined) return
    this.#done = undefined
    this.bytes = this.bytes.subarray(0, this.#receivedBytes)
    if (this.#call.exchange.capture.requestBody) this.#call.exchange.request.body = this.bytes
    this.#tell(done, this)
  }

  onAbort(): void {
    this.#done = undefined
    this.release()
  }

  onGranted(): void {
    const chunk = this.#pending
    this.#heldBytes += this.#pendingBytes
    this.#pending = undefined
    if (chunk !== undefined) this.#append(chunk)
    this.#call.inbound.resume()
  }

  onTimeout(): void {
    this.#fail(overloaded())
  }

  release(): void {
    this.#done = undefined
    this.#pending = undefined
    this.#budget.leave(this)
    this.bytes = EMPTY
    const held = this.#heldBytes
    this.#heldBytes = 0
    if (held > 0) this.#budget.give(held)
  }

  #fail(error: GatewayError): void {
    const done = this.#done
    this.release()
    this.#call.inbound.resume()
    if (done !== undefined) this.#tell(done, error)
  }

  /** What `done` throws concerns its own request, not whoever gave the budget back or the timer that rang. */
  #tell(done: (result: CollectedBody | GatewayError) => void, result: CollectedBody | GatewayError): void {
    try {
      done(result)
    } catch (bug) {
      this.#call.fail(GatewayError.from(bug))
    }
  }

  /** A chunk that is the whole body is kept as it came; else it is copied into a buffer of the capacity that was taken. */
  #append(chunk: Uint8Array): void {
    if (this.#heldBytes > this.bytes.length) {
      if (this.#receivedBytes === 0 && chunk.length === this.#heldBytes) {
        this.bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
        this.#receivedBytes = chunk.length
        return
      }
      const larger = Buffer.allocUnsafeSlow(this.#heldBytes)
      larger.set(this.bytes.subarray(0, this.#receivedBytes))
      this.bytes = larger
    }
    this.bytes.set(chunk, this.#receivedBytes)
    this.#receivedBytes += chunk.length
  }

  #capacityFor(needed: number): number {
    const announced = this.#call.inbound.bodyLength
    if (announced !== undefined) {
      if (needed >= announced) return needed
      return Math.min(announced, Math.max(FIRST_BYTES, needed, this.bytes.length * ANNOUNCED_GROWTH))
    }
    return Math.min(this.#maxBytes, Math.max(FIRST_BYTES, needed, this.bytes.length * UNKNOWN_GROWTH))
  }
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError('request_too_large', `the request body is larger than ${maxBytes} bytes`)
}

function overloaded(): GatewayError {
  return new GatewayError('overloaded', 'too many request bodies are being received, try again', {
    headers: ['retry-after', '1'],
  })
}
