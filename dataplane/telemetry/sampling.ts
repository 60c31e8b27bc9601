import type { CelVariables, Program } from '../../contract/cel/program.ts'
import type { Profile, Sampling } from '../../contract/telemetry-config.ts'
import { newSpanId, newTraceId } from '../../runtime/ids.ts'
import type { TraceContext } from '../exchange.ts'
import { type CallerContext, RANDOM_TRACE_ID, SAMPLED } from './propagation.ts'

/** A decision that was made ready: a constant, a probability, or a program that yields either. */
export type Sampler = boolean | number | Program

/** Makes a configured decision ready. `compile` yields nothing for an expression that does not compile: never sampled. */
export function samplerOf(sampling: Sampling, compile: (source: string) => Program | undefined): Sampler {
  return typeof sampling === 'string' ? (compile(sampling) ?? false) : sampling
}

/** What a decision is made from; `variables` is called only for an expression. */
export interface SamplingInput {
  readonly variables: () => CelVariables
  /** Yields numbers from 0 up to, not including, 1. */
  readonly random: () => number
}

/**
 * Decides. A bool is itself; a number is a probability, cut to the range from 0 to 1; anything else that an expression
 * yields, and an expression that fails, is no.
 */
export function decide(sampler: Sampler, input: SamplingInput): boolean {
  if (typeof sampler === 'boolean') return sampler
  if (typeof sampler === 'number') return isHit(sampler, input.random)
  const result = sampler.evaluate(input.variables())
  if (!result.ok) return false
  if (typeof result.value === 'boolean') return result.value
  if (typeof result.value === 'number') return isHit(result.value, input.random)
  return typeof result.value === 'bigint' && result.value >= 1n
}

function isHit(probability: number, random: () => number): boolean {
  return probability >= 1 || (probability > 0 && random() < probability)
}

export interface Samplers {
  /** Decides when the caller sent no context. */
  readonly random: Sampler
  /** Decides when it did; profile documented only. */
  readonly client: Sampler
  readonly profile: Profile
}

/**
 * The context of the root span, or nothing: the request passes as it came.
 *
 * | | documented | semconv |
 * |---|---|---|
 * | who decides when the caller sent a context | `client`, whatever the flag | the caller's flag |
 * | sampled, with the caller's context | its flags; exported unless its sampled flag is off | sampled |
 * | sampled, without | sampled, exported | the same |
 * | not sampled | nothing | a context of its own that says so |
 */
export function rootContext(
  samplers: Samplers,
  caller: CallerContext | undefined,
  input: SamplingInput,
): TraceContext | undefined {
  if (samplers.profile === 'semconv') {
    const sampled = caller === undefined ? decide(samplers.random, input) : (caller.flags & SAMPLED) !== 0
    return context(caller, (sampled ? SAMPLED : 0) | ((caller?.flags ?? 0) & RANDOM_TRACE_ID))
  }
  if (!decide(caller === undefined ? samplers.random : samplers.client, input)) return undefined
  return context(caller, caller?.flags ?? SAMPLED)
}

function context(caller: CallerContext | undefined, flags: number): TraceContext {
  return {
    traceId: caller?.traceId ?? newTraceId(),
    spanId: newSpanId(),
    parentSpanId: caller?.spanId,
    flags,
    traceState: caller?.traceState,
    exported: (flags & SAMPLED) !== 0,
  }
}
