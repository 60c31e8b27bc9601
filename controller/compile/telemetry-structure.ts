import { z } from 'zod'
import { stateOf, valueSchema } from '../../contract/config/key.ts'
import { type ConfigFile, configSchema } from '../../contract/config-schema.ts'
import { didYouMean } from '../../contract/nearest.ts'
import type { ConfigFinding, ConfigPath } from './telemetry-finding.ts'

/** The file as its schema has it, when no finding is an error. */
export interface CheckedStructure {
  readonly file: ConfigFile | undefined
  readonly findings: readonly ConfigFinding[]
}

/**
 * Checks what the text holds (maps as Map) with the schema of config.yaml: unknown keys, wrong values, keys that have
 * no effect. A key without a value (`tracing:`) counts as absent.
 */
export function checkStructure(value: unknown): CheckedStructure {
  const findings: ConfigFinding[] = []
  const plain = plainOf(configSchema, value ?? new Map(), [], { report: (finding) => findings.push(finding) })
  const parsed = configSchema.safeParse(plain)
  if (!parsed.success) {
    // Unknown keys were found on the way, with advice.
    const issues = parsed.error.issues.filter((issue) => issue.code !== 'unrecognized_keys')
    findings.push(...issues.map((issue) => findingOf(issue, plain)))
  }
  return {
    file: parsed.success && !findings.some((one) => one.severity === 'error') ? parsed.data : undefined,
    findings,
  }
}

interface Walk {
  readonly report: (finding: ConfigFinding) => void
  /** Below a key whose state was reported already. */
  readonly quiet?: true
}

/** The value with its maps as objects, along the schema; keys are looked at on the way. */
function plainOf(schema: z.ZodType, value: unknown, path: ConfigPath, walk: Walk): unknown {
  const inner = valueSchema(schema)
  if (Array.isArray(value) && inner instanceof z.ZodArray) {
    return value.map((item, index) => plainOf(inner.element as z.ZodType, item, [...path, index], walk))
  }
  if (!(value instanceof Map)) return value
  if (inner instanceof z.ZodRecord) {
    const entries = namedEntries(value, path, walk)
    return Object.fromEntries(
      entries.map(([name, item]) => [name, plainOf(inner.valueType as z.ZodType, item, [...path, name], walk)]),
    )
  }
  return inner instanceof z.ZodObject ? plainObject(inner, value, path, walk) : value
}

function plainObject(schema: z.ZodObject, map: ReadonlyMap<unknown, unknown>, path: ConfigPath, walk: Walk): object {
  const known = Object.keys(schema.shape)
  const kept: [string, unknown][] = []
  for (const [name, item] of namedEntries(map, path, walk)) {
    const at = [...path, name]
    if (!known.includes(name)) {
      const advice = didYouMean(name, known) ?? elsewhere(name) ?? `known here: ${known.slice(0, 12).join(', ')}`
      walk.report({ kind: 'UnknownField', severity: 'error', path: at, message: 'unknown key', advice })
      continue
    }
    if (item === null) continue
    const child = schema.shape[name] as z.ZodType
    const state = walk.quiet ? undefined : reportState(child, at, walk)
    kept.push([name, plainOf(child, item, at, state === undefined ? walk : { ...walk, quiet: true })])
  }
  return Object.fromEntries(kept)
}

/** Says what it means that this key is given; undefined when it works. */
function reportState(schema: z.ZodType, path: ConfigPath, walk: Walk): 'notBuilt' | 'noEffect' | undefined {
  const state = stateOf(schema)
  if (state === 'built') return undefined
  walk.report(
    state === 'notBuilt'
      ? { kind: 'NotBuilt', severity: 'warning', path, message: 'not built yet: no effect' }
      : {
          kind: 'NoEffect',
          severity: 'info',
          path,
          message: 'has no effect here',
          advice: schema.meta()?.description ?? '',
        },
  )
  return state
}

/** Entries whose keys are names: numbers and booleans as text, what is no name reported and left out. */
function namedEntries(map: ReadonlyMap<unknown, unknown>, path: ConfigPath, walk: Walk): [string, unknown][] {
  const entries: [string, unknown][] = []
  const seen = new Set<string>()
  for (const [key, item] of map) {
    const name = typeof key === 'object' ? undefined : String(key)
    if (name === undefined || name === '__proto__') {
      walk.report({ kind: 'InvalidField', severity: 'error', path, message: 'holds a key that is no name' })
    } else if (seen.has(name)) {
      walk.report({ kind: 'Duplicate', severity: 'error', path: [...path, name], message: 'this key is there twice' })
    } else {
      entries.push([name, item])
      seen.add(name)
    }
  }
  return entries
}

interface Level {
  readonly path: string
  readonly schema: z.ZodObject
}

/** Where a key that is unknown here would be known: the place that is nearest to the top. */
function elsewhere(name: string): string | undefined {
  let level = levelsBelow({ path: '', schema: configSchema })
  while (level.length > 0) {
    const found = level.find(({ schema }) => Object.hasOwn(schema.shape, name))
    if (found !== undefined) return `'${name}' belongs in ${found.path}`
    level = level.flatMap(levelsBelow)
  }
  return undefined
}

function levelsBelow({ path, schema }: Level): Level[] {
  return Object.entries(schema.shape).flatMap(([name, child]) => {
    const value = valueSchema(child as z.ZodType)
    const isList = value instanceof z.ZodArray
    const below = isList ? valueSchema(value.element as z.ZodType) : value
    const at = `${path === '' ? '' : `${path}.`}${name}${isList ? '[]' : ''}`
    return below instanceof z.ZodObject ? [{ path: at, schema: below }] : []
  })
}

const EXPECTED: { readonly [type: string]: string } = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
}

/** An issue in our own words. The value is never repeated: it may be a secret that stands in the wrong place. */
function findingOf(issue: z.core.$ZodIssue, plain: unknown): ConfigFinding {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))
  const value = valueAt(plain, path)
  const invalid = (message: string, advice?: string): ConfigFinding => ({
    kind: 'InvalidField',
    severity: 'error',
    path,
    message,
    ...(advice === undefined ? {} : { advice }),
  })
  switch (issue.code) {
    case 'invalid_type': {
      if (value === undefined) return invalid('is required')
      const quotes = issue.expected === 'string' && ['number', 'boolean'].includes(typeof value)
      return invalid(
        `must be ${EXPECTED[issue.expected] ?? issue.expected}, not ${kindOf(value)}`,
        quotes ? 'put quotes around it' : undefined,
      )
    }
    case 'invalid_value':
      return value === undefined
        ? invalid('is required')
        : invalid(
            `must be one of ${issue.values.join(', ')}`,
            typeof value === 'string' ? didYouMean(value, issue.values.map(String)) : undefined,
          )
    case 'invalid_key':
      return { ...invalid(issue.issues[0]?.message ?? 'is no name'), ofKey: true }
    case 'too_small':
      return invalid(`must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`)
    case 'too_big':
      return Array.isArray(value)
        ? invalid(`must have at most ${issue.maximum} entries`)
        : invalid(`must be ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`)
    default:
      return invalid(issue.message)
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return 'text'
  if (typeof value === 'number') return Number.isInteger(value) ? 'a whole number' : 'a number with a fraction'
  return typeof value === 'boolean' ? 'true or false' : 'a map'
}

function valueAt(value: unknown, path: ConfigPath): unknown {
  return path.reduce<unknown>(
    (at, step) =>
      at !== null && typeof at === 'object' ? (at as { readonly [key: string]: unknown })[step] : undefined,
    value,
  )
}
