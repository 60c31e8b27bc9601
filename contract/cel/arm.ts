import { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator'
import { celEquals } from './equality.ts'
import { INVALID_ARGUMENT, NO_SUCH_KEY } from './fault.ts'
import {
  childrenOf,
  type Evaluate,
  type Evaluator,
  type Handle,
  type LoopScope,
  type Node,
  type Scope,
} from './library.ts'
import { readPath } from './link.ts'
import { charge, chargeList, chargeReading, chargeText } from './meter.ts'
import { type Path, readerOf } from './path.ts'
import { mapKey } from './relax.ts'

/**
 * Makes a checked expression fit to run on data of clients: loops and what builds lists and texts are counted, and paths
 * whose type is known only at run time are read in one go.
 * @returns the scopes of its loops, to be released after each evaluation
 */
export function arm(root: Node, paths: ReadonlyMap<Node, Path>): readonly LoopScope[] {
  const scopes: LoopScope[] = []
  const armed = new Set<Node>()
  const visit = (node: Node, inLoop: boolean): void => {
    // Library macros make nodes of their own that share ours.
    if (armed.has(node)) return
    armed.add(node)
    const { alternate, macro } = node.meta
    if (alternate !== undefined) visitAlternate(alternate, scopes)
    const scope = macro?.scope ?? macro?.bindCtx
    if (scope !== undefined) scopes.push(scope)
    armNode(node, paths.get(node), inLoop)
    const loops = inLoop || alternate?.op === 'comprehension' || macro?.scope !== undefined
    for (const child of childrenOf(node)) visit(child, loops)
  }
  visit(root, false)
  return scopes
}

function visitAlternate(alternate: Node, scopes: LoopScope[]): void {
  if (alternate.op !== 'comprehension') return
  scopes.push((alternate.args as { iterCtx: LoopScope }).iterCtx)
  const run = alternate.handle
  if (run === undefined) return
  alternate.handle = (collection: unknown, ...rest: unknown[]) => {
    charge(sizeOf(collection))
    return run(collection, ...rest)
  }
}

function armNode(node: Node, path: Path | undefined, inLoop: boolean): void {
  if (path !== undefined && node.checkedType?.kind === 'dyn') node.setMeta('evaluate', readPath(path))
  // What reads a path needs nothing of what follows, and declared variables have been told how to evaluate by link.ts.
  if (readerOf(node) !== undefined) return
  const arm = ARMS[node.op]
  if (arm !== undefined) arm(node)
  else if (inLoop && (node.op === 'call' || node.op === 'rcall')) armCall(node)
  else if (inLoop && (node.op === 'list' || node.op === 'map')) armLiteral(node)
}

/** Inside a loop a list that is written out is memory for every turn. */
function armLiteral(node: Node): void {
  const { evaluate } = node.meta
  const cost = 1 + ((node.args as readonly unknown[]).length >> 2)
  node.setMeta('evaluate', (evaluator: Evaluator, self: Node, scope: Scope) => {
    charge(cost)
    return evaluate(evaluator, self, scope)
  })
}

const ARMS: { readonly [operator: string]: (node: Node) => void } = {
  '[]': (node) => node.setMeta('evaluate', index),
  in: (node) => node.setMeta('evaluate', contains),
  '==': (node) => node.setMeta('evaluate', isEqual),
  '!=': (node) => node.setMeta('evaluate', isDifferent),
  '+': armSum,
  '-': armArithmetic,
  '*': armArithmetic,
  '/': armArithmetic,
  '-_': armArithmetic,
}

/** Inside a loop a function on a long text is work for every turn. */
function armCall(node: Node): void {
  const { handle } = node
  if (handle === undefined) return
  node.handle = (values: unknown, ...rest: unknown[]) => {
    for (const value of values as readonly unknown[]) if (typeof value === 'string') chargeReading(value.length)
    return handle(values, ...rest)
  }
}

function armSum(node: Node): void {
  armArithmetic(node)
  const { handle } = node
  if (handle === undefined) return
  node.handle = (left, right, ast, evaluator) => {
    chargeSum(left, right)
    return handle(left, right, ast, evaluator)
  }
}

/** Types on which the library's arithmetic needs no second look. */
const SAFE_RESULTS = new Set(['string', 'double', 'list', 'bytes'])

function armArithmetic(node: Node): void {
  const { handle } = node
  if (handle === undefined || SAFE_RESULTS.has(node.checkedType?.name ?? '')) return
  node.handle = (left, right, ast, evaluator) => inRange(handle(left, right, ast, evaluator))
}

const MOST_INT = 2n ** 63n - 1n
/** Seconds of a duration: as many as there are in ten thousand years (google/protobuf/duration.proto). */
const MOST_SECONDS = 315_576_000_000n
/** Years 1 to 9999, in milliseconds since 1970 (google/protobuf/timestamp.proto). */
const FIRST_MS = -62_135_596_800_000
const LAST_MS = 253_402_300_799_999

/** The library lets some results leave the range of their type. */
function inRange(value: unknown): unknown {
  if (typeof value === 'bigint') {
    if (value > MOST_INT || value < -MOST_INT - 1n) throw INVALID_ARGUMENT
  } else if (value instanceof Date) {
    const ms = value.getTime()
    if (!(ms >= FIRST_MS && ms <= LAST_MS)) throw INVALID_ARGUMENT
  } else if (value instanceof Duration) {
    if (value.seconds > MOST_SECONDS || value.seconds < -MOST_SECONDS) throw INVALID_ARGUMENT
  }
  return value
}

function chargeSum(left: unknown, right: unknown): void {
  if (typeof left === 'string' && typeof right === 'string') chargeText(left.length + right.length)
  else if (Array.isArray(left) && Array.isArray(right)) chargeList(left.length + right.length)
  else if (left instanceof Uint8Array && right instanceof Uint8Array) chargeText(left.length + right.length)
}

function sizeOf(collection: unknown): number {
  if (Array.isArray(collection)) return collection.length
  if (collection instanceof Map) return collection.size
  return typeof collection === 'object' && collection !== null ? Object.keys(collection).length : 0
}

/** The two operands of a node, as the checker has set them. */
interface Binary {
  readonly left: Node
  readonly right: Node
}

function isPlainMap(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && (value.constructor === Object || value.constructor === undefined)
  )
}

