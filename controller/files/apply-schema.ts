import type { ProblemKind } from '../api/problem.ts'
import { type FieldPath, formatFieldPath } from './field-path.ts'
import type { Schema } from './schema.ts'
import { adviceForField, adviceForValue } from './schema-advice.ts'
import { valueFaults } from './value-faults.ts'

/** Something about a value that its schema does not allow. Never holds the value itself: it may be a secret. */
export interface Finding {
  readonly kind: Extract<ProblemKind, 'UnknownField' | 'InvalidField'>
  readonly path: FieldPath
  readonly message: string
  readonly advice?: string
}

export interface Applied {
  /** Unknown fields dropped, defaults filled in. */
  readonly value: unknown
  /** The API server would refuse the object when one of them is an InvalidField. */
  readonly findings: readonly Finding[]
}

/** One mistake may break a field in every item of a long list; nobody reads more than this, and checking ends there. */
const MAX_FINDINGS = 50

/**
 * What an API server does to an object before it stores it, in the same order: drop what the schema does not know (here
 * with a finding, as `kubectl --validate=strict` has it), fill in defaults, check, and ask the rules where all is well.
 */
export function applySchema(value: unknown, schema: Schema, path: FieldPath = []): Applied {
  const findings: Finding[] = []
  const applied = visit(value, schema, { path, parents: [], findings })
  if (findings.length < MAX_FINDINGS) return { value: applied, findings }
  // Whatever the findings are: what was not checked must not be used.
  const message = `${nameOf(path)} has ${MAX_FINDINGS} mistakes or more: the rest is not checked`
  return { value: applied, findings: [...findings.slice(0, MAX_FINDINGS), { kind: 'InvalidField', path, message }] }
}

interface Place {
  readonly path: FieldPath
  /** Schemas of the objects around this value, outermost first: a field may belong to one of them. */
  readonly parents: readonly Schema[]
  readonly findings: Finding[]
}

function visit(given: unknown, schema: Schema, place: Place): unknown {
  const { findings, path } = place
  const value = given === null && schema.nullMeans !== undefined ? schema.nullMeans : given
  if (findings.length >= MAX_FINDINGS) return value
  const before = findings.length
  if (value === null && schema.nullable === true) return null
  for (const fault of valueFaults(value, schema)) {
    const advice = adviceForValue(value, schema)
    findings.push({
      kind: 'InvalidField',
      path,
      message: `${nameOf(path)} ${fault}`,
      ...(advice === undefined ? {} : { advice }),
    })
  }
  if (findings.length > before) return value
  const applied = visitChildren(value, schema, place)
  if (findings.slice(before).every((finding) => finding.kind !== 'InvalidField')) checkRules(applied, schema, place)
  return applied
}

function visitChildren(value: unknown, schema: Schema, place: Place): unknown {
  if (Array.isArray(value)) return visitList(value, schema, place)
  if (isObject(value)) return visitObject(value, schema, place)
  return value
}

function visitList(list: readonly unknown[], schema: Schema, place: Place): unknown[] {
  const { items } = schema
  if (items === undefined) return [...list]
  const applied = list.map((item, index) => visit(item, items, { ...place, path: [...place.path, index] }))
  for (const index of repeatedItems(applied, schema)) {
    const keys = schema.listType === 'map' ? ` with the same ${(schema.listMapKeys ?? []).join(' and ')}` : ''
    place.findings.push({
      kind: 'InvalidField',
      path: [...place.path, index],
      message: `${nameOf(place.path)} has an earlier item${keys || ' that is the same'}`,
      advice: 'keep one of the two',
    })
  }
  return applied
}

/** Indexes of items that repeat an earlier one, as the list's type counts it. */
function repeatedItems(list: readonly unknown[], { listType, listMapKeys = [] }: Schema): number[] {
  if (listType !== 'set' && listType !== 'map') return []
  const seen = new Set<string>()
  return list.flatMap((item, index) => {
    const identity = JSON.stringify(
      listType === 'set' ? item : listMapKeys.map((key) => (isObject(item) ? item[key] : null)),
    )
    if (seen.has(identity)) return [index]
    seen.add(identity)
    return []
  })
}

