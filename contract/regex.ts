import { RE2JS, RE2JSException } from '@bufbuild/re2'

/**
 * Regular expressions that users write in routes: RE2's syntax, whose matching time is linear in the text, so that no
 * pattern and no request can stall a worker. The controller checks them, the data plane runs them.
 */
export interface Regex {
  /** Whether the whole text matches, as if the pattern stood between `^` and `$`. */
  matches(text: string): boolean
}

/** @throws Error with the place of the mistake in its message; what {@link checkRegex} has let pass does not throw */
export function compileRegex(pattern: string): Regex {
  const compiled = RE2JS.compile(pattern)
  return { matches: (text) => compiled.testExact(text) }
}

/** Compiling takes time that grows with the square of the length; this is what Gateway API allows a header match. */
const MOST_CHARACTERS = 4096

/** What is wrong with a pattern; undefined when nothing is. */
export function checkRegex(pattern: string): string | undefined {
  if (pattern.length > MOST_CHARACTERS)
    return `a pattern has at most ${MOST_CHARACTERS} characters, not ${pattern.length}`
  return syntaxProblem(pattern)
}

/** What of a pattern is not RE2's syntax, whatever its length; undefined when all of it is. */
export function syntaxProblem(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern)
    return undefined
  } catch (error) {
    if (error instanceof RE2JSException) return error.message
    throw error
  }
}
