/**
 * A CEL value in a form that belongs to no library, so that what two of them yield can be compared. Ints and uints are
 * both `int`: weir's values do not tell them apart. Times are counted in nanoseconds.
 */
export type Neutral =
  | { readonly kind: 'null' }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'double'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'bytes'; readonly value: Uint8Array }
  | { readonly kind: 'list'; readonly value: readonly Neutral[] }
  | { readonly kind: 'map'; readonly value: readonly (readonly [Neutral, Neutral])[] }
  | { readonly kind: 'timestamp'; readonly value: bigint }
  | { readonly kind: 'duration'; readonly value: bigint }

/** Whether both are the same value, of the same kind. Keys of maps are compared by their text, which is what weir keeps. */
export function sameNeutral(a: Neutral, b: Neutral): boolean {
  if (a.kind === 'list' && b.kind === 'list') {
    return a.value.length === b.value.length && a.value.every((element, index) => sameAt(b.value[index], element))
  }
  if (a.kind === 'map' && b.kind === 'map') {
    const other = new Map(b.value.map(([key, value]) => [keyText(key), value]))
    return a.value.length === other.size && a.value.every(([key, value]) => sameAt(other.get(keyText(key)), value))
  }
  if (a.kind === 'bytes' && b.kind === 'bytes') return Buffer.compare(a.value, b.value) === 0
  if (a.kind === 'null') return b.kind === 'null'
  if (b.kind !== a.kind) return false
  return a.value === b.value || Object.is(a.value, b.value)
}

function sameAt(candidate: Neutral | undefined, wanted: Neutral): boolean {
  return candidate !== undefined && sameNeutral(wanted, candidate)
}

function keyText(key: Neutral): string {
  return 'value' in key ? String(key.value) : 'null'
}

/** The value as one line, for messages. */
export function neutralText(value: Neutral): string {
  switch (value.kind) {
    case 'null':
      return 'null'
    case 'list':
      return `[${value.value.map(neutralText).join(', ')}]`
    case 'map':
      return `{${value.value.map(([key, element]) => `${keyText(key)}: ${neutralText(element)}`).join(', ')}}`
    default:
      return `${value.kind} ${String(value.value)}`
  }
}
