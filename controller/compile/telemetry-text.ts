import { type Document, type ErrorCode, LineCounter, parseDocument, type YAMLError } from 'yaml'
import { unclosedNode } from '../yaml/unclosed-node.ts'
import type { ConfigFinding } from './telemetry-finding.ts'

/** What the text holds: maps as Map, in the order of the text, which objects would not keep. */
export type ConfigText = { ok: true; value: unknown } | { ok: false; findings: readonly ConfigFinding[] }

/** No object of Kubernetes is larger. */
const MAX_TEXT_LENGTH = 1024 * 1024
const MAX_SYNTAX_FINDINGS = 10
/** How often aliases may be expanded, all together: a page of YAML can mean gigabytes. */
const MAX_ALIASES = 100

/**
 * Parses the text of config.yaml (YAML 1.2, core schema). Messages are our own, as the parser's repeat pieces of the
 * text, which may hold the header of a backend's credentials.
 */
export function parseConfigText(text: string): ConfigText {
  if (text.length > MAX_TEXT_LENGTH) return syntax('is longer than 1 MiB')
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'error',
    keepSourceTokens: true,
  })
  if (document.errors.length > 0) return { ok: false, findings: syntaxFindings(document, lines) }
  try {
    return { ok: true, value: document.toJS({ mapAsMap: true, maxAliasCount: MAX_ALIASES }) }
  } catch (error) {
    // What the parser throws for aliases alone; anything else is a bug.
    if (!(error instanceof ReferenceError)) throw error
    return syntax('an alias (*name) has no anchor (&name) before it, or aliases are nested too often')
  }
}

function syntax(message: string): ConfigText {
  return { ok: false, findings: [{ kind: 'Syntax', severity: 'error', path: [], message }] }
}

/** After one mistake a parser finds more in the same line that are none. */
function syntaxFindings(document: Document.Parsed, lines: LineCounter): readonly ConfigFinding[] {
  const errors = firstOfEach(document.errors, (error) => lines.linePos(error.pos[0]).line)
  const findings = errors.slice(0, MAX_SYNTAX_FINDINGS).map((error) => findingOf(error, document, lines))
  return firstOfEach(findings, ({ inner }) => inner?.line)
}

function firstOfEach<T>(list: readonly T[], lineOf: (item: T) => number | undefined): T[] {
  const seen = new Set<number | undefined>()
  return list.filter((item) => {
    const line = lineOf(item)
    return !seen.has(line) && seen.add(line)
  })
}

function findingOf(error: YAMLError, document: Document.Parsed, lines: LineCounter): ConfigFinding {
  const unclosed = UNCLOSED.includes(error.code) ? unclosedNode(document, error.pos[0])?.range[0] : undefined
  const { line, col } = lines.linePos(unclosed ?? error.pos[0])
  return {
    kind: error.code === 'DUPLICATE_KEY' ? 'Duplicate' : 'Syntax',
    severity: 'error',
    path: [],
    inner: { line, column: col },
    message: unclosed === undefined ? MESSAGES[error.code] : 'this bracket or quote is never closed',
  }
}

/** What the parser says, somewhere below, of a bracket or quote without its end. */
const UNCLOSED: readonly ErrorCode[] = ['BAD_INDENT', 'MISSING_CHAR']

const MESSAGES: { readonly [code in ErrorCode]: string } = {
  ALIAS_PROPS: 'an alias can have neither anchor nor tag',
  BAD_ALIAS: 'the name of an anchor or alias is not allowed',
  BAD_COLLECTION_TYPE: 'the tag does not fit a list or map',
  BAD_DIRECTIVE: 'unknown YAML directive',
  BAD_DQ_ESCAPE: 'unknown escape in text between double quotes: write \\\\ for a backslash, or use single quotes',
  BAD_INDENT: 'wrong indentation, or a bracket or quote that is not closed',
  BAD_PROP_ORDER: 'anchor or tag in the wrong place',
  BAD_SCALAR_START: 'text that starts with this character needs quotes',
  BLOCK_AS_IMPLICIT_KEY: "a second ': ' in one line (text that holds one needs quotes), or a list item among keys",
  BLOCK_IN_FLOW: 'an indented block cannot stand between brackets',
  DUPLICATE_KEY: 'this key is in the same map twice',
  IMPOSSIBLE: 'not YAML',
  KEY_OVER_1024_CHARS: 'a key is longer than 1024 characters',
  MISSING_CHAR: 'a quote, comma, colon or space is missing',
  MULTILINE_IMPLICIT_KEY: 'a key must be on one line, with a colon after it',
  MULTIPLE_ANCHORS: 'a value can have one anchor only',
  MULTIPLE_DOCS: "more than one YAML document: nothing may follow '---'",
  MULTIPLE_TAGS: 'a value can have one tag only',
  NON_STRING_KEY: 'a key must be text',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  TAB_AS_INDENT: 'a tab cannot be used for indentation',
  TAG_RESOLVE_FAILED: 'the value does not fit its tag',
  UNEXPECTED_TOKEN: 'something is here that does not belong here',
}
