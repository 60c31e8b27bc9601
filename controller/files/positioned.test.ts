import type { Problem } from '../api/problem.ts'
import { positioned } from './positioned.ts'
import { readFiles } from './read.ts'

type Place = Pick<Problem, 'path'> & Partial<Pick<Problem, 'kind' | 'inner'>>

const CONFIG_MAP = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name: 'c' }

/** Where a problem of the object is put, as the text with `¶` before that character. */
function mark(text: string, place: Place, at = CONFIG_MAP): string {
  const problem: Problem = { kind: 'InvalidField', severity: 'error', message: 'x', ...place, at }
  const inventory = readFiles([{ path: 'x.yaml', text }], { namespace: 'default' })
  expect(inventory.problems).toEqual([])
  const { position } = positioned([problem], inventory)[0]!
  expect(position?.file).toBe('x.yaml')
  const lines = text.split('\n')
  const line = lines[position!.line - 1]!
  lines[position!.line - 1] = `${line.slice(0, position!.column - 1)}¶${line.slice(position!.column - 1)}`
  return lines.join('\n')
}

/** The place where `¶` stands must be found for the place in the text without it. */
function expectPlace(marked: string, place: Place, at = CONFIG_MAP): void {
  expect(mark(marked.replace('¶', ''), place, at)).toBe(marked)
}

const TRACING = 'data["config.yaml"].config.tracing'

/** A ConfigMap whose config.yaml is written as `value`. */
function configMap(value: string): string {
  return `# a comment\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  config.yaml: ${value}`
}

