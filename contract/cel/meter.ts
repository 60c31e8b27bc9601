import { BUDGET_EXCEEDED } from './fault.ts'
import { LIMITS } from './limits.ts'

/** Evaluation is synchronous and not re-entrant, so one counter serves all programs. */
let stepsLeft = 0

/** Begins an evaluation with a full budget. */
export function startMeter(): void {
  stepsLeft = LIMITS.steps
}

/** Takes steps from the budget. @throws CelFault when none are left */
export function charge(steps: number): void {
  stepsLeft -= steps
  if (stepsLeft < 0) throw BUDGET_EXCEEDED
}

/**
 * Whether the budget was overdrawn. `||` and `&&` may swallow the error that said so, because a decided operand makes the
 * other one's error irrelevant; the evaluation has failed all the same.
 */
export function meterOverdrawn(): boolean {
  return stepsLeft < 0
}

/** Pays for reading a text of this many characters, a step for every 128. */
export function chargeReading(characters: number): void {
  if (characters >= 128) charge(characters >> 7)
}

/** Pays for building a text. @throws CelFault when it is longer than a text may be */
export function chargeText(characters: number): void {
  if (characters > LIMITS.textLength) overdraw()
  if (characters >= 256) charge(characters >> 8)
}

/** Pays for building a list. @throws CelFault when it is longer than a list may be */
export function chargeList(elements: number): void {
  if (elements > LIMITS.listLength) overdraw()
  if (elements >= 8) charge(elements >> 3)
}

function overdraw(): never {
  stepsLeft = -1
  throw BUDGET_EXCEEDED
}
