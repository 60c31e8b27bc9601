import { sealed } from '../../../contract/digest.ts'
import { didYouMean } from '../../../contract/nearest.ts'
import type { TelemetryResource } from '../../../contract/snapshot.ts'
import { telemetryConfig } from '../../../contract/telemetry-config.ts'
import type { Gateway } from '../../api/gateway.ts'
import type { Problem } from '../../api/problem.ts'
import { problemAt } from '../findings.ts'
import type { Lookup } from '../lookup.ts'
import { compileTelemetry } from '../telemetry.ts'
import type { MergedParameters } from './gateway-parameters.ts'

/** The key under which a snapshot holds, or keeps, its telemetry. */
export const TELEMETRY_KEY = 'telemetry'

/** What compile found about a Gateway's telemetry. */
export interface TelemetryFindings {
  /** Undefined: held, the data plane keeps what it has. */
  readonly resource: TelemetryResource | undefined
  /** What `weir.dev/Telemetry` says; undefined when no ConfigMap is named. */
  readonly verdict: { readonly good: boolean; readonly reason: string } | undefined
  readonly problems: readonly Problem[]
}

/** The telemetry of a Gateway: what the ConfigMap says that its parameters name, defaults when they name none. */
export function findTelemetry(
  lookup: Lookup,
  gateway: Gateway,
  { configMapName, namedBy }: MergedParameters,
): TelemetryFindings {
  if (configMapName === undefined || namedBy === undefined) {
    return { resource: telemetryResource(telemetryConfig.parse({})), verdict: undefined, problems: [] }
  }
  const namespace = gateway.metadata.namespace ?? ''
  const configMap = lookup.find('ConfigMap', namespace, configMapName)
  if (configMap === undefined) {
    const message = `ConfigMap ${namespace}/${configMapName} not found`
    const advice = didYouMean(configMapName, lookup.names('ConfigMap', namespace))
    const problem = problemAt(namedBy.parameters, namedBy.path, 'ConfigMapNotFound', message, { advice })
    return { resource: undefined, verdict: { good: false, reason: 'ConfigMapNotFound' }, problems: [problem] }
  }
  const { config, hold, reason, problems } = compileTelemetry(configMap)
  return {
    resource: hold || config === undefined ? undefined : telemetryResource(config),
    verdict: { good: reason === 'Ok', reason },
    problems,
  }
}

function telemetryResource(config: TelemetryResource['config']): TelemetryResource {
  return sealed({ kind: 'telemetry', key: TELEMETRY_KEY, config })
}
