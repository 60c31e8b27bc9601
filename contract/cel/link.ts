import { didYouMean } from '../nearest.ts'
import { isReservedName } from './engine.ts'
import { type CelNames, type CelVariable, celFields } from './environment.ts'
import { NO_SUCH_KEY } from './fault.ts'
import { canonicalFunction, functionSpellings, libraryName, NAMESPACES } from './functions.ts'
import { Has } from './has.ts'
import {
  type Checker,
  childrenOf,
  DURATION,
  type Evaluate,
  type Evaluator,
  type Node,
  type Scope,
  TIMESTAMP,
} from './library.ts'
import { LIMITS } from './limits.ts'
import { CelMistake } from './mistake.ts'
import { declaredPath, loopPath, type Path, setReader, typedValue } from './path.ts'
import type { CelPhase } from './program.ts'
import { patternProblem } from './regex.ts'
import { relax } from './relax.ts'

/** What an expression may name. */
export interface LinkTarget {
  readonly names: CelNames
  /** All variables, in order; undefined where `variables()` makes no sense. */
  readonly variables?: readonly CelVariable[]
  readonly phase: CelPhase
}

/** What linking found out, for the steps after the type check. */
export interface Linked {
  /** Variables that have no value in this version of weir. */
  readonly notes: readonly UnbuiltVariable[]
  readonly mentions: ReadonlySet<string>
  /** Nodes that read a path whose type is known only when it is there. */
  readonly paths: ReadonlyMap<Node, Path>
}

/** A variable whose part of weir does not exist yet. */
export interface UnbuiltVariable {
  readonly name: string
  readonly offset: number
}

/** Macros that name a variable by their first argument, and how many of their other arguments come before its scope. */
const BINDERS: { readonly [method: string]: number } = {
  map: 0,
  filter: 0,
  all: 0,
  exists: 0,
  exists_one: 0,
  existsOne: 0,
  mapValues: 0,
  filterKeys: 0,
  with: 0,
  bind: 1,
}

const LOOPS = new Set(['map', 'filter', 'all', 'exists', 'exists_one', 'existsOne', 'mapValues', 'filterKeys'])

/** The library's name of a type of variable. */
const TYPE_NAMES: { readonly [type: string]: string } = {
  timestamp: TIMESTAMP,
  duration: DURATION,
  headers: 'map<string, dyn>',
  group: 'map<string, dyn>',
}

/**
 * Resolves the names of a parsed expression, before its types are checked: variables in either spelling to the ones of the
 * environment, functions to their canonical names, chains of fields to paths that are read in one go.
 * @throws CelMistake for a name that does not exist, or not in this phase
 */
export function link(root: Node, source: string, target: LinkTarget): Linked {
  const linker = new Linker(source, target)
  linker.visit(root, NO_VARIABLES, 0)
  return linker
}

const NO_VARIABLES: readonly string[] = []

/** A chain of fields: the node of its name, and the keys below, each with the node that reads it. */
interface Chain {
  readonly root: Node
  readonly links: readonly { readonly key: string; readonly node: Node }[]
}

/** The chain that ends at this node; undefined when it begins with something else than a name. */
function chainOf(node: Node): Chain | undefined {
  const links: { key: string; node: Node }[] = []
  let at = node
  for (let key = keyOf(at); key !== undefined; key = keyOf(at)) {
    links.push({ key, node: at })
    at = (at.args as [Node, unknown])[0]
  }
  return at.op === 'id' ? { root: at, links: links.reverse() } : undefined
}

/** The key that a node reads, where it stands in the source as such. */
function keyOf(node: Node): string | undefined {
  if (node.op === '.') return (node.args as [Node, string])[1]
  if (node.op !== '[]') return undefined
  const index = (node.args as [Node, Node])[1]
  return index.op === 'value' && typeof index.args === 'string' ? index.args : undefined
}

class Linker implements Linked {
  readonly mentions = new Set<string>()
  readonly paths = new Map<Node, Path>()
  readonly notes: UnbuiltVariable[] = []
  readonly #source: string
  readonly #target: LinkTarget

  constructor(source: string, target: LinkTarget) {
    this.#source = source
    this.#target = target
  }

