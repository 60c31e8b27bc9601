import { Agent } from 'node:http'
import { type AskOptions, ask } from '../support/client.ts'

export interface SteadyLoadOptions {
  readonly port: number
  readonly perSecond: number
  readonly request: Omit<AskOptions, 'agent'>
}

/** How often each status came; `cut` counts answers that broke off and requests that got none. */
export type Outcomes = ReadonlyMap<number | 'cut', number>

/** Requests that go on until they are stopped. */
export interface SteadyLoad {
  /** Requests sent so far. */
  readonly sent: number
  readonly outcomes: Outcomes
  /** Sends no more, and waits for the answers that are still to come. */
  stop(): Promise<void>
}

const TICK_MS = 10
/** Connections that are kept; requests beyond them wait in the client. */
const CONNECTIONS = 32

/** Sends requests at a rate, whether or not those before have been answered. */
export function startSteadyLoad({ port, perSecond, request }: SteadyLoadOptions): SteadyLoad {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const outcomes = new Map<number | 'cut', number>()
  const open = new Set<Promise<void>>()
  const startedMs = performance.now()
  let sent = 0
  const sendOne = async (): Promise<void> => {
    const outcome = await ask(port, { ...request, agent }).then(
      (answer) => answer.status,
      () => 'cut' as const,
    )
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  }
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedMs) * perSecond) / 1000)
    for (; sent < due; sent++) {
      const one = sendOne().finally(() => open.delete(one))
      open.add(one)
    }
  }, TICK_MS)
  return {
    get sent() {
      return sent
    },
    outcomes,
    stop: async () => {
      clearInterval(timer)
      await Promise.all(open)
      agent.destroy()
    },
  }
}
