import { CONFIG_KEY } from '../../contract/names.ts'
import { didYouMean } from '../../contract/nearest.ts'
import type { TelemetryConfig } from '../../contract/telemetry-config.ts'
import type { KubeObject } from '../api/inventory.ts'
import type { Problem } from '../api/problem.ts'
import { problemAt } from './findings.ts'
import { checkExporters } from './telemetry-exporters.ts'
import { type ConfigFinding, problemOf } from './telemetry-finding.ts'
import { normaliseConfig } from './telemetry-normalise.ts'
import { checkStructure } from './telemetry-structure.ts'
import { parseConfigText } from './telemetry-text.ts'

/** What a tracing ConfigMap comes to. */
export interface CompiledTelemetry {
  /** Absent when `hold`. */
  readonly config?: TelemetryConfig
  /** The ConfigMap says nothing usable: what ran before goes on. */
  readonly hold: boolean
  /** The reason of the condition `weir.dev/Telemetry`. */
  readonly reason: 'Ok' | 'KeyNotFound' | 'Invalid' | 'PartiallyInvalid'
  readonly problems: readonly Problem[]
}

/**
 * Compiles the `config.yaml` of a tracing ConfigMap. Broken YAML, unknown keys, wrong values and bad endpoints make it
 * invalid as a whole, and what ran before is held; an expression that does not compile is left out, and the rest is
 * new. Paths of problems go on inside the text (`data["config.yaml"].config.tracing…`).
 */
export function compileTelemetry(configMap: KubeObject): CompiledTelemetry {
  const text = configMap.data?.[CONFIG_KEY]
  if (text === undefined) return keyNotFound(configMap)
  const parsed = parseConfigText(text)
  if (!parsed.ok) return invalid(configMap, parsed.findings)
  const { file, findings } = checkStructure(parsed.value)
  if (file === undefined) return invalid(configMap, findings)
  const found = [...findings, ...(file.config?.tracing === undefined ? [] : checkExporters(file.config.tracing))]
  if (found.some(isError)) return invalid(configMap, found)
  const { config, findings: left } = normaliseConfig(file, parsed.value)
  return {
    config,
    hold: false,
    reason: left.some(isError) ? 'PartiallyInvalid' : 'Ok',
    problems: [...found, ...left].map((finding) => problemOf(configMap, finding)),
  }
}

function isError(finding: ConfigFinding): boolean {
  return finding.severity === 'error'
}

function invalid(configMap: KubeObject, findings: readonly ConfigFinding[]): CompiledTelemetry {
  return { hold: true, reason: 'Invalid', problems: findings.map((finding) => problemOf(configMap, finding)) }
}

function keyNotFound(configMap: KubeObject): CompiledTelemetry {
  const advice = didYouMean(CONFIG_KEY, Object.keys(configMap.data ?? {}))
  const problem = problemAt(configMap, 'data', 'ConfigKeyNotFound', `has no key '${CONFIG_KEY}'`, { advice })
  return { hold: true, reason: 'KeyNotFound', problems: [problem] }
}
