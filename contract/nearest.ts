/** How many edits apart a name may be to be taken for a typo: a third of its length, at most three. */
function allowance(name: string): number {
  return Math.min(3, Math.max(1, Math.floor(name.length / 3)))
}

/** Nobody mistypes a name of a kilobyte, and comparing it with many others would take long. */
const MOST_CHARACTERS = 100
/** Nor does anybody mistype one name among thousands. */
const MOST_NAMES = 2000

/** Edits (insert, delete, replace a character, swap two neighbours) that make one text of the other. */
export function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let best = Math.min(
        (previous[j - 1] as number) + (same ? 0 : 1),
        (previous[j] as number) + 1,
        (current[j - 1] as number) + 1,
      )
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (beforePrevious[j - 2] as number) + 1)
      current.push(best)
    }
    beforePrevious = previous
    previous = current
  }
  return previous[b.length] as number
}

/** `did you mean 'X'?` for the {@link nearest} known name; undefined when none is near. */
export function didYouMean(name: string, known: readonly string[]): string | undefined {
  const meant = nearest(name, known)
  return meant === undefined ? undefined : `did you mean '${meant}'?`
}

/** The known name that a mistyped one was most likely meant to be, whatever its case; undefined when none is near. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  if (name.length > MOST_CHARACTERS) return undefined
  const limit = allowance(name)
  let best: { readonly name: string; readonly edits: number } | undefined
  for (const candidate of known.slice(0, MOST_NAMES)) {
    if (Math.abs(candidate.length - name.length) > limit) continue
    const edits = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (edits <= limit && (best === undefined || edits < best.edits)) best = { name: candidate, edits }
  }
  return best?.name ?? onlyLongerName(name, known)
}

/** Of a name that was cut short, and that only one known name begins with: `customConfigMap`. */
function onlyLongerName(name: string, known: readonly string[]): string | undefined {
  if (name.length < 4) return undefined
  const longer = known.filter((candidate) => candidate.toLowerCase().startsWith(name.toLowerCase()))
  return longer.length === 1 ? longer[0] : undefined
}
