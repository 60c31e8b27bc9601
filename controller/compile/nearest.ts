/** How many edits apart a name may be to be taken for a typo: a third of its length, at most three. */
function allowance(name: string): number {
  return Math.min(3, Math.max(1, Math.floor(name.length / 3)))
}

/** Edits that make one text of the other: insert, delete or replace a character, or swap two neighbours. */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, index) => index)]
  const at = (row: number, column: number): number => rows[row]?.[column] as number
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    rows.push(row)
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(Math.min(replaced, at(i - 1, j) + 1, at(i, j - 1) + 1, isSwap ? at(i - 2, j - 2) + 1 : Infinity))
    }
  }
  return at(a.length, b.length)
}

/** Comparing takes time, and nobody mistypes one name among thousands, or one as long as a line. */
const MOST_NAMES = 2000
const MOST_CHARACTERS = 100

/** `did you mean 'X'?` for the known name that is nearest to a mistyped one; undefined when none is near. */
export function didYouMean(name: string, known: readonly string[]): string | undefined {
  if (name.length > MOST_CHARACTERS) return undefined
  const limit = allowance(name)
  let best: { readonly name: string; readonly edits: number } | undefined
  for (const candidate of known.slice(0, MOST_NAMES)) {
    if (Math.abs(candidate.length - name.length) > limit) continue
    const edits = distance(name.toLowerCase(), candidate.toLowerCase())
    if (edits <= limit && (best === undefined || edits < best.edits)) best = { name: candidate, edits }
  }
  return best === undefined ? undefined : `did you mean '${best.name}'?`
}
