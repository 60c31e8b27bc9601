import { RE2JS, RE2JSException } from '@bufbuild/re2'
import { syntaxProblem } from '../regex.ts'
import { INVALID_ARGUMENT } from './fault.ts'
import { LIMITS } from './limits.ts'
import { charge, chargeReading, chargeText } from './meter.ts'

/*
 * Regular expressions of RE2's syntax, whose time is linear in the text. The package only tells whether a pattern
 * matches; to replace a match we need to know where it is, so its compiled program is run here by Pike's method
 * (https://swtch.com/~rsc/regexp/regexp2.html), which keeps the captures of each thread.
 */

/** Patterns made at run time come from data, so that what is kept of them is bounded. */
const CACHED_PATTERNS = 256

interface CompiledPattern {
  readonly regex: RE2JS
  /** Compiled for replacing, when first asked for. */
  program: Program | undefined
}

const cache = new Map<string, CompiledPattern>()

function compiled(pattern: string): CompiledPattern {
  const known = cache.get(pattern)
  if (known !== undefined) return known
  if (pattern.length > LIMITS.patternLength) throw INVALID_ARGUMENT
  charge(pattern.length)
  let regex: RE2JS
  try {
    regex = RE2JS.compile(pattern)
  } catch (error) {
    if (error instanceof RE2JSException) throw INVALID_ARGUMENT
    throw error
  }
  // All at once rather than the oldest: the patterns of a configuration are few and come back with the next request.
  if (cache.size >= CACHED_PATTERNS) cache.clear()
  const entry: CompiledPattern = { regex, program: undefined }
  cache.set(pattern, entry)
  return entry
}

/** What is wrong with a pattern that stands in an expression; undefined when nothing is. */
export function patternProblem(pattern: string): string | undefined {
  if (pattern.length > LIMITS.patternLength) return `longer than ${LIMITS.patternLength} characters`
  return syntaxProblem(pattern)
}

/** Whether the pattern matches anywhere in the text. @throws CelFault when it is no pattern */
export function regexMatches(text: string, pattern: string): boolean {
  chargeReading(text.length)
  return compiled(pattern).regex.test(text)
}

/**
 * The text with the first match replaced. In the replacement `$1`, `$name`, `${1}` and `${name}` stand for groups (empty
 * when the group took no part or does not exist), `$$` for a dollar sign.
 * @throws CelFault when it is no pattern
 */
export function regexReplaceFirst(text: string, pattern: string, replacement: string): string {
  const entry = compiled(pattern)
  chargeReading(text.length)
  if (!entry.regex.test(text)) return text
  entry.program ??= programOf(entry.regex)
  chargeReading(text.length * 8)
  const captures = firstMatch(entry.program, text)
  if (captures === undefined) return text
  const inserted = expand(replacement, text, captures, entry.regex.namedGroups())
  chargeText(text.length + inserted.length)
  return text.slice(0, captures[0]) + inserted + text.slice(captures[1])
}

function expand(replacement: string, text: string, captures: Captures, names: ReadonlyMap<string, number>): string {
  return replacement.replace(/\$(?:\$|\{([^}]*)\}|(\w+))/g, (whole, braced?: string, bare?: string) => {
    const name = braced ?? bare
    if (name === undefined) return whole === '$$' ? '$' : whole
    const index = /^\d+$/.test(name) ? Number(name) : names.get(name)
    const start = index === undefined ? undefined : captures[2 * index]
    return start === undefined || start < 0 ? '' : text.slice(start, captures[2 * (index as number) + 1])
  })
}

/** Where groups begin and end in the text, in turn; -1 where one took no part. */
type Captures = readonly number[]

interface Instruction {
  readonly op: number
  readonly out: number
  readonly arg: number
  matchRune(rune: number): boolean
}

interface Program {
  readonly instructions: readonly Instruction[]
  readonly start: number
  readonly captures: number
}

