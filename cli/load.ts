import { GATEWAY_CLASSES } from '../contract/names.ts'
import type { Problem } from '../controller/api/problem.ts'
import type { Compilation } from '../controller/api/verdict.ts'
import { compile } from '../controller/compile/compile.ts'
import { loadFolder } from '../controller/files/load-folder.ts'
import { positioned } from '../controller/files/positioned.ts'
import { readFiles } from '../controller/files/read.ts'

/** What a folder of manifests comes to. */
export interface Loaded {
  readonly compilation: Compilation
  /** All problems with the place in the file, in the order of files and lines. */
  readonly problems: readonly Problem[]
}

/** Reads and compiles manifests, as `run`, `check` and `compile` all do. */
export async function loadAndCompile(paths: readonly string[], namespace: string): Promise<Loaded> {
  const inventory = readFiles(await loadFolder(paths), { namespace })
  const compilation = compile(inventory, { implicitClasses: GATEWAY_CLASSES })
  return { compilation, problems: positioned(compilation.problems, inventory) }
}

/** `file:line:col: severity: Kind ns/name path: message (advice)`. */
export function formatProblem(problem: Problem): string {
  const { position, severity, at, path, message, advice } = problem
  const place = position === undefined ? '' : `${position.file}:${position.line}:${position.column}: `
  const object = at.kind === '' ? '' : `${at.kind} ${at.namespace === '' ? '' : `${at.namespace}/`}${at.name}`
  const subject = object === '' ? '' : `${object}${path === '' ? '' : ` ${path}`}: `
  return `${place}${severity}: ${subject}${message}${advice === undefined ? '' : ` (${advice})`}`
}
