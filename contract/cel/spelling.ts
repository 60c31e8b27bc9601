/** The snake_case spelling of a camelCase name: `requestModel` → `request_model`, `isIP` → `is_ip`. */
export function snakeCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
}

/** Nobody mistypes a name this long, and comparing it with every known one would take long. */
const LONGEST_NAME = 64

/**
 * Edits (insert, delete, replace one character, swap two neighbours) that make one text of the other: the optimal string
 * alignment distance.
 */
export function editDistance(a: string, b: string): number {
  let older: number[] = []
  let old = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const next = [row]
    for (let column = 1; column <= b.length; column++) {
      const replaced = (old[column - 1] as number) + (a[row - 1] === b[column - 1] ? 0 : 1)
      let edits = Math.min(replaced, (old[column] as number) + 1, (next[column - 1] as number) + 1)
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) edits = Math.min(edits, (older[column - 2] as number) + 1)
      next.push(edits)
    }
    older = old
    old = next
  }
  return old[b.length] as number
}

/**
 * The known name that a mistyped one was most likely meant to be: at most a third of its characters (at least one, at
 * most three) may differ, whatever the case. Undefined when none is that near; the first one where several are.
 */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  if (name.length > LONGEST_NAME) return undefined
  const most = Math.min(3, Math.max(1, Math.floor(name.length / 3)))
  let best: string | undefined
  let bestEdits = most + 1
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) >= bestEdits) continue
    const edits = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (edits < bestEdits) {
      best = candidate
      bestEdits = edits
    }
  }
  return best
}
