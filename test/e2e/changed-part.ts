/**
 * The value with one of its parts replaced, or gone for undefined; `place` counts the parts in the order of the value's
 * JSON, over and over. The value itself, which comes first, stays.
 */
export function withPart(value: object, place: number, replacement: unknown): unknown {
  let parts = 0
  JSON.stringify(value, (_key, inner: unknown) => {
    parts += 1
    return inner
  })
  const chosen = parts === 1 ? -1 : 1 + (place % (parts - 1))
  let seen = -1
  const changed = JSON.stringify(value, (_key, inner: unknown) => {
    seen += 1
    return seen === chosen ? replacement : inner
  })
  return JSON.parse(changed)
}
