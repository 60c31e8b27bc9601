const UNIT_MS: { readonly [unit: string]: number } = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 }

/**
 * Milliseconds of a Gateway API duration: one to four numbers of at most five digits, each with a unit of h, m, s or
 * ms, without sign or fraction (GEP-2257).
 * @returns undefined when the text is not one
 */
export function durationMs(text: string): number | undefined {
  if (!/^([0-9]{1,5}(h|m|s|ms)){1,4}$/.test(text)) return undefined
  return [...text.matchAll(/([0-9]+)(ms|h|m|s)/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (UNIT_MS[unit as string] as number),
    0,
  )
}