  /** @param bound the variables of the loops around this node */
  visit(node: Node, bound: readonly string[], loops: number): void {
    switch (node.op) {
      case 'id':
      case '.':
      case '[]':
        if (this.#visitChain(node, bound)) return
        break
      case 'call':
        this.#visitCall(node)
        break
      case 'rcall':
        this.#visitMethod(node, bound, loops)
        return
      case 'value':
        this.#checkLiteral(node)
        return
      case '-_':
        // The smallest int is written as the opposite of what is no int.
        if ((node.args as Node).args === -LEAST_INT) return
        break
      default:
        relax(node)
    }
    for (const child of childrenOf(node)) this.visit(child, bound, loops)
  }

  /** @returns false when the node is no chain of fields below a variable */
  #visitChain(node: Node, bound: readonly string[]): boolean {
    const chain = chainOf(node)
    if (chain === undefined) return false
    const name = chain.root.args as string
    if (bound.includes(name)) {
      if (chain.links.length > 0) this.#setPaths(chain, 0, (keys) => loopPath(name, keys))
      return true
    }
    const variable = this.#target.names.find(name)
    if (variable === undefined) {
      if (isReservedName(name)) return true
      throw this.#unknown('variable', name, chain.root.start, [...bound, ...this.#target.names.spellings])
    }
    this.#linkVariable(chain, variable)
    return true
  }

