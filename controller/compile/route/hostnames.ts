/** A hostname as it is compared: lower case, without the root's dot. */
export function normalised(hostname: string): string {
  const lower = hostname.toLowerCase()
  return lower.endsWith('.') ? lower.slice(0, -1) : lower
}

/** Whether `*.x` covers a hostname: one or more labels in front of x, never x itself. */
function covers(wildcard: string, hostname: string): boolean {
  return wildcard.startsWith('*.') && hostname.length > wildcard.length - 1 && hostname.endsWith(wildcard.slice(1))
}

/** What two normalised hostnames have in common: the narrower one, or nothing. */
function narrower(a: string, b: string): string | undefined {
  if (a === b || covers(b, a)) return a
  return covers(a, b) ? b : undefined
}

/**
 * The hostnames of a route that count on a listener: all pairwise intersections, normalised, each once, in the route's
 * order. A side without hostnames stands for any.
 * @returns undefined when they have nothing in common; an empty list means any host
 */
export function intersection(
  routeHostnames: readonly string[],
  listenerHostname: string | undefined,
): readonly string[] | undefined {
  // An empty hostname is the same as none: Gateway API.
  const listener = listenerHostname === undefined || listenerHostname === '' ? undefined : normalised(listenerHostname)
  if (routeHostnames.length === 0) return listener === undefined ? [] : [listener]
  const own = routeHostnames.map(normalised)
  const common = own.flatMap((hostname) => (listener === undefined ? hostname : (narrower(hostname, listener) ?? [])))
  return common.length === 0 ? undefined : [...new Set(common)]
}
