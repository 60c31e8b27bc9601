import { CONFIG_KEY } from '../../contract/names.ts'
import type { KubeObject } from '../api/inventory.ts'
import type { Problem, ProblemKind } from '../api/problem.ts'
import { refTo } from './findings.ts'

/** Where in config.yaml: names of keys and indices of lists, from the top. */
export type ConfigPath = readonly (string | number)[]

/** Something wrong with a place of config.yaml, before it is known which ConfigMap that came in. */
export interface ConfigFinding {
  readonly kind: ProblemKind
  readonly severity: Problem['severity']
  readonly path: ConfigPath
  /** The place inside an expression, or inside the whole text when the path is empty; 1-based. */
  readonly inner?: { readonly line: number; readonly column: number }
  /** The last name of the path is wrong, not its value. */
  readonly ofKey?: true
  readonly message: string
  readonly advice?: string
}

/** `tracing.fields.add["gen_ai.system"]`: names that are no plain words stand in brackets. */
export function formatConfigPath(path: ConfigPath): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`
      if (!/^[A-Za-z_$][\w$]*$/.test(step)) return `[${JSON.stringify(step)}]`
      return index === 0 ? step : `.${step}`
    })
    .join('')
}

/** The finding as a Problem of the ConfigMap: `data["config.yaml"].config.tracing…`. */
export function problemOf(configMap: KubeObject, finding: ConfigFinding): Problem {
  const { path, ...rest } = finding
  return { ...rest, at: refTo(configMap), path: formatConfigPath(['data', CONFIG_KEY, ...path]) }
}