  #linkVariable(chain: Chain, variable: CelVariable): void {
    const declared = [variable]
    let leaf = variable
    let depth = 0
    for (; leaf.type === 'group' && depth < chain.links.length; depth++) {
      const { key, node } = chain.links[depth] as Chain['links'][number]
      const field = celFields(leaf).find(key)
      if (field === undefined) {
        if (leaf.open) break
        throw this.#unknown(
          `field of '${pathName(declared)}'`,
          key,
          this.#keyOffset(node, key),
          celFields(leaf).spellings,
        )
      }
      declared.push(field)
      leaf = field
    }
    this.#checkPhase(declared, chain.root.start)
    if (!leaf.built) this.notes.push({ name: pathName(declared), offset: chain.root.start })
    this.#mention(
      declared,
      chain.links.slice(depth).map((step) => step.key),
    )
    const node = depth === 0 ? chain.root : (chain.links[depth - 1] as Chain['links'][number]).node
    this.#setDeclared(node, leaf, declaredPath(declared, []))
    this.#setPaths(chain, depth, (keys) => declaredPath(declared, keys))
  }

  /** Makes a node yield a declared variable, of its declared type. */
  #setDeclared(node: Node, leaf: CelVariable, path: Path): void {
    const typeName = TYPE_NAMES[leaf.type] ?? leaf.type
    node.setMeta('async', false)
    node.setMeta('check', (checker: Checker) => checker.getType(typeName))
    node.setMeta('evaluate', readPath(path))
    setReader(node, path.read)
  }

  /** Remembers how to read each longer part of a chain below its first `depth` links. */
  #setPaths(chain: Chain, depth: number, make: (keys: readonly string[]) => Path): void {
    for (let length = depth + 1; length <= chain.links.length; length++) {
      const { node } = chain.links[length - 1] as Chain['links'][number]
      const path = make(chain.links.slice(depth, length).map((step) => step.key))
      this.paths.set(node, path)
      setReader(node, path.read)
    }
  }

  #checkPhase(declared: readonly CelVariable[], offset: number): void {
    const late = declared.find((variable) => variable.phase === 'end')
    if (this.#target.phase === 'end' || late === undefined) return
    const path = declared.slice(0, declared.indexOf(late) + 1)
    throw new CelMistake(`'${pathName(path)}' is only known at the end of a request`, offset)
  }

  #mention(declared: readonly CelVariable[], keys: readonly string[]): void {
    const path = [...declared.map((step) => step.name), ...keys]
    if (path.length >= 2) {
      this.mentions.add(path.slice(0, 2).join('.'))
      return
    }
    // The variable as a whole: whoever asks what is read must see its fields, too.
    const root = declared[0] as CelVariable
    this.mentions.add(root.name)
    for (const field of root.fields ?? []) this.mentions.add(`${root.name}.${field.name}`)
  }

  #visitCall(node: Node): void {
    const [spelling, args] = node.args as [string, Node[]]
    const name = canonicalFunction(spelling)
    if (name === undefined) throw this.#unknown('function', spelling, node.start, functionSpellings())
    if (name === 'has') this.#linkHas(node, args[0])
    if (name === 'variables' && args.length === 0) this.#linkVariables(node)
    if (name === 'matches') checkPattern(args[1])
    node.args = [libraryName(name), args]
  }

  #visitMethod(node: Node, bound: readonly string[], loops: number): void {
    const [spelling, receiver, args] = node.args as [string, Node, Node[]]
    const prefix = this.#namespaceOf(receiver, bound)
    const name =
      prefix === 'cel' ? spelling : canonicalFunction(prefix === undefined ? spelling : `${prefix}.${spelling}`)
    if (name === undefined) throw this.#unknownMethod(node, prefix, spelling)
    if (name === 'matches' || name === 'regexReplace') checkPattern(args[0])
    const scopedFrom = BINDERS[name]
    if (scopedFrom === undefined || (name === 'bind' && prefix !== 'cel') || args.length < 2) {
      node.args = [libraryName(name), receiver, args]
      for (const child of childrenOf(node)) this.visit(child, bound, loops)
      return
    }
    this.#visitBinder(node, name, bound, loops, scopedFrom)
  }

  #visitBinder(node: Node, name: string, bound: readonly string[], loops: number, scopedFrom: number): void {
    const [, receiver, args] = node.args as [string, Node, Node[]]
    const [variable, ...rest] = args as [Node, ...Node[]]
    if (variable.op !== 'id') throw new CelMistake(`${name}() takes a name for its variable first`, variable.start)
    const depth = LOOPS.has(name) ? loops + 1 : loops
    if (depth > LIMITS.loopDepth) {
      throw new CelMistake(`loops stand inside each other more than ${LIMITS.loopDepth} deep`, node.start)
    }
    this.visit(receiver, bound, loops)
    rest.forEach((argument, index) => {
      this.visit(argument, index < scopedFrom ? bound : [...bound, variable.args as string], depth)
    })
  }

  #namespaceOf(receiver: Node, bound: readonly string[]): string | undefined {
    const name = receiver.op === 'id' ? (receiver.args as string) : undefined
    if (name === undefined || bound.includes(name) || this.#target.names.find(name) !== undefined) return undefined
    return NAMESPACES.has(name) || name === 'cel' ? name : undefined
  }

  #linkHas(node: Node, argument: Node | undefined): void {
    const key = argument === undefined ? undefined : keyOf(argument)
    if (argument === undefined || key === undefined) {
      throw new CelMistake('has() takes a field, such as has(request.headers.host)', argument?.start ?? node.start)
    }
    node.setMeta('macro', new Has(argument, key))
  }

  #linkVariables(node: Node): void {
    const { variables } = this.#target
    if (variables === undefined) throw new CelMistake('variables() means nothing here', node.start)
    this.mentions.add('*')
    const known = variables.filter((variable) => this.#target.phase === 'end' || variable.phase === 'request')
    node.setMeta('evaluate', (_evaluator: Evaluator, _node: Node, scope: Scope) => allVariables(known, scope))
  }

  /** The library takes ints that are none, and reads a character beyond ASCII in bytes as if it were one byte. */
  #checkLiteral(node: Node): void {
    if (typeof node.args === 'bigint' && node.args >= -LEAST_INT) {
      throw new CelMistake('this number is too large for an int', node.start)
    }
    if (!(node.args instanceof Uint8Array)) return
    const written = this.#source.slice(node.start, node.end)
    if (Buffer.byteLength(written) === written.length) return
    const text = /^b('{3}|"{3}|'|")([^\\]*)\1$/is.exec(written)?.[2]
    if (text === undefined) throw new CelMistake('bytes hold escapes or characters beyond ASCII, not both', node.start)
    node.args = Buffer.from(text)
  }

  #keyOffset(node: Node, key: string): number {
    const operand = (node.args as [Node, unknown])[0]
    const found = this.#source.indexOf(key, operand.end)
    return found < 0 ? node.start : found
  }

  #unknownMethod(node: Node, prefix: string | undefined, spelling: string): CelMistake {
    const [, receiver] = node.args as [string, Node]
    const offset = Math.max(this.#source.indexOf(spelling, receiver.end), node.start)
    if (prefix === undefined) return this.#unknown('function', spelling, offset, functionSpellings())
    const inNamespace = [...functionSpellings()].filter((name) => name.startsWith(`${prefix}.`))
    return this.#unknown('function', `${prefix}.${spelling}`, offset, inNamespace)
  }

  #unknown(what: string, name: string, offset: number, known: Iterable<string>): CelMistake {
    const message = what.startsWith('field') ? `'${name}' is no ${what}` : `unknown ${what} '${name}'`
    return new CelMistake(message, offset, didYouMean(name, [...known]))
  }
}

function pathName(path: readonly CelVariable[]): string {
  return path.map((step) => step.name).join('.')
}

/** Yields what a path leads to; what is absent is an error that costs no stack trace. */
export function readPath(path: Path): Evaluate {
  const { read } = path
  return (evaluator, _node, scope) => {
    const value = read(scope)
    if (value === undefined) throw NO_SUCH_KEY
    // Refuses objects of classes that are no values of CEL.
    if (typeof value === 'object') evaluator.debugType(value)
    return value
  }
}

function allVariables(variables: readonly CelVariable[], scope: Scope): Map<string, unknown> {
  const all = new Map<string, unknown>()
  for (const variable of variables) {
    const raw = scope.getValue(variable.name)
    const value = raw === undefined ? undefined : typedValue(variable, raw)
    if (value !== undefined) all.set(variable.name, value)
  }
  return all
}

const LEAST_INT = -(2n ** 63n)

function checkPattern(argument: Node | undefined): void {
  if (argument?.op !== 'value' || typeof argument.args !== 'string') return
  const problem = patternProblem(argument.args)
  if (problem !== undefined) throw new CelMistake(`invalid regular expression: ${problem}`, argument.start)
}
