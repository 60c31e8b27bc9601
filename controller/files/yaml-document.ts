import {
  Composer,
  type Document,
  isCollection,
  isScalar,
  LineCounter,
  type ParsedNode,
  Parser,
  Scalar,
  type ScalarTag,
  type YAMLParseError,
} from 'yaml'
import { unclosedNode } from '../yaml/unclosed-node.ts'

/** One document of a text that was parsed as YAML (or JSON, which is YAML). */
export interface YamlDocument {
  /** The document's own text; offsets of its nodes count in it. */
  readonly text: string
  /** The 1-based line of the whole text that it begins on. */
  readonly firstLine: number
  readonly lines: LineCounter
  readonly tree: Document.Parsed
  readonly root: ParsedNode | null
  readonly errors: readonly YamlError[]
}

export interface YamlError {
  /** Where in the document's text. */
  readonly offset: number
  readonly message: string
  readonly advice?: string
}

/** kubectl reads the booleans of YAML 1.1, so `yes`, `on` and `y` are not texts unless quoted. */
const KUBECTL_BOOLEANS: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  test: /^(?:y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/,
  resolve: (source) => /^(?:y|t|on)/i.test(source),
}

/**
 * Parses every document of a text. Each is parsed by itself, so that a quote that is never closed does not swallow the
 * documents after it.
 * @param dialect `manifest`: scalars as kubectl reads them; `plain`: YAML 1.2
 */
export function parseYaml(text: string, dialect: 'manifest' | 'plain'): YamlDocument[] {
  let firstLine = 1
  return splitDocuments(text).flatMap((part) => {
    const documents = parseDocuments(part, firstLine, dialect)
    firstLine += part.split('\n').length - 1
    return documents
  })
}

/** Cuts a text before each `---`, which at the start of a line is never anything else (YAML 1.2, 9.1.2). */
function splitDocuments(text: string): string[] {
  const cuts = [...text.matchAll(/^(?:%[^\n]*\n)*---(?=\s|$)/gm)].map((match) => match.index)
  return [0, ...cuts].map((cut, index) => text.slice(cut, cuts[index])).filter((part) => part !== '')
}

function parseDocuments(text: string, firstLine: number, dialect: 'manifest' | 'plain'): YamlDocument[] {
  const lines = new LineCounter()
  const composer = new Composer({
    prettyErrors: false,
    // Even where a document asks for YAML 1.1 or names a type: dates, sets and bytes are nothing that JSON has.
    schema: 'core',
    resolveKnownTags: false,
    // Looked for by nodeToValue, in less than quadratic time.
    uniqueKeys: false,
    // For unclosed brackets: only the token says whether its end was there.
    keepSourceTokens: true,
    ...(dialect === 'manifest' && {
      customTags: (tags) => tags.map((tag) => (isBooleanTag(tag) ? KUBECTL_BOOLEANS : tag)),
    }),
  })
  return [...composer.compose(new Parser(lines.addNewLine).parse(text))].map((tree) => ({
    text,
    firstLine,
    lines,
    tree,
    root: tree.contents,
    errors: errorsOf(tree, text),
  }))
}

function isBooleanTag(tag: unknown): boolean {
  return typeof tag === 'object' && tag !== null && 'tag' in tag && tag.tag === KUBECTL_BOOLEANS.tag
}

/** Only the first error counts: the rest follow from it. */
function errorsOf(tree: Document.Parsed, text: string): YamlError[] {
  return tree.errors.slice(0, 1).map((error) => describe(error, tree, text))
}

function describe(error: YAMLParseError, tree: Document.Parsed, text: string): YamlError {
  const offset = error.pos[0]
  // Without the source that some messages repeat: it may be a secret.
  const message = error.message.charAt(0).toLowerCase() + error.message.slice(1).replace(/: ".*/s, '')
  const unclosed = /closing|end with a/.test(message) ? unclosedNode(tree, offset) : undefined
  if (unclosed !== undefined) return { offset: unclosed.range[0], message: `this ${nameOf(unclosed)} is never closed` }
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return { offset, message: 'a tab is used as indentation', advice: 'YAML wants spaces' }
    case 'BAD_INDENT':
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY': {
      const advice = message.includes('compact mappings')
        ? "a value that holds ': ' needs quotes"
        : 'compare the indentation with the lines around it'
      return { offset: offset + text.slice(offset).search(/[^ ]|$/), message, advice }
    }
    case 'RESOURCE_EXHAUSTION':
      return { offset, message: 'nested too deep to be read' }
    case 'BAD_SCALAR_START':
      return { offset, message, advice: 'quote the value' }
    default:
      return { offset, message }
  }
}

function nameOf(node: unknown): string | undefined {
  if (isCollection(node)) return node.flow === true ? 'bracket' : undefined
  return isScalar(node) && (node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE)
    ? 'quote'
    : undefined
}
