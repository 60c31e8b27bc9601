import { type Document, isAlias, isMap, isScalar, isSeq, type ParsedNode, type YAMLMap } from 'yaml'
import type { FieldPath } from './field-path.ts'
import { isMergeKey, keyText } from './node-value.ts'

/** What stands at a field's place in a document. */
export interface FieldNode {
  /** The value; null where nothing is written after the key. */
  readonly value: ParsedNode | null
  /** The key, when the value is a map's. */
  readonly key: ParsedNode | undefined
  /** How many steps of the path exist; the rest is missing and this is the closest thing around it. */
  readonly found: number
}

/** Follows a path through a document as far as it goes, through aliases and merge keys too. */
export function findField(root: ParsedNode | null, path: FieldPath, tree: Document.Parsed): FieldNode {
  let current: FieldNode = { value: root, key: undefined, found: 0 }
  for (const step of path) {
    const next = child(current, step, tree)
    if (next === undefined) return current
    current = next
  }
  return current
}

function child(parent: FieldNode, step: string | number, tree: Document.Parsed): FieldNode | undefined {
  const value = resolve(parent.value, tree)
  if (isSeq(value)) {
    const item = value.items[Number(step)]
    return item === undefined ? undefined : { value: item as ParsedNode, key: undefined, found: parent.found + 1 }
  }
  const pair = isMap(value) ? findPair(value as YAMLMap.Parsed, String(step), tree) : undefined
  return pair && { value: pair.value, key: pair.key, found: parent.found + 1 }
}

function resolve(node: ParsedNode | null, tree: Document.Parsed): ParsedNode | undefined {
  if (node === null) return undefined
  return isAlias(node) ? (node.resolve(tree) as ParsedNode | undefined) : node
}

interface FoundPair {
  readonly key: ParsedNode
  readonly value: ParsedNode | null
}

function findPair(map: YAMLMap.Parsed, name: string, tree: Document.Parsed): FoundPair | undefined {
  const own = map.items.find((pair) => !isMergeKey(pair.key) && keyText(pair.key) === name)
  if (own !== undefined) return own
  for (const pair of map.items.filter((candidate) => isMergeKey(candidate.key))) {
    const merged = resolve(pair.value, tree)
    const maps = isSeq(merged) ? merged.items.map((item) => resolve(item as ParsedNode, tree)) : [merged]
    for (const source of maps) {
      const inherited = isMap(source)
        ? (source as YAMLMap.Parsed).items.find((each) => keyText(each.key) === name)
        : undefined
      if (inherited !== undefined) return inherited
    }
  }
  return undefined
}

/**
 * Where an editor should jump to: the value itself, when it is there and stands on one line with its key; else the key
 * (a block's first line says less than the name above it).
 */
export function fieldOffset(field: FieldNode, prefer: 'key' | 'value', exact: boolean): number {
  const { key, value } = field
  const shows =
    value !== null && (isAlias(value) || (isScalar(value) ? value.range[1] > value.range[0] : isFlow(value)))
  if (key !== undefined && (prefer === 'key' || !exact || !shows)) return key.range[0]
  return (value ?? key)?.range[0] ?? 0
}

function isFlow(node: ParsedNode): boolean {
  return (isMap(node) || isSeq(node)) && node.flow === true
}
