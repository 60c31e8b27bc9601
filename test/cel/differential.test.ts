import { CONTEXTS, EXPRESSIONS, KNOWN_DIFFERENCES } from './differential-cases.ts'
import { type Neutral, neutralText, sameNeutral } from './neutral.ts'
import { evaluateByOracle } from './oracle.ts'
import { evaluateByWeir, variableOf } from './weir.ts'

/*
 * Expressions of the kind that users write, over the variables of real requests, evaluated by weir and by the most
 * conformant library that there is for JavaScript. Both must yield the same, or both nothing.
 */

function outcome(value: Neutral | Error): string {
  return value instanceof Error ? 'an error' : neutralText(value)
}

function differs(weir: Neutral | Error, oracle: Neutral | Error): boolean {
  if (weir instanceof Error || oracle instanceof Error) return weir instanceof Error !== oracle instanceof Error
  return !sameNeutral(oracle, weir)
}

describe('weir and the oracle', () => {
  for (const [name, context] of Object.entries(CONTEXTS)) {
    const variables = Object.fromEntries(Object.entries(context).map(([root, value]) => [root, variableOf(value)]))
    for (const expression of EXPRESSIONS) {
      const known = KNOWN_DIFFERENCES.find((one) => one.expression === expression && one.contexts.includes(name))
      it(`${known === undefined ? 'agree' : 'differ'} on ${expression} (${name})`, () => {
        const weir = evaluateByWeir(expression, variables)
        const oracle = evaluateByOracle(expression, context)
        const differ = differs(weir, oracle)
        if (differ !== (known !== undefined)) {
          throw new Error(`weir: ${outcome(weir)}; the oracle: ${outcome(oracle)}`)
        }
      })
    }
  }

  it('are asked about at least 150 expressions, each once', () => {
    expect(EXPRESSIONS.length).toBeGreaterThanOrEqual(150)
    expect(new Set(EXPRESSIONS).size).toBe(EXPRESSIONS.length)
    for (const { expression } of KNOWN_DIFFERENCES) expect(EXPRESSIONS).toContain(expression)
  })
})
