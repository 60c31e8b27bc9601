import type { LibraryError, Node } from './library.ts'
import type { CelProblem } from './program.ts'

/** A mistake at an offset of the source; one beyond its end stands for the end. */
export function problemAt(source: string, offset: number, message: string, advice?: string): CelProblem {
  const before = source.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  const line = before.split('\n').length
  // Characters, as an editor counts them.
  const column = Array.from(before.slice(lineStart)).length + 1
  return { severity: 'error', message, line, column, ...(advice !== undefined && { advice }) }
}

/** How the library's parser calls tokens, and how people do. */
const TOKENS: { readonly [token: string]: string } = {
  EOF: 'the end',
  NUMBER: 'a number',
  STRING: 'a text',
  BYTES: 'bytes',
  IDENTIFIER: 'a name',
  LPAREN: "'('",
  RPAREN: "')'",
  LBRACKET: "'['",
  RBRACKET: "']'",
  LBRACE: "'{'",
  RBRACE: "'}'",
  COLON: "':'",
  COMMA: "','",
  DOT: "'.'",
}

const ADVICE: { readonly [character: string]: string } = {
  '=': "write '==' to compare",
  '&': "write '&&' for and",
  '|': "write '||' for or",
  ';': 'an expression has no statements',
}

/** What a mistake that the library found means, without the library's names for functions and tokens. */
export function problemOfLibrary(source: string, error: LibraryError): CelProblem {
  const offset = error.node?.pos ?? error.range?.start ?? 0
  const found = source.slice(offset, Math.max(error.range?.end ?? offset, offset + 1))
  switch (error.code) {
    case 'expected_token': {
      const wanted = /^Expected (\w+)/.exec(error.summary)?.[1] ?? ''
      return problemAt(
        source,
        offset,
        `expected ${TOKENS[wanted] ?? wanted}, found ${atEnd(source, offset) ? 'the end' : `'${found}'`}`,
      )
    }
    case 'unexpected_token':
    case 'unexpected_character':
      if (atEnd(source, offset)) return problemAt(source, offset, 'the expression ends too early')
      return problemAt(source, offset, `unexpected '${found}'`, ADVICE[found.slice(0, 1)])
    case 'limit_exceeded':
      return problemAt(source, offset, `the expression is too large: ${error.summary}`)
    case 'cannot_index_type':
    case 'invalid_index_type':
      return problemAt(source, offset, error.summary)
    case 'invalid_logical_operand':
      return problemAt(source, operandAtFault(error) ?? offset, error.summary)
    default:
      return problemAt(source, error.node?.start ?? offset, error.summary.replaceAll('weir_', ''))
  }
}

/** Where the operand stands that `&&` or `||` cannot take; the library names only the operator's own node. */
function operandAtFault({ node }: LibraryError): number | undefined {
  const operands = (node as Node | undefined)?.args as readonly Node[] | undefined
  return operands?.find(({ checkedType }) => checkedType !== undefined && !BOOLEANS.includes(checkedType.name))?.start
}

const BOOLEANS: readonly string[] = ['bool', 'dyn']

function atEnd(source: string, offset: number): boolean {
  return source.slice(offset).trim() === ''
}
