import type { FlagValues } from './flags.ts'

export async function runDemoVerb(_flags: FlagValues): Promise<number> {
  return 2
}
