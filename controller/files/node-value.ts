import { type Alias, isAlias, isMap, isScalar, isSeq, type ParsedNode, type Scalar, type YAMLMap } from 'yaml'
import type { YamlError } from './yaml-document.ts'

/** Deeper objects are refused; the deepest of Kubernetes' own schemas has about 30 levels. */
const MAX_DEPTH = 100
/** Values that a document may get through aliases: plenty for anchors that save typing, far too few for a bomb. */
const MAX_ALIASED_VALUES = 10_000
/** Nobody reads more errors than this of one document. */
const MAX_ERRORS = 20

/** What a YAML node holds, as JSON would hold it; with errors, the value is of no use. */
export interface NodeValue {
  readonly value: unknown
  readonly errors: readonly YamlError[]
}

interface Walk {
  readonly anchors: Map<string, ParsedNode>
  /** Aliased nodes that are being expanded right now: one that comes again holds itself. */
  readonly expanding: Set<ParsedNode>
  readonly errors: YamlError[]
  aliasedValues: number
}

/** Converts a node with everything below it: aliases and merge keys (`<<`) expanded, keys as texts. */
export function nodeToValue(node: ParsedNode | null): NodeValue {
  const walk: Walk = { anchors: new Map(), expanding: new Set(), errors: [], aliasedValues: 0 }
  return { value: convert(node, walk, 0), errors: walk.errors }
}

function refuse(walk: Walk, node: ParsedNode, message: string, advice?: string): null {
  if (walk.errors.length < MAX_ERRORS) {
    walk.errors.push({ offset: node.range[0], message, ...(advice === undefined ? {} : { advice }) })
  }
  return null
}

function convert(node: ParsedNode | null, walk: Walk, depth: number): unknown {
  if (node === null) return null
  if (depth > MAX_DEPTH) return refuse(walk, node, `nested more than ${MAX_DEPTH} levels deep`)
  if (walk.expanding.size > 0 && ++walk.aliasedValues > MAX_ALIASED_VALUES) {
    if (walk.aliasedValues > MAX_ALIASED_VALUES + 1) return null
    return refuse(walk, node, `aliases expand to more than ${MAX_ALIASED_VALUES} values`)
  }
  if (isAlias(node)) return expandAlias(node, walk, depth)
  if (node.anchor !== undefined && walk.expanding.size === 0) walk.anchors.set(node.anchor, node)
  if (isScalar(node)) return convertScalar(node, walk)
  if (isSeq(node)) return node.items.map((item) => convert(item as ParsedNode, walk, depth + 1))
  return isMap(node) ? convertMap(node as YAMLMap.Parsed, walk, depth) : null
}

function convertScalar(node: Scalar.Parsed, walk: Walk): unknown {
  const { value } = node
  if (typeof value === 'number' && !Number.isFinite(value)) return refuse(walk, node, 'this number is not finite')
  return value
}

function convertMap(node: YAMLMap.Parsed, walk: Walk, depth: number): { [key: string]: unknown } {
  const own = new Map<string, unknown>()
  const merged = new Map<string, unknown>()
  for (const { key, value } of node.items) {
    if (isMergeKey(key)) {
      for (const [name, inherited] of mergedEntries(value, walk, depth)) {
        if (!merged.has(name)) merged.set(name, inherited)
      }
      continue
    }
    const name = keyText(key)
    if (name === undefined) refuse(walk, key, 'a key must be a text', adviceForKey(key))
    else if (own.has(name)) refuse(walk, key, 'this key stands twice in the same map', 'keep one of the two')
    else own.set(name, convert(value, walk, depth + 1))
  }
  return Object.fromEntries([...merged, ...own])
}

/** `{{ .Values.name }}` is a map whose key is a map. */
function adviceForKey(key: unknown): string | undefined {
  return isMap(key) && key.flow === true ? "is this a template? '{{ … }}' must be rendered first" : undefined
}

/** The entries of the map, or the list of maps, that a merge key brings in; the first map that has a name wins. */
function mergedEntries(value: ParsedNode | null, walk: Walk, depth: number): [string, unknown][] {
  const converted = convert(value, walk, depth + 1)
  const maps: unknown[] = Array.isArray(converted) ? converted : [converted]
  return maps.flatMap((map) => {
    if (typeof map === 'object' && map !== null && !Array.isArray(map)) return Object.entries(map)
    if (value !== null) refuse(walk, value, "the merge key '<<' wants a map")
    return []
  })
}

function expandAlias(alias: Alias.Parsed, walk: Walk, depth: number): unknown {
  const target = walk.anchors.get(alias.source)
  if (target === undefined) return refuse(walk, alias, `no anchor '&${alias.source}' stands before this alias`)
  if (walk.expanding.has(target)) return refuse(walk, alias, `'*${alias.source}' would hold itself`)
  walk.expanding.add(target)
  const value = convert(target, walk, depth + 1)
  walk.expanding.delete(target)
  return value
}

/** A map's key as JSON would write it; undefined for what cannot be a key there (null, a list, a map). */
export function keyText(key: unknown): string | undefined {
  if (!isScalar(key) || key.value === null) return undefined
  if (typeof key.value === 'number') return key.source ?? String(key.value)
  return String(key.value)
}

/** `<<`, written plain. */
export function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.value === '<<' && key.type === 'PLAIN'
}
