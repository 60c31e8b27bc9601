import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ConformanceTest, EXTENSION_FILES, loadConformance } from './corpus.ts'
import { neutralText, sameNeutral } from './neutral.ts'
import { evaluateByWeir, variableOf } from './weir.ts'

/*
 * The official conformance tests (https://github.com/google/cel-spec, tests/simple), those that are about protobuf or
 * about the type checker alone left out. ratchet.json holds how many pass in each file: fewer is a failure here, more asks
 * for the file to be brought up to date.
 */

const ratchet = JSON.parse(readFileSync(join(import.meta.dirname, 'ratchet.json'), 'utf8')) as {
  readonly [file: string]: { readonly passed: number; readonly of: number }
}

/** What is wrong with weir's answer to a test; undefined when nothing is. */
function shortcoming({ id, expression, bindings, expected }: ConformanceTest): string | undefined {
  const variables = Object.fromEntries(bindings.map(([name, value, unsigned]) => [name, variableOf(value, unsigned)]))
  const actual = evaluateByWeir(expression, variables)
  const text = actual instanceof Error ? `an error (${actual.message})` : neutralText(actual)
  if (expected === undefined)
    return actual instanceof Error ? undefined : `${id}: ${expression} is ${text}, not an error`
  if (!(actual instanceof Error) && sameNeutral(expected, actual)) return undefined
  return `${id}: ${expression} is ${text}, not ${neutralText(expected)}`
}

describe('the official conformance tests', () => {
  const { tests, skipped } = loadConformance()
  const files = new Map<string, { passed: number; of: number; shortcomings: string[] }>()
  for (const test of tests) {
    const counts = files.get(test.file) ?? { passed: 0, of: 0, shortcomings: [] }
    files.set(test.file, counts)
    counts.of++
    const wrong = shortcoming(test)
    if (wrong === undefined) counts.passed++
    else counts.shortcomings.push(wrong)
  }

  it('are those that were counted', () => {
    expect(Object.keys(ratchet).sort()).toEqual([...files.keys()].sort())
    expect(tests.length).toBeGreaterThan(1600)
    expect(skipped).toBeLessThan(750)
  })

  for (const [file, { passed, of, shortcomings }] of files) {
    it(`${file}: ${passed} of ${of}`, () => {
      const recorded = ratchet[file]
      if (recorded?.passed === passed && recorded.of === of) return
      throw new Error(
        `${file}: ${passed} of ${of} pass, test/cel/ratchet.json says ${JSON.stringify(recorded)}.\n${shortcomings.join('\n')}`,
      )
    })
  }

  it('pass to 90.8 % of the core at least', () => {
    const core = [...files].filter(([file]) => !EXTENSION_FILES.has(file)).map(([, counts]) => counts)
    const passed = core.reduce((sum, counts) => sum + counts.passed, 0)
    const of = core.reduce((sum, counts) => sum + counts.of, 0)
    expect(passed / of).toBeGreaterThanOrEqual(0.908)
  })
})
