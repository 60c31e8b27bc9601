import { z } from 'zod'

/**
 * What a key of config.yaml does in this version: `built`, it works; `notBuilt`, it is planned, valid and has no effect
 * yet (a warning says so); `noEffect`, it comes with documents written for another proxy and means nothing here (an
 * info says so).
 */
export type KeyState = 'built' | 'notBuilt' | 'noEffect'

interface KeyDetails {
  readonly state?: KeyState
  /** The value that an absent key stands for, for the reference. */
  readonly default?: unknown
}

/** An optional key, with its description. The state is `built` unless `details` say otherwise. */
export function key<T extends z.ZodType>(schema: T, description: string, details: KeyDetails = {}): z.ZodOptional<T> {
  return schema.optional().meta({ description, state: 'built', ...details })
}

/** A key that must be there wherever the map that holds it is. */
export function requiredKey<T extends z.ZodType>(schema: T, description: string): T {
  return schema.meta({ description, state: 'built' })
}

/** An optional key that is planned and has no effect yet. Keys below it need no state of their own. */
export function plannedKey<T extends z.ZodType>(schema: T, description: string, fallback?: unknown): z.ZodOptional<T> {
  return key(schema, description, { state: 'notBuilt', ...(fallback === undefined ? {} : { default: fallback }) })
}

/** The state of a key whose schema was made by one of the functions above. */
export function stateOf(schema: z.ZodType): KeyState {
  return (schema.meta()?.['state'] as KeyState | undefined) ?? 'built'
}

/** The schema of a key's value, whether or not the key may be absent. */
export function valueSchema(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodOptional ? valueSchema(schema.unwrap() as z.ZodType) : schema
}