/** As the library's, but with keys that are no text, which it does not tell apart from their text. */
const index: Evaluate = (evaluator, node, scope) => {
  const { left, right } = node as unknown as Binary
  const container = evaluator.run(left, scope)
  const key = evaluator.run(right, scope)
  if (typeof key !== 'string') {
    if (container instanceof Map) {
      const value: unknown = container.get(mapKey(key))
      if (value === undefined) throw NO_SUCH_KEY
      return value
    }
    if (isPlainMap(container)) throw NO_SUCH_KEY
  }
  return (node.handle as Handle)(container, listIndex(container, key), node, evaluator)
}

/** Lists take ints; a double or a uint of the same value is as good. */
function listIndex(container: unknown, key: unknown): unknown {
  if (!Array.isArray(container)) return key
  if (key instanceof UnsignedInt) return key.valueOf()
  if (typeof key === 'number' && !Number.isInteger(key)) throw NO_SUCH_KEY
  return key
}

const contains: Evaluate = (evaluator, node, scope) => {
  const { left, right } = node as unknown as Binary
  const wanted = evaluator.run(left, scope)
  const container = evaluator.run(right, scope)
  if (typeof wanted !== 'string') {
    if (container instanceof Map) return container.get(mapKey(wanted)) !== undefined
    if (isPlainMap(container)) return false
  }
  if (!Array.isArray(container)) return (node.handle as Handle)(wanted, container, node, evaluator)
  chargeReading(container.length)
  return container.some((element) => celEquals(element, wanted))
}

const isEqual: Evaluate = (evaluator, node, scope) => {
  const { left, right } = node as unknown as Binary
  return celEquals(evaluator.run(left, scope), evaluator.run(right, scope))
}

const isDifferent: Evaluate = (evaluator, node, scope) => {
  const { left, right } = node as unknown as Binary
  return !celEquals(evaluator.run(left, scope), evaluator.run(right, scope))
}
