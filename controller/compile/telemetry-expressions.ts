import { compileExpression } from '../../contract/cel/compile.ts'
import type { CelPhase, CelProblem } from '../../contract/cel/program.ts'
import type { FieldConfig, Sampling } from '../../contract/telemetry-config.ts'
import type { ConfigFinding, ConfigPath } from './telemetry-finding.ts'

type Report = (finding: ConfigFinding) => void

/**
 * Whether an expression compiles; its problem and notes are reported.
 * @param consequence what it means that it does not, for the message
 */
export function compiles(
  source: string,
  phase: CelPhase,
  path: ConfigPath,
  consequence: string,
  report: Report,
): boolean {
  const result = compileExpression(source, { phase })
  if (!result.ok) {
    report(findingOf({ ...result.problem, message: `${result.problem.message}; ${consequence}` }, path))
    return false
  }
  for (const note of result.notes) report(findingOf(note, path))
  return true
}

function findingOf(problem: CelProblem, path: ConfigPath): ConfigFinding {
  const { severity, message, line, column, advice } = problem
  return {
    kind: 'Expression',
    severity,
    path,
    inner: { line, column },
    message,
    ...(advice === undefined ? {} : { advice }),
  }
}

/** The fields whose expressions compile, in order; of the others it is reported that they are left out. */
export function usableFields(
  entries: readonly (readonly [string, string])[],
  path: ConfigPath,
  report: Report,
): FieldConfig[] {
  return entries
    .filter(([name, source]) => compiles(source, 'end', [...path, name], `'${name}' is left out`, report))
    .map(([name, source]) => ({ name, expression: source }))
}

/**
 * A sampling decision as the snapshot has it: what is a constant, as one. Probabilities are brought between 0 and 1. An
 * expression that does not compile decides against sampling, as one that fails for a request does.
 */
export function samplingOf(value: Sampling, path: ConfigPath, report: Report): Sampling {
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') return probabilityOf(value, path, report)
  const text = value.trim()
  if (text === 'true' || text === 'false') return text === 'true'
  if (/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text)) return probabilityOf(Number(text), path, report)
  return compiles(value, 'request', path, 'it samples nothing', report) ? value : false
}

function probabilityOf(value: number, path: ConfigPath, report: Report): number {
  if (value >= 0 && value <= 1) return value
  const meant = value > 1 && value <= 100 ? `for ${value} percent write ${value / 100}` : undefined
  report({
    kind: 'InvalidField',
    severity: 'warning',
    path,
    message: `a probability is between 0 and 1: ${value} counts as ${value > 1 ? 1 : 0}`,
    ...(meant === undefined ? {} : { advice: meant }),
  })
  return value > 1 ? 1 : 0
}
