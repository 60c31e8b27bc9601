import type { ParsedNode } from 'yaml'
import type { Inventory } from '../api/inventory.ts'
import type { ObjectRef, Position } from '../api/problem.ts'
import type { YamlDocument } from './yaml-document.ts'

/** Where an object was read from. */
export interface Origin {
  /** The file's path. */
  readonly file: string
  readonly document: YamlDocument
  /** The object itself: the document's root, or an item of a List. */
  readonly node: ParsedNode | null
}

/** Where every object of an inventory was read from, by {@link originKey}. */
export type Origins = ReadonlyMap<string, Origin>

/** Objects are the same whatever version of their group names them. */
export function originKey(at: ObjectRef): string {
  return [groupOf(at.apiVersion), at.kind, at.namespace, at.name].join('|')
}

/** The group of an apiVersion: empty for the core group's `v1`. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/')
  return slash === -1 ? '' : apiVersion.slice(0, slash)
}

/** Line and column in the file of an offset of one of its documents. */
export function positionAt({ file, document }: Pick<Origin, 'file' | 'document'>, offset: number): Position {
  const { line, col } = document.lines.linePos(offset)
  return { file, line: document.firstLine - 1 + Math.max(line, 1), column: Math.max(col, 1) }
}

/** An inventory with the knowledge where each object stands. */
export interface FileInventory extends Inventory {
  readonly origins: Origins
}
