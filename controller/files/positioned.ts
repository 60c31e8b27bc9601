import { isScalar, type Scalar } from 'yaml'
import type { Position, Problem } from '../api/problem.ts'
import { type FieldNode, fieldOffset, findField } from './field-node.ts'
import { type FieldPath, parseFieldPath } from './field-path.ts'
import { type FileInventory, type Origin, type Origins, originKey, positionAt } from './origins.ts'
import { scalarOffsets } from './scalar-offsets.ts'
import { parseYaml } from './yaml-document.ts'

/**
 * Problems with their positions, where their objects came from files, in the order of files, lines and columns; those
 * without a position come last.
 */
export function positioned(problems: readonly Problem[], { origins }: Pick<FileInventory, 'origins'>): Problem[] {
  const placed = problems.map((problem) => {
    const position = problem.position ?? locate(origins, problem)
    return position === undefined ? problem : { ...problem, position }
  })
  return placed.sort((a, b) =>
    a.position && b.position ? byPlace(a.position, b.position) : Number(!a.position) - Number(!b.position),
  )
}

function byPlace(a: Position, b: Position): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1
  return a.line - b.line || a.column - b.column
}

/**
 * The place in a file that a problem speaks of: the field's value; the key of a field that should not be there; the
 * closest enclosing field of one that is missing. A path that goes on inside a ConfigMap's text is followed there, and
 * `inner` to the character, whatever the style of the scalars around it.
 */
export function locate(
  origins: Origins,
  problem: Pick<Problem, 'at' | 'path' | 'inner' | 'kind' | 'ofKey'>,
): Position | undefined {
  const origin = origins.get(originKey(problem.at))
  if (origin === undefined) return undefined
  return positionAt(origin, offsetOf(origin, problem))
}

/** Kinds that are about a field's being there, whatever its value. */
const OF_KEYS: readonly Problem['kind'][] = ['UnknownField', 'NotBuilt', 'NotSupported', 'NoEffect']

function offsetOf(
  origin: Origin,
  { path: text, inner, kind, ofKey }: Pick<Problem, 'path' | 'inner' | 'kind' | 'ofKey'>,
): number {
  const path = asWritten(parseFieldPath(text), origin)
  const prefer = ofKey || OF_KEYS.includes(kind) ? 'key' : 'value'
  return offsetIn(origin, path, prefer, inner)
}

/** A Secret's `data` may have been written as `stringData`. */
function asWritten(path: FieldPath, { node, document }: Origin): FieldPath {
  if (path[0] !== 'data' || path.length < 2 || findField(node, path, document.tree).found >= 2) return path
  const plain = ['stringData', ...path.slice(1)]
  return findField(node, plain, document.tree).found >= 2 ? plain : path
}

/** An object in a file, or the YAML in a text of such an object. */
type Area = Pick<Origin, 'document' | 'node'> & { readonly inText?: true }

function offsetIn(area: Area, path: FieldPath, prefer: 'key' | 'value', inner: Problem['inner']): number {
  const field = findField(area.node, path, area.document.tree)
  const missing = path.slice(field.found)
  // A path goes on inside a text once: what is written there in a text again is nobody's configuration.
  const ends = missing.length === 0 ? inner === undefined : area.inText === true
  const offsets = !ends && isScalar(field.value) ? textOffsets(area.document.text, field.value) : undefined
  if (offsets === undefined) return fieldOffset(field, prefer, missing.length === 0)
  return offsets.at(offsetInText(field, missing, prefer, inner))
}

interface TextOffsets {
  at(index: number): number
}

function textOffsets(text: string, node: Scalar.Parsed): TextOffsets | undefined {
  const offsets = scalarOffsets(text, node)
  return offsets && { at: (index) => offsets[Math.min(index, offsets.length - 1)] ?? node.range[0] }
}

/** A place inside the text that a field holds: the rest of the path, when the text is YAML itself, then `inner`. */
function offsetInText(field: FieldNode, path: FieldPath, prefer: 'key' | 'value', inner: Problem['inner']): number {
  const text = String((field.value as Scalar.Parsed).value)
  if (path.length === 0) return inner === undefined ? 0 : offsetOfLine(text, inner.line, inner.column)
  const document = parseYaml(text, 'plain')[0]
  if (document === undefined) return 0
  const area: Area = { document, node: document.root, inText: true }
  return offsetOfLine(text, document.firstLine, 1) + offsetIn(area, path, prefer, inner)
}

/** The offset of a 1-based line and column; what lies outside is moved to the nearest place inside. */
function offsetOfLine(text: string, line: number, column: number): number {
  let start = 0
  for (let current = 1; current < line; current++) {
    const newline = text.indexOf('\n', start)
    if (newline === -1) break
    start = newline + 1
  }
  const newline = text.indexOf('\n', start)
  const end = newline === -1 ? text.length : newline
  return Math.min(start + Math.max(column - 1, 0), end)
}