function visitObject(object: { readonly [name: string]: unknown }, schema: Schema, place: Place): unknown {
  const kept = new Map<string, unknown>()
  for (const [name, value] of Object.entries(object)) {
    const own = ownProperty(schema.properties, name)
    const child = own ?? schema.additionalProperties
    if (own !== undefined && isNotGiven(value, own)) continue
    if (child === undefined) {
      if (schema.preserveUnknownFields === true) kept.set(name, value)
      else reportUnknown(name, schema, place)
      continue
    }
    if (own === undefined) checkKey(name, schema, place)
    kept.set(name, visit(value, child, { ...place, path: [...place.path, name], parents: [...place.parents, schema] }))
  }
  addDefaults(kept, schema, place)
  reportMissing(kept, schema, place)
  return Object.fromEntries(kept)
}

/** Whether a property's value stands for "not given": the API server drops such before defaulting. */
function isNotGiven(value: unknown, { nullable, emptyMeansAbsent }: Schema): boolean {
  return (value === null && nullable !== true) || (value === '' && emptyMeansAbsent === true)
}

function addDefaults(kept: Map<string, unknown>, schema: Schema, place: Place): void {
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    if (child.default === undefined || kept.has(name)) continue
    const path = [...place.path, name]
    kept.set(
      name,
      visit(structuredClone(child.default), child, { ...place, path, parents: [...place.parents, schema] }),
    )
  }
}

function reportMissing(kept: ReadonlyMap<string, unknown>, schema: Schema, { path, findings }: Place): void {
  for (const name of schema.required ?? []) {
    if (kept.has(name)) continue
    const around = path.length === 0 ? '' : ` in ${nameOf(path)}`
    findings.push({ kind: 'InvalidField', path: [...path, name], message: `'${name}' is missing${around}` })
  }
}

function reportUnknown(name: string, schema: Schema, { path, parents, findings }: Place): void {
  // Advice is not cheap, and a hostile object may have any number of unknown fields.
  if (findings.length >= MAX_FINDINGS) return
  const around = path.length === 0 ? '' : ` in ${nameOf(path)}`
  const advice = adviceForField(name, schema, parents)
  findings.push({
    kind: 'UnknownField',
    path: [...path, name],
    message: `unknown field '${name}'${around}`,
    ...(advice === undefined ? {} : { advice }),
  })
}

function checkKey(name: string, { keyPattern, keyMeaning }: Schema, { path, findings }: Place): void {
  if (keyPattern === undefined || new RegExp(keyPattern).test(name)) return
  const message = `a key of ${nameOf(path)} must be ${keyMeaning ?? `of the form ${keyPattern}`}`
  findings.push({ kind: 'InvalidField', path: [...path, name], message })
}

function checkRules(value: unknown, schema: Schema, { path, findings }: Place): void {
  for (const each of schema.rules ?? []) {
    if (each.holds(value)) continue
    const { fieldPath = [] } = each
    const below = [...path, ...(typeof fieldPath === 'function' ? fieldPath(value) : fieldPath)]
    findings.push({
      kind: 'InvalidField',
      path: below,
      message: below.length === 0 ? each.message : `${nameOf(below)} ${each.message}`,
      ...(each.advice === undefined ? {} : { advice: each.advice }),
    })
  }
}

function ownProperty(properties: Schema['properties'], name: string): Schema | undefined {
  return properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The last name of a path with the indexes behind it: `'hostnames[0]'`; the whole path is in the problem anyway. */
function nameOf(path: FieldPath): string {
  let from = path.length - 1
  while (from > 0 && typeof path[from] === 'number') from--
  return path.length === 0 ? 'the object' : `'${path[from]}${formatFieldPath(path.slice(from + 1))}'`
}
