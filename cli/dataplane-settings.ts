import { hostname } from 'node:os'
import type { ControllerEndpoint } from '../dataplane/sync/push-client.ts'
import { workerCount } from '../dataplane/workers/worker-count.ts'
import type { FlagValues } from './flags.ts'
import { given, orMessage, type ServingSettings, servingSettings, WrongFlag, wholeNumber } from './serving-settings.ts'

/** Everything that the command line and the environment decide about a data-plane pod. */
export interface DataPlanePodSettings extends ServingSettings {
  /** `namespace/name` of the Gateway that it serves. */
  readonly gateway: string
  /** The pod's name. */
  readonly pod: string
  readonly controller: ControllerEndpoint
  /** Where the newest configuration is kept; absent: nowhere. */
  readonly cacheFile: string | undefined
  readonly workers: number
  /** Of {@link drainMs}: how long connections are still taken. */
  readonly drainWaitMs: number
}

/** More workers than any machine has use for are a slip of the finger. */
const MAX_WORKERS = 256

/**
 * Reads the settings of `dataplane`.
 * @returns a message when a flag's value is wrong or one lacks (exit code 2)
 */
export function readDataPlaneSettings(flags: FlagValues, env: NodeJS.ProcessEnv): DataPlanePodSettings | string {
  return orMessage(() => {
    const gateway = gatewayName(given(flags, 'dataplane', 'gateway', 'GATEWAY'))
    const address = given(flags, 'dataplane', 'controller', 'CONTROLLER_ADDRESS')
    const serving = servingSettings(flags, env)
    const workers = flags.text('workers')
    return {
      ...serving,
      gateway,
      pod: flags.text('pod-name') ?? hostname(),
      controller: {
        address,
        serverName: flags.text('controller-server-name') ?? hostOf(address),
        caFile: flags.text('controller-ca') as string,
        tokenFile: flags.text('controller-token') as string,
      },
      cacheFile: flags.text('cache'),
      workers: workers === undefined ? workerCount(env) : workerNumber(workers),
      drainWaitMs: Math.min(wholeNumber('drain-wait', flags.text('drain-wait') as string) * 1000, serving.drainMs),
    }
  })
}

function gatewayName(text: string): string {
  if (!/^[^/\s]+\/[^/\s]+$/.test(text)) throw new WrongFlag(`--gateway: '${text}' is written NAMESPACE/NAME`)
  return text
}

function workerNumber(text: string): number {
  const count = wholeNumber('workers', text)
  if (count < 1 || count > MAX_WORKERS) throw new WrongFlag(`--workers: '${text}' is not from 1 to ${MAX_WORKERS}`)
  return count
}

function hostOf(address: string): string {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address)
  if (match === null) throw new WrongFlag(`--controller: '${address}' is written HOST:PORT`)
  return (match[1] ?? match[2]) as string
}
