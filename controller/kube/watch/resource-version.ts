/**
 * Whether version `a` of something is newer than `b`. Resource versions of one kind compare as decimal numbers
 * (KEP-5504); where a server's are none, whatever differs counts as newer.
 */
export function isNewerVersion(a: string, b: string): boolean {
  if (!isNumber(a) || !isNumber(b)) return a !== b
  return a.length === b.length ? a > b : a.length > b.length
}

function isNumber(text: string): boolean {
  return /^(0|[1-9]\d*)$/.test(text)
}
