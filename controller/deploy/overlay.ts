import type { KubeMap } from '../api/gateway-parameters.ts'

/**
 * What the user gives over what weir would take: maps are merged field by field, everything else is replaced, and a null
 * takes a field out.
 */
export function overlay(own: KubeMap, given: KubeMap | undefined): KubeMap {
  if (given === undefined) return own
  const merged = { ...own, ...given }
  return Object.fromEntries(
    Object.entries(merged).flatMap(([field, value]) => {
      if (value === null) return []
      const [under, over] = [own[field], given[field]]
      return [[field, isMap(under) && isMap(over) ? overlay(under, over) : value]]
    }),
  )
}

/** Neither a list nor a plain value. */
export function isMap(value: unknown): value is KubeMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
