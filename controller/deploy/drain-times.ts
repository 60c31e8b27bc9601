import type { PodParameters } from '../api/gateway-parameters.ts'

/** Until whoever sends traffic to a pod has noticed that it is no longer ready. */
const WAIT_SECONDS = 5
/** What requests in flight get after that: streams of models last longest. */
const REQUEST_SECONDS = 60
/** What is left when the last request is done: sending the last spans, ending the processes. */
const END_SECONDS = 10

/** How a pod leaves, in seconds from the signal. */
export interface DrainTimes {
  /** So long it takes new connections, unready. */
  readonly waitSeconds: number
  /** So long requests in flight may go on; the wait is a part of it. */
  readonly drainSeconds: number
  /** So long Kubernetes lets it live. */
  readonly graceSeconds: number
}

/**
 * A grace period that the parameters give is kept, and what happens in it is fitted in; without one it is as long as the
 * rest needs. The process itself waits after the signal: a preStop hook would need a program for it in the image.
 */
export function drainTimes({ gracefulShutdown, terminationGracePeriodSeconds }: PodParameters = {}): DrainTimes {
  const asked = gracefulShutdown?.enabled === false ? 0 : (gracefulShutdown?.sleepTimeSeconds ?? WAIT_SECONDS)
  const graceSeconds = terminationGracePeriodSeconds ?? asked + REQUEST_SECONDS + END_SECONDS
  // Of a grace period that is hardly longer than the end takes, requests still get half.
  const drainSeconds = Math.max(graceSeconds - END_SECONDS, Math.floor(graceSeconds / 2))
  return { waitSeconds: Math.min(asked, drainSeconds), drainSeconds, graceSeconds }
}
