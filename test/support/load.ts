import { Agent } from 'node:http'
import { type AskOptions, ask } from './client.ts'

export interface LoadOptions {
  readonly port: number
  readonly count: number
  /** Requests at once at most, each on a connection that is kept. */
  readonly concurrency: number
  /** What to send as the request of that number, from 0. */
  readonly request: (number: number) => Omit<AskOptions, 'agent'>
}

/**
 * Sends so many requests, always `concurrency` at once.
 * @returns how often each status came; `cut` counts answers that broke off and requests that got none
 */
export async function sendLoad(options: LoadOptions): Promise<ReadonlyMap<number | 'cut', number>> {
  const agent = new Agent({ keepAlive: true, maxSockets: options.concurrency })
  const outcomes = new Map<number | 'cut', number>()
  let next = 0
  const sendOneAfterTheOther = async (): Promise<void> => {
    while (next < options.count) {
      const outcome = await ask(options.port, { ...options.request(next++), agent }).then(
        (answer) => answer.status,
        () => 'cut' as const,
      )
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: options.concurrency }, sendOneAfterTheOther))
  agent.destroy()
  return outcomes
}
