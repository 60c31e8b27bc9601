import { type Document, type ParsedNode, visit } from 'yaml'

/**
 * The innermost node that was opened by a quote or bracket and runs to an offset because it is never closed: where the
 * mistake is that a parser notices there. Undefined when the offset lies in no such node.
 */
export function unclosedNode(document: Document.Parsed, offset: number): ParsedNode | undefined {
  let innermost: ParsedNode | undefined
  visit(document, {
    Node: (_key, node) => {
      const { range } = node as ParsedNode
      if (range[0] < offset && offset <= range[2] + 1 && isOpen(node as ParsedNode)) innermost = node as ParsedNode
    },
  })
  return innermost
}

function isOpen({ srcToken: token }: ParsedNode): boolean {
  switch (token?.type) {
    case 'flow-collection':
      return !token.end.some(({ type }) => type === 'flow-map-end' || type === 'flow-seq-end')
    case 'single-quoted-scalar':
    case 'double-quoted-scalar':
      return token.source.length < 2 || !token.source.endsWith(token.source.charAt(0))
    default:
      return false
  }
}
