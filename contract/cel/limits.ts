/**
 * What an expression may cost. The first part is checked when it is compiled, the second is counted while it runs, so
 * that neither a mistake in the configuration nor the data of a client can stall or exhaust a worker.
 */
export const LIMITS = {
  /** Characters of the source. */
  sourceLength: 4096,
  nodes: 2000,
  depth: 64,
  listElements: 256,
  mapEntries: 256,
  arguments: 16,
  /** How deep `map`, `filter`, `all`, `exists` … may stand inside each other. */
  loopDepth: 2,
  /** Arguments of `coalesce`, `min`, `max`, `math.least`, `math.greatest`. */
  variadicArguments: 8,
  /** Characters of a regular expression. */
  patternLength: 1000,

  /** One for each turn of a loop, more for work on long texts and lists. */
  steps: 100_000,
  /** Elements of a list that an expression builds. */
  listLength: 10_000,
  /** Characters of a text that an expression builds. */
  textLength: 1 << 20,
  /** How deep JSON may be nested that is read or written. */
  jsonDepth: 64,
} as const