/** Numbers of the operations, as RE2's program has them; self-test.ts sees to it that they still mean this. */
const ALT = 1
const ALT_MATCH = 2
const CAPTURE = 3
const EMPTY_WIDTH = 4
const FAIL = 5
const MATCH = 6
const NOP = 7

function programOf(regex: RE2JS): Program {
  const { inst, start, numCap } = regex.re2().prog
  return { instructions: inst, start, captures: numCap }
}

/** Zero-width conditions between two characters; -1 stands for the ends of the text. */
function conditionsBetween(before: number, after: number): number {
  const lineStart = before < 0 || before === 0x0a ? 1 : 0
  const lineEnd = after < 0 || after === 0x0a ? 2 : 0
  const ends = (before < 0 ? 4 : 0) | (after < 0 ? 8 : 0)
  return lineStart | lineEnd | ends | (isWord(before) === isWord(after) ? 32 : 16)
}

function isWord(rune: number): boolean {
  return rune >= 0 && /\w/.test(String.fromCodePoint(rune))
}

/** Threads by priority: the instruction that each stands at, and what it has captured. */
interface Threads {
  readonly at: number[]
  readonly captures: Captures[]
}

/** The leftmost match, the one that a backtracking matcher would find first. */
function firstMatch(program: Program, text: string): Captures | undefined {
  const none: Captures = new Array<number>(program.captures).fill(-1)
  const seen = new Int32Array(program.instructions.length).fill(-1)
  let threads: Threads = { at: [], captures: [] }
  let matched: Captures | undefined
  let before = -1
  for (let position = 0; ; ) {
    const rune = position < text.length ? (text.codePointAt(position) as number) : -1
    const width = rune > 0xffff ? 2 : 1
    // A thread that begins here comes after all that began earlier, and none begins once something matched.
    const frontier: Threads = { at: [], captures: [] }
    const conditions = conditionsBetween(before, rune)
    for (let index = 0; index < threads.at.length; index++) {
      follow(
        program,
        threads.at[index] as number,
        threads.captures[index] as Captures,
        position,
        conditions,
        seen,
        frontier,
      )
    }
    if (matched === undefined) {
      follow(program, program.start, withCapture(none, 0, position), position, conditions, seen, frontier)
    }
    threads = { at: [], captures: [] }
    for (let index = 0; index < frontier.at.length; index++) {
      const instruction = program.instructions[frontier.at[index] as number] as Instruction
      if (instruction.op === MATCH) {
        matched = withCapture(frontier.captures[index] as Captures, 1, position)
        break
      }
      if (rune >= 0 && instruction.matchRune(rune)) {
        threads.at.push(instruction.out)
        threads.captures.push(frontier.captures[index] as Captures)
      }
    }
    if (rune < 0 || (matched !== undefined && threads.at.length === 0)) return matched
    before = rune
    position += width
  }
}

function withCapture(captures: Captures, slot: number, position: number): Captures {
  const copy = captures.slice()
  copy[slot] = position
  return copy
}

/** Follows instructions that take no character and adds the others to the frontier, each once for a position. */
function follow(
  program: Program,
  first: number,
  captures: Captures,
  position: number,
  conditions: number,
  seen: Int32Array,
  frontier: Threads,
): void {
  const pending: [number, Captures][] = [[first, captures]]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [at, held] = next
    if (seen[at] === position) continue
    seen[at] = position
    const instruction = program.instructions[at] as Instruction
    switch (instruction.op) {
      case FAIL:
        break
      case ALT:
      case ALT_MATCH:
        pending.push([instruction.arg, held], [instruction.out, held])
        break
      case NOP:
        pending.push([instruction.out, held])
        break
      case CAPTURE:
        pending.push([
          instruction.out,
          instruction.arg < held.length ? withCapture(held, instruction.arg, position) : held,
        ])
        break
      case EMPTY_WIDTH:
        if ((instruction.arg & ~conditions) === 0) pending.push([instruction.out, held])
        break
      default:
        frontier.at.push(at)
        frontier.captures.push(held)
    }
  }
}
