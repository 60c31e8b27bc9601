import { compileExpression } from './compile.ts'
import { celHeaders } from './data.ts'
import { CEL_VARIABLES, type CelVariable, type CelVariableType } from './environment.ts'
import { CelDuration, CelTimestamp, type CelValue, type CelVariables } from './program.ts'
import { snakeCase } from './spelling.ts'

/** A value as the data plane may set it, and what an expression then yields. */
const SAMPLES: { readonly [type in CelVariableType]: readonly [set: unknown, yielded: CelValue] } = {
  string: ['text', 'text'],
  int: [42, 42n],
  double: [0.5, 0.5],
  bool: [true, true],
  bytes: [new Uint8Array([1, 2]), new Uint8Array([1, 2])],
  timestamp: [new Date(Date.UTC(2026, 0, 1)), new CelTimestamp('2026-01-01T00:00:00Z')],
  duration: [1500, new CelDuration('1.5s')],
  headers: [celHeaders(['A', 'b']), { a: 'b' }],
  'list<string>': [['a'], ['a']],
  'list<map<string, string>>': [[{ role: 'user' }], [{ role: 'user' }]],
  'map<string, dyn>': [{ top_p: 0.9 }, { top_p: 0.9 }],
  dyn: [{ any: [1] }, { any: [1] }],
  group: [{}, {}],
}

interface Leaf {
  readonly path: readonly string[]
  readonly variable: CelVariable
}

function leavesOf(variable: CelVariable, above: readonly string[] = []): Leaf[] {
  const path = [...above, variable.name]
  if (variable.type !== 'group') return [{ path, variable }]
  return (variable.fields ?? []).flatMap((field) => leavesOf(field, path))
}

const leaves = CEL_VARIABLES.flatMap((variable) => leavesOf(variable))

function variablesWith(path: readonly string[], value: unknown): CelVariables {
  const [name = '', ...rest] = path
  return { [name]: rest.length === 0 ? value : variablesWith(rest, value) }
}

function evaluate(source: string, variables: CelVariables): CelValue | string {
  const compiled = compileExpression(source, { phase: 'end' })
  if (!compiled.ok) throw new Error(`${source}: ${compiled.problem.message}`)
  const result = compiled.program.evaluate(variables)
  return result.ok ? result.value : `failed: ${result.failure}`
}

describe('variables', () => {
  it('has a hundred or so', () => {
    expect(leaves.length).toBeGreaterThan(90)
  })

  for (const { path, variable } of leaves) {
    const camel = path.join('.')
    const snake = path.map(snakeCase).join('.')
    const [set, yielded] = SAMPLES[variable.type]

    it(`${camel} is read in both spellings, and with brackets`, () => {
      const variables = variablesWith(path, set)
      const [root, ...keys] = path.map(snakeCase)
      expect(evaluate(camel, variables)).toEqual(yielded)
      expect(evaluate(snake, variables)).toEqual(yielded)
      expect(evaluate(`${root}${keys.map((key) => `["${key}"]`).join('')}`, variables)).toEqual(yielded)
    })

    it(`${camel} is absent when nothing sets it`, () => {
      expect(evaluate(camel, {})).toBe('failed: no_such_key')
      expect(evaluate(`default(${snake}, "none")`, {})).toBe('none')
      if (path.length > 1) expect(evaluate(`has(${camel})`, {})).toBe(false)
    })

    it(`${camel} keeps to its phase`, () => {
      const compiled = compileExpression(snake, { phase: 'request' })
      if (variable.phase === 'request') expect(compiled.ok).toBe(true)
      else if (compiled.ok) throw new Error(`${snake} compiles for sampling`)
      else expect(compiled.problem.message).toMatch(/^'[\w.]+' is only known at the end of a request$/)
    })
  }

  it('reports a variable that is not built yet, and only such a one', () => {
    const compiled = compileExpression('  llm.cost.total > 1.0 && llm.inputTokens > 1', { phase: 'end' })
    if (!compiled.ok) throw new Error(compiled.problem.message)
    expect(compiled.notes).toEqual([
      { severity: 'info', message: "'llm.cost.total' is not built yet: it has no value", line: 1, column: 3 },
    ])
  })

  it('takes values of each type only', () => {
    for (const { path, variable } of leaves) {
      if (variable.type === 'dyn') continue
      const wrong = variable.type === 'string' ? 1 : 'wrong'
      expect(`${path.join('.')} ${evaluate(path.join('.'), variablesWith(path, wrong))}`).toBe(
        `${path.join('.')} failed: type_error`,
      )
    }
  })

  it('takes null for absent', () => {
    expect(evaluate('llm.requestModel', { llm: { requestModel: null } })).toBe('failed: no_such_key')
    expect(evaluate('llm.requestModel', { llm: null })).toBe('failed: no_such_key')
    expect(evaluate('has(jwt.sub)', { jwt: null })).toBe(false)
  })

  it('reads a getter only when its variable is read', () => {
    const read: string[] = []
    class Llm {
      get requestModel(): string {
        read.push('requestModel')
        return 'gpt'
      }
      get prompt(): unknown {
        read.push('prompt')
        return []
      }
    }
    const variables: CelVariables = {
      llm: new Llm(),
      get response(): unknown {
        read.push('response')
        return {}
      },
    }
    expect(evaluate('llm.requestModel', variables)).toBe('gpt')
    expect(read).toEqual(['requestModel'])
  })

  it('yields a group as a map of the fields that have a value, in the order of the table', () => {
    const backend = { type: 'ai', name: 'b', protocol: undefined, secret: 'not in the table' }
    expect(JSON.stringify(evaluate('backend', { backend }))).toBe('{"name":"b","type":"ai"}')
    expect(evaluate('toJson(backend)', { backend })).toBe('{"name":"b","type":"ai"}')
    expect(evaluate('apiKey', { apiKey: { team: 'x', key: 'k' } })).toEqual({ key: 'k', team: 'x' })
  })

  it('yields all of them by variables()', () => {
    const variables: CelVariables = { response: { code: 200 }, jwt: { sub: 'u' } }
    expect(evaluate('toJson(variables())', variables)).toBe('{"response":{"code":200},"jwt":{"sub":"u"}}')
    expect(evaluate('variables().response.code', variables)).toBe(200n)
  })
})
