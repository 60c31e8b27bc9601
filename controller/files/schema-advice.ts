import { nearest } from '../../contract/nearest.ts'
import type { Schema } from './schema.ts'

/** Names that older releases of the documented API used, and what to write today. */
const FORMER_NAMES: { readonly [name: string]: string } = {
  provider: "write the provider's block (openai, gemini, …) where 'provider' stands",
  multipool: "write 'priorityGroups: [{providers: […]}]'",
  hostOverride: "write 'host' and 'port' beside the provider's block",
  pathOverride: "write 'path: {full: …}' beside the provider's block",
  authHeaderOverride: "write 'authHeader' beside the provider's block",
}

/** Longer lists of fields are no advice. */
const MOST_NAMES = 12
/** How far below an object a misplaced field is looked for. */
const MOST_LEVELS = 3

/** What to do about a field that a schema does not know; undefined when nothing helpful can be said. */
export function adviceForField(name: string, schema: Schema, parents: readonly Schema[]): string | undefined {
  const known = Object.keys(schema.properties ?? {})
  const near = nearest(name, known)
  if (near !== undefined) return `did you mean '${near}'?`
  const former = Object.hasOwn(FORMER_NAMES, name) ? FORMER_NAMES[name] : undefined
  if (former !== undefined) return former
  const below = placeBelow(name, schema)
  if (below !== undefined) return `'${name}' belongs below ${below}: check the indentation`
  if (parents.some((parent) => parent.properties !== undefined && Object.hasOwn(parent.properties, name))) {
    return `'${name}' belongs further out: check the indentation`
  }
  return known.length > 0 && known.length <= MOST_NAMES ? `known here: ${known.join(', ')}` : undefined
}

/** The path to the nearest field of that name below a schema, without the name itself: `'spec.ai'`. */
function placeBelow(name: string, schema: Schema): string | undefined {
  let level: readonly { readonly path: string; readonly schema: Schema }[] = [{ path: '', schema }]
  for (let depth = 0; depth < MOST_LEVELS; depth++) {
    level = level.flatMap(({ path, schema: parent }) =>
      Object.entries(parent.properties ?? {}).map(([key, child]) => ({
        path: path === '' ? key : `${path}.${key}`,
        schema: child.items ?? child,
      })),
    )
    const found = level.find(
      ({ schema: each }) => each.properties !== undefined && Object.hasOwn(each.properties, name),
    )
    if (found !== undefined) return `'${found.path}'`
  }
  return undefined
}

/** What to do about a value that its schema does not allow; never repeats the value, which may be a secret. */
export function adviceForValue(value: unknown, schema: Schema): string | undefined {
  if (schema.enum !== undefined && typeof value === 'string') {
    const near = nearest(value, schema.enum.map(String))
    return near === undefined ? undefined : `did you mean '${near}'?`
  }
  if (schema.type === 'string' && typeof value === 'number') return 'put it in quotes'
  if (schema.type === 'string' && typeof value === 'boolean') {
    return 'put it in quotes: kubectl takes y, n, yes, no, on and off for booleans'
  }
  if (typeof value === 'string' && isPlainIn(value, schema)) return 'write it without quotes'
  if (schema.type === 'array' && typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return "put '- ' before its first line"
  }
  return undefined
}

function isPlainIn(value: string, { type }: Schema): boolean {
  if (type === 'boolean') return value === 'true' || value === 'false'
  return (type === 'integer' || type === 'number') && /^-?\d+(\.\d+)?$/.test(value)
}
