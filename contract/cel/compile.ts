import { arm } from './arm.ts'
import { CompiledProgram } from './compiled-program.ts'
import { parse } from './engine.ts'
import { CEL_ROOTS, CEL_VARIABLES } from './environment.ts'
import { isLibraryError } from './library.ts'
import { LIMITS } from './limits.ts'
import { type LinkTarget, link } from './link.ts'
import { CelMistake } from './mistake.ts'
import { problemAt, problemOfLibrary } from './problem.ts'
import type { CelPhase, CelProblem, CompileResult } from './program.ts'
import { selfTest } from './self-test.ts'

selfTest(compileFor)

const TARGETS: { readonly [phase in CelPhase]: LinkTarget } = {
  request: { names: CEL_ROOTS, variables: CEL_VARIABLES, phase: 'request' },
  end: { names: CEL_ROOTS, variables: CEL_VARIABLES, phase: 'end' },
}

/**
 * Compiles an expression of the telemetry configuration. Its names, functions and types are checked, so that what fails
 * at run time fails for what a request brought.
 */
export function compileExpression(source: string, options: { phase: CelPhase }): CompileResult {
  return compileFor(source, TARGETS[options.phase])
}

/** Compiles an expression over any set of variables. */
export function compileFor(source: string, target: LinkTarget): CompileResult {
  if (source.length > LIMITS.sourceLength) {
    const message = `the expression is longer than ${LIMITS.sourceLength} characters`
    return { ok: false, problem: problemAt(source, LIMITS.sourceLength, message) }
  }
  try {
    return prepare(source, target)
  } catch (error) {
    return { ok: false, problem: mistakeOf(source, error) }
  }
}

function prepare(source: string, target: LinkTarget): CompileResult {
  const parsed = parse(source)
  const { mentions, paths, notes } = link(parsed.ast, source, target)
  const checked = parsed.check()
  if (!checked.valid)
    throw isLibraryError(checked.error) ? checked.error : new CelMistake(uncheckable(checked.error), 0)
  const program = new CompiledProgram(source, mentions, parsed, arm(parsed.ast, paths))
  return { ok: true, program, notes: notes.map(({ name, offset }) => unbuiltNote(source, name, offset)) }
}

function unbuiltNote(source: string, name: string, offset: number): CelProblem {
  return { ...problemAt(source, offset, `'${name}' is not built yet: it has no value`), severity: 'info' }
}

/** The library's checker throws plain errors where it cannot decide between operators. */
function uncheckable(error: unknown): string {
  return `its types cannot be checked: ${error instanceof Error ? error.message : String(error)}`
}

function mistakeOf(source: string, error: unknown): CelProblem {
  if (error instanceof CelMistake) return problemAt(source, error.offset, error.message, error.advice)
  if (isLibraryError(error)) return problemOfLibrary(source, error)
  throw error
}