describe('positioned: fields of an object', () => {
  const route = (spec: string) =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\nspec:\n${spec}`
  const at = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', namespace: 'default', name: 'r' }

  it.each([
    ['a value', '  parentRefs:\n  - name: ¶edge\n', 'spec.parentRefs[0].name'],
    ['a value in brackets', '  parentRefs: [{name: a}, {name: ¶edge}]\n', 'spec.parentRefs[1].name'],
    ['an item', '  parentRefs:\n  - name: a\n  - ¶name: b\n    port: 1\n', 'spec.parentRefs[1]'],
    ['a list in brackets', '  parentRefs: ¶[{name: a}]\n', 'spec.parentRefs'],
    ['a block, by its name', '  ¶parentRefs:\n  - name: a\n', 'spec.parentRefs'],
    ['what is around a missing field', '  parentRefs:\n  - ¶name: a\n', 'spec.parentRefs[0].sectionName'],
    [
      'what is around a missing field, by its name',
      '  rules:\n  - ¶timeouts:\n      request: 1s\n',
      'spec.rules[0].timeouts.backendRequest',
    ],
    ['what is around a default', '  rules:\n  - ¶matches:\n    - {}\n', 'spec.rules[0].matches[5].path.value'],
  ])('finds %s', (_name, spec, path) => {
    expectPlace(route(spec), { path }, at)
  })

  it('finds the name of a field that has no business there', () => {
    expectPlace(route('  rules:\n  - ¶retry: {attempts: 2}\n'), { path: 'spec.rules[0].retry', kind: 'NotBuilt' }, at)
  })

  it('follows aliases and merge keys to where the value is written', () => {
    const text =
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, labels: &l {a: ¶x, b: z}, annotations: {<<: *l}}\ndata: *l\n'
    expectPlace(text, { path: 'data.a' })
    expectPlace(text, { path: 'metadata.annotations.a' })
  })

  it('finds a Secret’s data in its stringData', () => {
    const at = { apiVersion: 'v1', kind: 'Secret', namespace: 'default', name: 's' }
    expectPlace(
      'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  Authorization: ¶""\n',
      { path: 'data.Authorization' },
      at,
    )
    expectPlace(
      'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n¶stringData:\n  auth: x\n',
      { path: 'stringData.Authorization' },
      at,
    )
  })

  it('finds the item of a List, and an object by another version of its group', () => {
    const list =
      'apiVersion: v1\nkind: List\nitems:\n- apiVersion: gateway.networking.k8s.io/v1beta1\n  kind: HTTPRoute\n  metadata: {name: r}\n  spec: {hostnames: [¶a.b]}\n'
    expectPlace(list, { path: 'spec.hostnames[0]' }, at)
  })

  it('leaves alone what it does not know, puts it last, and orders the rest by place', () => {
    const text = `${route('  hostnames: [a.b]\n')}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n`
    const inventory = readFiles([{ path: 'x.yaml', text }], { namespace: 'default' })
    const problem = (name: string, path: string): Problem => ({
      kind: 'InvalidField',
      severity: 'error',
      message: '',
      path,
      at: { ...CONFIG_MAP, name },
    })
    const problems = positioned(
      [problem('nobody', ''), problem('c', 'metadata.name'), problem('other', 'kind')],
      inventory,
    )
    expect(problems.map(({ at: { name }, position }) => [name, position?.line])).toEqual([
      ['other', 2],
      ['c', 13],
      ['nobody', undefined],
    ])
  })
})

describe('positioned: the YAML in a ConfigMap', () => {
  it.each([
    ['literal', '|\n    config:\n      tracing:\n        otlpEndpoint: ¶http://x\n'],
    [
      'literal, stripped, indented further',
      '|-\n        config:\n          tracing:\n            otlpEndpoint: ¶http://x\n',
    ],
    [
      'literal with a comment and blank lines',
      '|+ # text\n\n    # said\n    config:\n\n      tracing:\n        otlpEndpoint: ¶http://x\n\n',
    ],
    [
      'literal with an indentation indicator',
      '|2\n      config:\n        tracing:\n          otlpEndpoint: ¶http://x\n',
    ],
    [
      'literal that begins with a document marker',
      '|\n    # first\n    ---\n    config:\n      tracing:\n        otlpEndpoint: ¶http://x\n',
    ],
    ['folded', '>\n    config: {tracing:\n    {otlpEndpoint: ¶"http://x"}}\n'],
    ['single-quoted', "'config: {tracing: {otlpEndpoint: ¶''http://x''}}'\n"],
    ['double-quoted', '"config:\\n  tracing:\\n    otlpEndpoint: ¶http://x\\n"\n'],
    ['no map at all', '¶text\n'],
  ])('finds a value in a text that is %s', (_name, value) => {
    expectPlace(configMap(value), { path: `${TRACING}.otlpEndpoint` })
  })

  it('finds the name of a key that is unknown, and what is around one that is missing', () => {
    const text = configMap('|\n    config:\n      ¶tracing:\n        otlpEndpont: x\n')
    expectPlace(text, { path: `${TRACING}.otlpEndpoint` })
    expectPlace(configMap('|\n    config:\n      tracing:\n        ¶otlpEndpont: x\n'), {
      path: `${TRACING}.otlpEndpont`,
      kind: 'UnknownField',
    })
  })

  it('finds a place in the text itself, where its YAML is broken', () => {
    const place = { path: 'data["config.yaml"]', inner: { line: 3, column: 2 } }
    expectPlace(configMap('|-\n    config:\n      tracing:\n     ¶bad: [\n'), place)
  })

  it('finds a list item, and a file with Windows line ends', () => {
    const text = configMap(
      '|\n    config:\n      tracing:\n        exporters:\n        - name: a\n        - name: ¶b\n',
    )
    expectPlace(text, { path: `${TRACING}.exporters[1].name` })
    expectPlace(text.replaceAll('\n', '\r\n'), { path: `${TRACING}.exporters[1].name` })
  })
})

describe('positioned: inside an expression', () => {
  const attribute = { path: `${TRACING}.fields.add["gen_ai.system"]`, inner: { line: 1, column: 5 } }
  const fields = (value: string) =>
    `|\n    config:\n      tracing:\n        fields:\n          add:\n            gen_ai.system: ${value}\n`

  it.each([
    ['plain', 'llm.¶provdier'],
    ['single-quoted', "'llm.¶provdier'"],
    ['double-quoted', '"llm.¶provdier"'],
    ['literal', '|-\n              llm.¶provdier'],
    ['folded', '>-\n              llm.¶provdier'],
  ])('finds the character when the expression is %s', (_name, value) => {
    expectPlace(configMap(fields(value)), attribute)
  })

  it('finds it behind quotes that are doubled or escaped', () => {
    const inner = { line: 1, column: 8 }
    expectPlace(configMap(fields("'''a'' + ''¶b'''")), { ...attribute, inner })
    expectPlace(configMap(fields('"\\"a\\" + \\"¶b\\""')), { ...attribute, inner })
  })

  it('finds it on a later line, by the line and column of the expression', () => {
    const inner = { line: 2, column: 4 }
    expectPlace(configMap(fields('|-\n              a +\n                 ¶b')), { ...attribute, inner })
  })

  it('finds it through two layers of quotes', () => {
    const text = '"config: {tracing: {fields: {add: {gen_ai.system: \'llm.¶provdier\'}}}}"\n'
    expectPlace(configMap(text), attribute)
  })

  it('finds it in an expression of an object of ours', () => {
    const at = { apiVersion: 'gateway.kgateway.dev/v1alpha1', kind: 'Backend', namespace: 'default', name: 'b' }
    const text = `apiVersion: gateway.kgateway.dev/v1alpha1
kind: Backend
metadata: {name: b}
spec:
  type: Static
  static: {hosts: [{host: h, port: 1}]}
  health:
    unhealthyCondition: >
      response.code >= 500 ||
      ¶respnse.code == 429
`
    expectPlace(text, { path: 'spec.health.unhealthyCondition', inner: { line: 1, column: 25 } }, at)
  })

  it('stays inside when the place is beyond the end', () => {
    expectPlace(configMap(fields('llm.x¶')), { ...attribute, inner: { line: 9, column: 99 } })
  })
})
