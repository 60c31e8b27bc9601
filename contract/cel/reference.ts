import { CEL_VARIABLES, type CelVariable } from './environment.ts'
import type { CelFunction, Overload } from './functions/table.ts'
import { CEL_FUNCTION_GROUPS, spellingsOf } from './functions.ts'
import { LIMITS } from './limits.ts'
import { snakeCase } from './spelling.ts'

const INTRODUCTION = `# Expressions

Span attributes, log fields, metric labels, filters and sampling are written in
[CEL](https://github.com/google/cel-spec), the Common Expression Language. This page is generated from the tables that
the gateway itself works with.

An expression yields a value or nothing. It yields nothing when something that it reads is absent, or when a function
fails; the attribute is then left out, nothing else changes, and \`/metrics\` counts it. Names, functions and types are
checked when the configuration is read: a name that does not exist is reported with its line, its column and the nearest
name that does.

* Every variable and function has two spellings, camelCase and snake_case: \`llm.requestModel\` is \`llm.request_model\`,
  \`flattenRecursive\` is \`flatten_recursive\`. Keys of data (headers, claims, \`llm.params\`, JSON) have one.
* A key that is no name is read with brackets: \`request.headers["x-tenant"]\`. The spelling of a variable counts for
  keys in quotes, too; a key that is computed, and a field below a name that \`with\` gives, need the camelCase one.
* \`default(x, y)\` gives \`y\` where \`x\` is absent, \`has(x.y)\` asks whether it is there.
* Numbers of JSON are doubles. Ints and doubles may be mixed in comparisons and arithmetic; the result is a double.
* The branches of \`c ? a : b\` may have different types.
* Timestamps are kept in milliseconds.
`

function variableRows(variable: CelVariable, prefix: string, context = ''): string[] {
  const name = `${prefix}${variable.name}`
  const snake = `${snakeCase(prefix)}${snakeCase(variable.name)}`
  if (variable.type === 'group') {
    const inner = prefix === '' ? '' : `${variable.doc}: `
    return (variable.fields ?? []).flatMap((field) => variableRows(field, `${name}.`, inner))
  }
  const spellings = snake === name ? `\`${name}\`` : `\`${name}\`<br>\`${snake}\``
  const when = variable.phase === 'request' ? 'always' : 'at the end'
  const type = variable.type === 'headers' ? 'map<string, dyn>' : variable.type
  return [
    `| ${spellings} | \`${type}\` | ${when} | ${context}${variable.doc}${variable.built ? '' : ' (not built yet: absent)'} |`,
  ]
}

function variableSection(variable: CelVariable): string {
  const rows = variableRows(variable, '')
  const spelled = snakeCase(variable.name) === variable.name ? '' : `, \`${snakeCase(variable.name)}\``
  const open = variable.open
    ? `\n\nAny other key may be read below \`${variable.name}\`${variable.built ? '' : '; not built yet, so that all are absent'}.`
    : ''
  const table = rows.length === 0 ? '' : `\n\n| name | type | known | |\n|---|---|---|---|\n${rows.join('\n')}`
  return `### \`${variable.name}\`${spelled}\n\n${capital(variable.doc)}.${open}${table}\n`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** Names of arguments that are not evaluated, by the name of the function. */
const MACRO_ARGUMENTS: { readonly [name: string]: readonly string[] } = {
  has: ['field'],
  default: ['value', 'fallback'],
  with: ['name', 'expression'],
  mapValues: ['name', 'expression'],
  map: ['name', 'condition', 'expression'],
}

function argumentsOf(known: CelFunction, overload: Overload): string {
  if (!overload.parameters.includes('ast')) return overload.parameters.join(', ')
  const names = MACRO_ARGUMENTS[known.name] ?? (overload.receiver === undefined ? [] : ['name', 'condition'])
  const named = overload.parameters.map((_, index) => names[index] ?? 'value')
  if (known.name === 'map' && named.length === 2) named[1] = 'expression'
  return named.join(', ')
}

/** A signature as a reader expects it; what differs only in how many arguments it takes is written once. */
function signatures(known: CelFunction): string[] {
  const { overloads } = known
  const written = (overload: Overload): string => {
    const receiver = overload.receiver === undefined ? '' : `${overload.receiver}.`
    return `\`${receiver}${known.name}(${argumentsOf(known, overload)}) → ${overload.returns}\``
  }
  if (overloads.length === LIMITS.variadicArguments) {
    return [`\`${known.name}(value, …) → ${(overloads[0] as Overload).returns}\``]
  }
  return [...new Set(overloads.map(written))]
}

function functionRow(known: CelFunction): string {
  const [, ...others] = spellingsOf(known)
  const also = others.length === 0 ? '' : `<br>also ${others.map((name) => `\`${name}\``).join(', ')}`
  const [expression, value] = known.example
  const example = value === undefined ? expression : `${expression} → ${value}`
  const cells = [signatures(known).join('<br>') + also, known.doc, `\`${example}\``]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function functionSections(): string {
  return CEL_FUNCTION_GROUPS.map(
    ({ title, functions }) =>
      `### ${title}\n\n| function | what it yields | example |\n|---|---|---|\n${functions.map(functionRow).join('\n')}\n`,
  ).join('\n')
}

function limitSection(): string {
  const rows: readonly (readonly [string, string | number])[] = [
    ['characters of an expression', LIMITS.sourceLength],
    ['nodes of its syntax tree', LIMITS.nodes],
    ['depth of its brackets', LIMITS.depth],
    ['elements of a list, entries of a map that are written out', LIMITS.listElements],
    ['arguments of a call', LIMITS.arguments],
    ['loops (`map`, `filter`, `all` …) inside each other', LIMITS.loopDepth],
    ['characters of a regular expression', LIMITS.patternLength],
    ['steps of an evaluation: turns of loops, and work on long texts and lists', LIMITS.steps],
    ['elements of a list that an evaluation builds', LIMITS.listLength],
    ['characters of a text that an evaluation builds', LIMITS.textLength],
    ['levels of JSON', LIMITS.jsonDepth],
  ]
  const table = rows.map(([what, most]) => `| ${what} | ${most} |`).join('\n')
  return `## Limits\n\nWhat exceeds the first seven is a mistake in the configuration, what exceeds the others yields nothing.\n\n| | at most |\n|---|---|\n${table}\n`
}

/** The reference page of expressions, as Markdown. */
export function celReference(): string {
  const known =
    '"Always" are variables that sampling may use; those that are known "at the end" may be used everywhere else. A variable without a value is absent.'
  return [
    INTRODUCTION,
    `## Variables\n\n${known}\n`,
    CEL_VARIABLES.map(variableSection).join('\n'),
    '## Functions\n\nEach example is one of the tests of weir.\n',
    functionSections(),
    limitSection(),
  ].join('\n')
}
