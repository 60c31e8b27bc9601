import fc from 'fast-check'
import { startMeter } from './meter.ts'
import { patternProblem, regexMatches, regexReplaceFirst } from './regex.ts'

beforeEach(startMeter)

/**
 * Patterns that mean the same to RE2 and to JavaScript: no group stands inside a repetition, and no `\B`, which to
 * JavaScript matches inside a character of two units.
 */
const patterns = fc.letrec<{ pattern: string; piece: string; atom: string }>((tie) => ({
  pattern: fc.oneof(
    { maxDepth: 3 },
    fc.array(tie('piece'), { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join('')),
    fc.tuple(tie('piece'), tie('piece')).map(([a, b]) => `(?:${a}|${b})`),
  ),
  piece: fc.oneof(
    { maxDepth: 3 },
    fc.tuple(tie('atom'), fc.constantFrom('', '*', '+', '?', '*?', '+?', '??', '{1,2}', '{2}?')).map(([a, b]) => a + b),
    fc.constantFrom('^', '$', '\\b'),
    tie('pattern').map((pattern) => `(${pattern})`),
  ),
  atom: fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\w', '\\d', '(?:ab)', 'é', '🎉'),
})).pattern

const texts = fc
  .array(fc.constantFrom('a', 'b', 'c', ' ', '1', 'é', '🎉', '\n'), { maxLength: 8 })
  .map((parts) => parts.join(''))

/** What a backtracking matcher puts in the place of the first match, groups without a part being empty. */
function replacedByJavaScript(text: string, pattern: string): string {
  return text.replace(new RegExp(pattern, 'u'), (...match: unknown[]) => {
    const groups = match.slice(
      0,
      match.findIndex((value) => typeof value === 'number'),
    ) as (string | undefined)[]
    return `<${groups.map((group) => group ?? '').join('|')}>`
  })
}

describe('regexReplaceFirst', () => {
  it('finds the match, and the groups, that a backtracking matcher finds', () => {
    fc.assert(
      fc.property(patterns, texts, (pattern, text) => {
        startMeter()
        const groups = new RegExp(`${pattern}|`, 'u').exec('')?.length ?? 1
        const replacement = `<${Array.from({ length: groups }, (_, index) => `$\{${index}}`).join('|')}>`
        expect(regexReplaceFirst(text, pattern, replacement)).toBe(replacedByJavaScript(text, pattern))
      }),
      { numRuns: 3000, seed: 20261121 },
    )
  })

  it('knows groups by number and by name, and dollar signs', () => {
    expect(regexReplaceFirst('key=value', '(?P<k>\\w+)=(?P<v>\\w+)', '$v:$' + '{k}$$$0')).toBe('value:key$key=value')
    expect(regexReplaceFirst('a', 'a', '$nothing[$1]$')).toBe('[]$')
  })

  it('replaces where nothing is matched, too', () => {
    expect(regexReplaceFirst('abc', 'x*', '-')).toBe('-abc')
    expect(regexReplaceFirst('', '^$', 'empty')).toBe('empty')
    expect(regexReplaceFirst('one\ntwo', '(?m)^t', 'T')).toBe('one\nTwo')
  })
})

describe('regexMatches', () => {
  it('agrees with JavaScript where the two mean the same', () => {
    fc.assert(
      fc.property(patterns, texts, (pattern, text) => {
        startMeter()
        expect(regexMatches(text, pattern)).toBe(new RegExp(pattern, 'u').test(text))
      }),
      { numRuns: 2000, seed: 20261121 },
    )
  })
})

describe('patternProblem', () => {
  it('says what is wrong', () => {
    expect(patternProblem('(a')).toContain('missing closing )')
    expect(patternProblem('a'.repeat(1001))).toBe('longer than 1000 characters')
    expect(patternProblem('(?i)^a+$')).toBeUndefined()
  })
})
