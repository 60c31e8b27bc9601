import type { FlagValues } from './flags.ts'
import { orMessage, type ServingSettings, servingSettings } from './serving-settings.ts'

/** Everything that the command line and the environment decide about a stand-alone gateway. */
export interface RunSettings extends ServingSettings {
  readonly paths: readonly string[]
  readonly namespace: string
}

/**
 * Reads the settings of `run` and `demo`.
 * @returns a message when a flag's value is wrong (exit code 2)
 */
export function readRunSettings(flags: FlagValues, env: NodeJS.ProcessEnv): RunSettings | string {
  return orMessage(() => ({
    paths: flags.list('file'),
    namespace: flags.text('namespace') ?? 'default',
    ...servingSettings(flags, env),
  }))
}
