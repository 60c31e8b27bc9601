import { DATA_FUNCTIONS } from './functions/data.ts'
import { ENCODING_FUNCTIONS } from './functions/encoding.ts'
import { HTTP_FUNCTIONS } from './functions/http.ts'
import { MACROS } from './functions/macros.ts'
import { MATH_FUNCTIONS } from './functions/math.ts'
import { NETWORK_FUNCTIONS } from './functions/network.ts'
import { STANDARD_FUNCTIONS } from './functions/standard.ts'
import { STRING_FUNCTIONS } from './functions/strings.ts'
import type { CelFunction, FunctionGroup } from './functions/table.ts'
import { TIME_FUNCTIONS } from './functions/time.ts'
import { snakeCase } from './spelling.ts'

/** Every function that an expression may call, in the order of the reference page. */
export const CEL_FUNCTION_GROUPS: readonly FunctionGroup[] = [
  { title: 'Telemetry, JSON and maps', functions: DATA_FUNCTIONS },
  { title: 'What is absent, and names for values', functions: MACROS },
  { title: 'Headers, URIs and regular expressions', functions: HTTP_FUNCTIONS },
  { title: 'Text', functions: STRING_FUNCTIONS },
  { title: 'Encodings', functions: ENCODING_FUNCTIONS },
  { title: 'Standard', functions: STANDARD_FUNCTIONS },
  { title: 'Time', functions: TIME_FUNCTIONS },
  { title: 'Numbers', functions: MATH_FUNCTIONS },
  { title: 'Addresses', functions: NETWORK_FUNCTIONS },
]

export const CEL_FUNCTIONS: readonly CelFunction[] = CEL_FUNCTION_GROUPS.flatMap((group) => group.functions)

/** Names before the dot of functions such as `base64.encode`. */
export const NAMESPACES: ReadonlySet<string> = new Set(
  CEL_FUNCTIONS.flatMap(({ name }) => (name.includes('.') ? [name.slice(0, name.indexOf('.'))] : [])),
)

/** All spellings of a function, the canonical one first. */
export function spellingsOf({ name, also = [] }: CelFunction): readonly string[] {
  return [...new Set([name, ...(also.length > 0 ? also : [snakeCase(name)])])]
}

const canonicalNames = new Map(
  CEL_FUNCTIONS.flatMap((known) => spellingsOf(known).map((spelling) => [spelling, known.name] as const)),
)

/** The canonical name of a function in any spelling; undefined when there is none of that name. */
export function canonicalFunction(spelling: string): string | undefined {
  return canonicalNames.get(spelling)
}

/** Every accepted spelling. */
export function functionSpellings(): Iterable<string> {
  return canonicalNames.keys()
}

const replaced = new Set(CEL_FUNCTIONS.filter((known) => known.replaces).map((known) => known.name))

/** The name under which the library knows a canonical function: another one where the library's own is not wanted. */
export function libraryName(canonical: string): string {
  const name = canonical.slice(canonical.indexOf('.') + 1)
  return replaced.has(canonical) ? `weir_${name}` : name
}
