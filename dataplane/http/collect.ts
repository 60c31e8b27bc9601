import { GatewayError } from '../fault.ts'
import { BodyPieces } from './body-pieces.ts'
import type { BudgetWaiter, CollectBudget } from './collect-budget.ts'
import type { Call } from './handler.ts'
import type { BodySink } from './transport.ts'

/** A request's whole body. */
export interface CollectedBody {
  /** Empty when the request had no body. */
  readonly body: BodyPieces
  /**
   * Lets go of the bytes and gives them back to the budget, before the exchange is over (when it is, that happens by
   * itself). Then `body` is empty.
   */
  release(): void
}

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
  body = new BodyPieces()
  readonly #call: Call
  readonly #budget: CollectBudget
  readonly #maxBytes: number
  readonly #arrival: number
  #done: ((result: CollectedBody | GatewayError) => void) | undefined
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
    if (this.body.length + chunk.length > this.#maxBytes) return this.#fail(tooLarge(this.#maxBytes))
    const expected = this.#expected()
    const growth = this.body.growth(chunk.length, expected)
    if (growth === 0 || this.#budget.take(growth, this.#heldBytes)) {
      this.#heldBytes += growth
      this.body.append(chunk, expected)
      return
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
    this.body.end()
    if (this.#call.exchange.capture.requestBody) this.#call.exchange.request.body = this.body.joined()
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
    if (chunk !== undefined) this.body.append(chunk, this.#expected())
    this.#call.inbound.resume()
  }

  onTimeout(): void {
    this.#fail(overloaded())
  }

  release(): void {
    this.#done = undefined
    this.#pending = undefined
    this.#budget.leave(this)
    this.body = new BodyPieces()
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

  /** How many bytes are still to come, as far as that is known. */
  #expected(): number {
    return (this.#call.inbound.bodyLength ?? this.#maxBytes) - this.body.length
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
